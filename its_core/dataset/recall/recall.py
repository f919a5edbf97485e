"""Recalls published clips: recorded for later builds, withdrawn from every version, the latest version replaced."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from its_core import storage
from its_core.dataset import reader
from its_core.dataset.assembly import WriteAudit
from its_core.dataset.publish import LOCK, Published
from its_core.dataset.reader import Version
from its_core.dataset.recall import records
from its_core.dataset.recall.records import Recall
from its_core.dataset.recall.replacement import publish_without_recalled
from its_core.dataset.recall.withdrawal import withdraw
from its_core.dataset.trace import Derived, Origin, trace
from its_core.dataset.versions.commit import LEASE_FILE
from its_core.dataset.versions.lease import Lease
from its_core.dataset.versions.version import LATEST_FILE
from its_core.shards.receipts import utc_now

_SCRATCH = ".recalling"


@dataclass(frozen=True, slots=True)
class Recalled:
    """``withdrawn`` are versions that have tombstones now, ``published`` the new versions, ``emptied`` the URLs of
    datasets that have no latest version any more, because all clips of it were recalled."""

    withdrawn: Sequence[Version]
    published: Sequence[Published]
    emptied: Sequence[str]


def recall(versions: Iterable[Version], origin: Origin, reason: str, write_audit: WriteAudit | None = None) -> Recalled:
    """Recalls every clip of the versions that has the origin. Called again, it finishes what was interrupted.
    ``write_audit`` as ``publish`` has it.

    Raises:
        storage.Busy: a build publishes the dataset, or another recall runs.
    """
    withdrawn, published, emptied = [], [], []
    for root, found in _by_dataset(trace(versions, origin)).items():
        clip_ids = frozenset(each.clip_id for each in found)
        now = utc_now()
        records.write(root, Recall(recalled_at=now, reason=reason, clip_ids=clip_ids, origin=records.lasting(origin)))
        for version in {each.version.url: each.version for each in found}.values():
            with _scratch(root) as scratch, _held(version.url, root, scratch):
                withdrawn.append(withdraw(version, clip_ids, now, reason, scratch))
        latest = _latest(root)
        if latest is None or latest.url not in {version.url for version in withdrawn}:
            continue
        if latest.clips:
            with _scratch(root) as scratch:
                published.append(publish_without_recalled(latest, scratch, write_audit))
        else:
            storage.remove_tree(storage.join(root, LATEST_FILE))
            emptied.append(root)
    return Recalled(withdrawn, published, emptied)


def _by_dataset(found: Iterable[Derived]) -> dict[str, list[Derived]]:
    by_root: defaultdict[str, list[Derived]] = defaultdict(list)
    for each in found:
        by_root[each.version.url.rstrip("/").rpartition("/")[0]].append(each)
    return by_root


def _latest(root: str) -> Version | None:
    try:
        return reader.latest(root)
    except reader.NotPublished:
        return None


@contextmanager
def _scratch(root: str) -> Iterator[Path]:
    """An empty folder on the disk of a local dataset, so that clips are linked; a temporary one for S3."""
    if not storage.can_rename(root):
        with tempfile.TemporaryDirectory(prefix="its-recall-") as name:
            yield Path(name)
        return
    folder = storage.local_path(root) / _SCRATCH
    storage.remove_tree(str(folder))
    folder.mkdir()
    try:
        yield folder
    finally:
        storage.remove_tree(str(folder))


@contextmanager
def _held(version_url: str, root: str, scratch: Path) -> Iterator[None]:
    """Nobody else publishes the dataset on this machine, or writes the version on S3."""
    if storage.can_rename(root):
        with storage.exclusive(storage.local_path(root) / LOCK):
            yield
        return
    lease = Lease(version_url, scratch / LEASE_FILE)
    try:
        yield
    finally:
        lease.release()
