"""Reads what was published: its rows and annotations, whether its files are whole, and its clips for another build."""

from __future__ import annotations

import gzip
import hashlib
import logging
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from its_core import storage
from its_core.annotations import Annotations
from its_core.dataset import lineage
from its_core.dataset.labels import metadata
from its_core.dataset.pictures import contact_sheet
from its_core.dataset.versions import checksums
from its_core.dataset.versions.version import LATEST_FILE, MARKER_FILE
from its_core.errors import FactoryError
from its_core.taxonomy import Split

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_log = logging.getLogger(__name__)


class NotPublished(FactoryError, ValueError):
    """Nothing is published there; the message says where and what was looked for."""

    default_code = "not_published"


@dataclass(frozen=True, slots=True)
class Version:
    """A published version: its folder, and what its marker says."""

    url: str
    dataset: str
    version: str
    clips: dict[Split, int]
    checksums_sha256: str

    @property
    def contact_sheet_url(self) -> str:
        return storage.join(self.url, contact_sheet.FILE_NAME)

    def table(self, split: Split, columns: list[str] | None = None) -> pa.Table:
        """The split's ``metadata.parquet``, all columns or some."""
        return _read_parquet(storage.join(self.url, split.value, metadata.FILE_NAME), columns)

    def rows(self, columns: list[str] | None = None) -> Iterator[dict[str, Any]]:
        """The rows of all splits: train, val, test."""
        for split in self.clips:
            yield from self.table(split, columns).to_pylist()

    def annotations(self, row: dict[str, Any]) -> Annotations | None:
        """The ground truth of the clip of a row, None where it has none."""
        if row["annotations_path"] is None:
            return None
        packed = storage.read_bytes(storage.join(self.url, row["annotations_path"]))
        return Annotations.model_validate_json(gzip.decompress(packed))

    def damaged(self) -> list[str]:
        """Paths of files that are missing or not what ``checksums.sha256`` says; the list itself goes first."""
        listed = storage.read_bytes(storage.join(self.url, checksums.FILE_NAME))
        if hashlib.sha256(listed).hexdigest() != self.checksums_sha256:
            return [checksums.FILE_NAME]
        return [path for path, digest in checksums.read(listed.decode()).items() if self._digest(path) != digest]

    def _digest(self, path: str) -> str | None:
        url = storage.join(self.url, path)
        try:
            if storage.is_local(url):
                return storage.sha256_file(storage.local_path(url))
            return hashlib.sha256(storage.read_bytes(url)).hexdigest()
        except FileNotFoundError:
            return None


@dataclass(frozen=True, slots=True)
class PublishedClip:
    """A clip that lies in a published version; ``record`` is the engine's own account of how it was made."""

    clip_id: str
    video_url: str
    clip_sha256: str
    annotations_url: str | None
    annotations_sha256: str | None
    record: dict[str, Any]


def latest(root_url: str) -> Version:
    """The latest version of the dataset published at ``<publish_url>/<dataset>``. Raises NotPublished."""
    url = storage.join(root_url, LATEST_FILE)
    try:
        name = orjson.loads(storage.read_bytes(url))["version"]
    except (FileNotFoundError, NotADirectoryError):
        raise NotPublished(f"{root_url}: nothing is published there (no {LATEST_FILE})") from None
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise NotPublished(f"{url}: does not name a version") from None
    if not _NAME.fullmatch(str(name)):
        raise NotPublished(f"{url}: {str(name)[:40]!r} is not a version's name")
    return open_version(storage.join(root_url, str(name)))


def open_version(url: str) -> Version:
    """The version in a folder. Raises NotPublished when its marker is missing or not readable."""
    try:
        marker = orjson.loads(storage.read_bytes(storage.join(url, MARKER_FILE)))
        return Version(
            url=url,
            dataset=marker["dataset"],
            version=marker["version"],
            clips={split: marker["clips"][split] for split in Split if split in marker["clips"]},
            checksums_sha256=marker["checksums_sha256"],
        )
    except (FileNotFoundError, NotADirectoryError):
        raise NotPublished(f"{url}: no published version (no {MARKER_FILE})") from None
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise NotPublished(f"{storage.join(url, MARKER_FILE)}: is not a version's marker") from None


def versions(root_url: str) -> list[Version]:
    """All published versions of a dataset, by name."""
    found = []
    for name in storage.list_folder(root_url):
        if name.startswith(".") or name == LATEST_FILE:
            continue
        try:
            found.append(open_version(storage.join(root_url, name)))
        except NotPublished:
            continue
    return found


def clips_by_id(root_url: str, wanted: Collection[str]) -> dict[str, PublishedClip]:
    """Those of the wanted clips that lie in any published version of the dataset; a version that somebody has damaged
    beyond reading is passed over."""
    found: dict[str, PublishedClip] = {}
    for version in versions(root_url):
        missing = set(wanted) - found.keys()
        if not missing:
            break
        try:
            found |= _clips_of(version, missing)
        except (FileNotFoundError, ValueError, KeyError):  # Arrow's own errors are ValueErrors too
            _log.warning("%s cannot be read whole: none of its clips is reused", version.url)
    return found


def _clips_of(version: Version, wanted: Collection[str]) -> dict[str, PublishedClip]:
    rows = version.rows(["clip_id", "file_name", "split", "clip_sha256", "annotations_path"])
    here = {row["clip_id"]: row for row in rows if row["clip_id"] in wanted}
    if not here:
        return {}
    digests = checksums.read(storage.read_bytes(storage.join(version.url, checksums.FILE_NAME)).decode())
    records = _read_parquet(storage.join(version.url, lineage.FOLDER, lineage.CLIPS_FILE))
    return {
        line["clip_id"]: _clip(version, here[line["clip_id"]], orjson.loads(line["engine_record"]), digests)
        for line in records.select(["clip_id", "engine_record"]).to_pylist()
        if line["clip_id"] in here
    }


def _clip(version: Version, row: dict[str, Any], record: dict[str, Any], digests: Mapping[str, str]) -> PublishedClip:
    path = row["annotations_path"]
    return PublishedClip(
        clip_id=row["clip_id"],
        video_url=storage.join(version.url, row["split"], row["file_name"]),
        clip_sha256=row["clip_sha256"],
        annotations_url=None if path is None else storage.join(version.url, path),
        annotations_sha256=None if path is None else digests[path],
        record=record,
    )


def _read_parquet(url: str, columns: list[str] | None = None) -> pa.Table:
    if storage.is_local(url):
        return pq.read_table(storage.local_path(url), columns=columns, partitioning=None)
    return pq.read_table(BytesIO(storage.read_bytes(url)), columns=columns)
