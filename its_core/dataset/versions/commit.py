"""Gives a complete version its name: a rename on a disk; on S3 an upload under a claim, its marker last."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from its_core import storage
from its_core.dataset.versions.lease import Claim, release_left_over
from its_core.dataset.versions.version import MARKER_FILE
from its_core.storage.errors import Changed, shown

CLAIM_FILE = "claim.json"


def rename(folder: Path, target: Path) -> None:
    """On a disk. What lies at ``target`` is the rest of a version."""
    storage.remove_tree(str(target))
    _flush(folder)
    folder.rename(target)
    _flush_one(target.parent)


def upload(folder: Path, url: str, remains: str, is_there: Callable[[], bool], work: Path) -> bool:
    """To S3. False: somebody else has published the version meanwhile.

    A publisher that slept finds out before it removes anything whether the version is somebody else's by now. S3 cannot
    do both in one request: whoever is stopped for an hour exactly between the two still removes that one name, or sends
    the files that it was about to send. The next build publishes a version anew that has lost its marker or a file;
    ``reader.Version.damaged`` tells a file of other content.

    Args:
        remains: what of an upload that was cut off would not be replaced, a name in ``folder``.
        is_there: whether the version is published and whole.
        work: a local folder, in which a publisher that was killed finds its claim again.

    Raises:
        storage.Busy: somebody else is publishing it.
    """
    claim = Claim(url, work / CLAIM_FILE)
    uploads = not is_there()
    if uploads:
        for name in (MARKER_FILE, remains):  # of a version that has lost files, or of an upload that was cut off
            claim.sign()
            if is_there():  # this publisher slept, and somebody else has published it and is gone
                claim.release()
                return False
            storage.remove_tree(storage.join(url, name))
        files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != MARKER_FILE)
        pairs = ((path, storage.join(url, path.relative_to(folder).as_posix())) for path in files)
        storage.upload_many(pairs, on_done=lambda _: claim.sign_when_due())
        claim.sign()
        marker = storage.join(url, MARKER_FILE)
        if not storage.create(marker, (folder / MARKER_FILE).read_bytes()) and not is_there():
            raise Changed(f"{shown(url)}: was published by somebody else at the same time, and is not whole: run again")
    claim.release()
    return uploads


def tidy(url: str, work: Path) -> None:
    """Takes the claim from a published version whose publisher was killed right after it wrote the marker."""
    release_left_over(url, work / CLAIM_FILE)


def _flush(folder: Path) -> None:
    """Everything is on the disk before the name is: a power cut must not leave a named version of empty files."""
    for parent, _, names in os.walk(folder):
        for name in names:
            _flush_one(Path(parent) / name)
        _flush_one(Path(parent))


def _flush_one(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
