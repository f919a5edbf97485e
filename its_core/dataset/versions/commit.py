"""Gives a complete version its name: a rename on a disk; on S3 an upload under a lease, the marker last."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from its_core import storage
from its_core.dataset.versions import lease
from its_core.dataset.versions.lease import Lease
from its_core.dataset.versions.version import MARKER_FILE
from its_core.storage.errors import Changed, shown

LEASE_FILE = "lease.json"


def commit_local(folder: Path, target: Path) -> None:
    """Moves a complete version to ``target``. What is there is an incomplete version, and is removed."""
    storage.remove_tree(str(target))
    _flush_tree(folder)
    folder.rename(target)
    _flush(target.parent)


def commit_s3(folder: Path, url: str, is_published: Callable[[], bool], work: Path) -> bool:
    """Uploads a complete version. Returns False when another publisher has published it meanwhile.

    A publisher that was suspended checks before each removal whether another one has published the version. S3 cannot
    do both in one request: a publisher that is suspended for an hour exactly between the two still removes that one
    name, or sends the files that it was about to send. The next build then publishes the version again, because its
    marker or a file is missing; ``verification.verify`` finds a file with other content.

    Args:
        is_published: whether the version is published and complete.
        work: a local folder in which a publisher that was killed recognises its lease.

    Raises:
        storage.Busy: another publisher is publishing it.
    """
    held = Lease(url, work / LEASE_FILE)
    uploads = not is_published()
    if uploads:
        held.renew()
        if is_published():  # while this publisher was suspended
            held.release()
            return False
        storage.remove_tree(storage.join(url, MARKER_FILE))  # of a version that has lost files
        held.renew()
        files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != MARKER_FILE)
        pairs = ((path, storage.join(url, path.relative_to(folder).as_posix())) for path in files)
        storage.upload_many(pairs, on_done=lambda _: held.renew_when_due())
        held.renew()
        marker = storage.join(url, MARKER_FILE)
        if not storage.create(marker, (folder / MARKER_FILE).read_bytes()) and not is_published():
            raise Changed(f"{shown(url)}: another publisher published it at the same time, incomplete: build again")
    held.release()
    return uploads


def release_stale_lease(url: str, work: Path) -> None:
    """Removes this publisher's lease from a published version. It was killed right after it wrote the marker."""
    lease.release_stale_lease(url, work / LEASE_FILE)


def _flush_tree(folder: Path) -> None:
    """Everything is on the disk before the name is: a power cut must not leave a named version of empty files."""
    for parent, _, names in os.walk(folder):
        for name in names:
            _flush(Path(parent) / name)
        _flush(Path(parent))


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
