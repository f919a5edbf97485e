"""Finds what was changed in a published version after it was published.

A file that changed, is missing or was added; a label that was edited, even where its checksum was edited too, because
the version's name follows from its content; a clip whose signature is broken or whose synthetic mark is gone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from its_core import marking, storage
from its_core.dataset.layout import REJECTED_FILE
from its_core.dataset.local_files import LocalFiles
from its_core.dataset.reader import Version
from its_core.dataset.versions import checksums, tombstones
from its_core.dataset.versions.content import version_name
from its_core.dataset.versions.version import MARKER_FILE, ContentHash
from its_core.taxonomy import Split


@dataclass(frozen=True, slots=True)
class Problem:
    """``code``: missing, changed, added, unreadable, content, signature or mark; ``path`` is from the version."""

    code: str
    path: str
    message: str


def verify(version: Version) -> list[Problem]:
    """Reads every file of the version. Raises FileNotFoundError where ``checksums.sha256`` is missing."""
    listed = storage.read_bytes(storage.join(version.url, checksums.FILE_NAME))
    if hashlib.sha256(listed).hexdigest() != version.checksums_sha256:
        return [Problem("changed", checksums.FILE_NAME, "is not the list that the marker names")]
    digests = checksums.read(listed.decode()) | dict(version.run_files_sha256)
    problems = [*_files(version, digests)]
    touched = {problem.path for problem in problems}
    problems += _content(version, digests)
    clips = [path for path in digests if path.endswith(".mp4") and path not in touched]
    problems += _marks(version, clips)
    return problems


def _files(version: Version, digests: dict[str, str]) -> Iterator[Problem]:
    for path, digest in digests.items():
        try:
            found = storage.sha256(storage.join(version.url, path))
        except FileNotFoundError:
            yield Problem("missing", path, "is missing")
            continue
        if found != digest:
            yield Problem("changed", path, f"SHA-256 is {found}, published was {digest}")
    own = {MARKER_FILE, checksums.FILE_NAME}
    for path in sorted(storage.find(version.url).keys() - digests.keys() - own):
        if not path.startswith(".lease-"):
            yield Problem("added", path, "was not published with this version")


def _content(version: Version, digests: dict[str, str]) -> Iterator[Problem]:
    """The name that follows from the labels, the annotations and the rejected rows as they are now."""
    texts = {"name": version.dataset, "description": version.description, "license": version.license}
    splits: dict[Split, ContentHash] = {}
    try:
        stones = tombstones.read(version.url)
        recalled = {stone.clip_id: stone for stone in stones}
        for split in Split:
            rows = version.table(split).to_pylist() if split in version.clips else []
            for row in tombstones.restored(rows, [stone for stone in stones if stone.split == split]):
                path = row["annotations_path"]
                stone = recalled.get(row["clip_id"])
                listed = None if path is None else digests.get(path, "not listed")
                content = splits.setdefault(split, ContentHash())
                content.add_clip(row, listed if stone is None else stone.annotations_sha256)
                if stone is None and digests.get(f"{split.value}/{row['file_name']}") != row["clip_sha256"]:
                    yield Problem("content", f"{split.value}/{row['file_name']}", "the label's clip_sha256 is another")
        rejected = _read(version, REJECTED_FILE).to_pylist()
    except (OSError, ValueError, KeyError) as error:  # Arrow's own errors are ValueErrors too
        yield Problem("unreadable", "metadata.parquet", f"the labels cannot be read: {error}")
        return
    name = version_name(texts, splits, rejected)
    if name != version.version:
        yield Problem("content", MARKER_FILE, f"labels, annotations and texts make version {name}: they were edited")


def _read(version: Version, path: str) -> pa.Table:
    return pq.read_table(pa.BufferReader(storage.read_bytes(storage.join(version.url, path))))


def _marks(version: Version, paths: list[str]) -> Iterator[Problem]:
    """Signatures, and the statement that the clip is synthetic."""
    with LocalFiles() as files:
        for path in paths:
            found = marking.read(files.path(storage.join(version.url, path)))
            if found.signature == "broken":
                yield Problem("signature", path, f"its C2PA signature is broken: {found.problem}")
            elif not found.says_synthetic:
                yield Problem("mark", path, "does not say that it is synthetic")
