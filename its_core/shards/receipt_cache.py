"""The receipts of a plan, for a reader that asks again and again: only what has changed is read again."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from its_core.shards.plan import planned_clip_ids
from its_core.shards.receipts import ClipFiles, Receipt, clip_files

# A folder's time of change moves in steps: what changes right after it was read may have the same time.
_SETTLED_AFTER_NS = 2_000_000_000
# What is kept of a record; the whole of it would be most of the memory.
_KEPT = ("ranks_per_clip", "device")


@dataclass(slots=True)
class _Cached:
    """A receipt as it was read; ``version`` shows whether the file is still that one."""

    version: tuple[int, int]
    receipt: Receipt | None
    is_valid: bool


@dataclass(slots=True)
class _Folder:
    """The clips of a folder, as of the folder's time of change (None: it may still be changing)."""

    changed_ns: int | None = None
    clips: dict[str, _Cached] = field(default_factory=dict)


class ReceiptCache:
    """Receipts of the planned clips of one work folder, records cut down to what was computed on.

    Receipts and clips come and go by name, which changes the time of their folder: as long as that stays, so do they.
    """

    def __init__(self) -> None:
        self._folders: defaultdict[str, _Folder] = defaultdict(_Folder)

    def read(self, work: Path) -> Iterator[Receipt]:
        by_folder: defaultdict[str, list[str]] = defaultdict(list)
        for clip_id in planned_clip_ids(work):
            by_folder[clip_id[:2]].append(clip_id)
        for name, clip_ids in by_folder.items():
            yield from self._of_folder(work, name, clip_ids)

    def _of_folder(self, work: Path, name: str, clip_ids: Sequence[str]) -> Iterator[Receipt]:
        folder = self._folders[name]
        try:
            changed_ns = clip_files(work, clip_ids[0]).video.parent.stat().st_mtime_ns
        except FileNotFoundError:
            return
        if changed_ns != folder.changed_ns or folder.clips.keys() != set(clip_ids):
            settled = time.time_ns() - changed_ns > _SETTLED_AFTER_NS
            folder.clips = {
                clip_id: _refreshed(clip_files(work, clip_id), folder.clips.get(clip_id)) for clip_id in clip_ids
            }
            folder.changed_ns = changed_ns if settled else None
        for cached in folder.clips.values():
            if cached.receipt is not None and cached.is_valid:
                yield cached.receipt


def _refreshed(files: ClipFiles, before: _Cached | None) -> _Cached:
    try:
        file = files.receipt.stat()
    except FileNotFoundError:
        return _Cached((0, 0), None, False)
    version = (file.st_mtime_ns, file.st_ino)
    if before is not None and before.version == version:
        receipt = before.receipt
    elif receipt := files.read_receipt():
        kept = {key: receipt.record[key] for key in _KEPT if key in receipt.record}
        receipt = receipt.model_copy(update={"record": kept, "made_from": None})
    return _Cached(version, receipt, receipt is not None and files.matches(receipt))
