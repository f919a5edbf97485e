"""What may be removed when builds run every night: superseded clips, old launches, old versions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from its_core import storage
from its_core.dataset import reader
from its_core.dataset.versions.version import MARKER_FILE
from its_core.shards import build
from its_core.shards.build import Build, BuildState
from its_core.shards.plan import planned_clip_ids
from its_core.shards.receipts import clip_files


class Kind(StrEnum):
    CLIP = "clip"
    LAUNCH = "launch"
    VERSION = "version"


@dataclass(frozen=True, slots=True)
class Superseded:
    """Something that no build needs any more: a version's folder or URL, a launch's folder, or a clip's video with the
    files beside it. ``size_bytes`` is what its files hold; links of them elsewhere may keep the disk's blocks."""

    kind: Kind
    url: str
    size_bytes: int


def superseded(work: Path, root_url: str, keep: int) -> Iterator[Superseded]:
    """Everything that may go of a dataset: in its work folder ``work`` and among the versions at ``root_url``.

    Clips and launches are looked at only where the last build was published: then the last plan is what the user
    wants. ``keep`` (≥ 1) versions stay, the newest ones, and in any case the latest.
    """
    last = build.read(work)
    if last is not None and last.state is BuildState.PUBLISHED:
        yield from _superseded_clips(work)
        yield from _old_launches(work, last)
    yield from _old_versions(root_url, keep)


def _superseded_clips(work: Path) -> Iterator[Superseded]:
    planned = set(planned_clip_ids(work))
    if not planned:  # the plan cannot be read
        return
    for folder in sorted((work / "clips").glob("*/")):
        ids = {path.name.partition(".")[0] for path in folder.iterdir() if not path.name.startswith(".")}
        for clip_id in sorted(ids - planned):
            files = clip_files(work, clip_id)
            yield Superseded(Kind.CLIP, str(files.video), sum(map(_size_bytes, _files_of(files.video))))


def _old_launches(work: Path, last: Build) -> Iterator[Superseded]:
    """Logs and batch files of launches before the last build, but those that a failed clip's receipt names."""
    started_s = datetime.fromisoformat(last.started_at).timestamp()
    named = {
        receipt.attempts[-1].launch
        for clip_id in planned_clip_ids(work)
        if (receipt := clip_files(work, clip_id).read_receipt()) and not receipt.outcome.made_a_clip
    }
    for folder in sorted((work / "shards").glob("*/*/")):
        if folder.name not in named and folder.stat().st_mtime < started_s:
            size_bytes = sum(_size_bytes(path) for path in folder.rglob("*"))
            yield Superseded(Kind.LAUNCH, str(folder), size_bytes)


def _old_versions(root_url: str, keep: int) -> Iterator[Superseded]:
    try:
        latest = reader.latest(root_url).version
    except reader.NotPublished:
        return
    versions = reader.versions(root_url)
    versions.sort(key=lambda version: storage.age_s(storage.join(version.url, MARKER_FILE)))
    for version in versions[keep:]:
        if version.version != latest:
            sizes = (stat.size_bytes for stat in storage.find(version.url).values())
            yield Superseded(Kind.VERSION, version.url, sum(sizes))


def remove(item: Superseded) -> None:
    """Removes it; of a version the marker first, so that no reader takes half of one for whole."""
    match item.kind:
        case Kind.CLIP:
            for path in _files_of(Path(item.url)):
                path.unlink(missing_ok=True)
        case Kind.LAUNCH:
            storage.remove_tree(item.url)
            _remove_if_empty(Path(item.url).parent)
        case Kind.VERSION:
            storage.remove_tree(storage.join(item.url, MARKER_FILE))
            storage.remove_tree(item.url)


def _files_of(video: Path) -> list[Path]:
    """A clip's files, its receipt first: without it nothing is taken for a clip."""
    files = sorted(video.parent.glob(f"{video.stem}.*"))
    return sorted(files, key=lambda path: not path.name.endswith(".receipt.json"))


def _remove_if_empty(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()


def _size_bytes(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
