"""Local files that are written whole or not at all, and their digests."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from its_core.storage.errors import DiskFull, shown

_CHUNK_BYTES = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # no room on the disk, in the quota, or under the process's limit


@contextmanager
def room_for(url: str, folder: Path) -> Iterator[None]:
    """Within it, a full disk is told as DiskFull."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        full = f"{shown(url)}: does not fit into {folder} ({os.strerror(error.errno)}): make room and run again"
        raise DiskFull(full) from None


@contextmanager
def replacing(path: Path, content: str = "") -> Iterator[Path]:
    """Yields a temporary name beside ``path``; on success its content is flushed to disk and takes the name.

    On failure the temporary file is removed and ``path`` is as it was. Raises DiskFull, which names what was to be
    written: ``content``, or ``path`` itself.
    """
    with room_for(content or str(path), path.parent), part_beside(path) as part:
        yield part
        flush(part)
        part.replace(path)


@contextmanager
def part_beside(path: Path) -> Iterator[Path]:
    """A free temporary name in the folder of ``path``, which is made; afterwards nothing has the name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(descriptor)
    part = Path(name)
    part.unlink()
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def flush(path: Path) -> None:
    with path.open("rb") as written:
        os.fsync(written.fileno())


def sha256_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def link_or_copy(source: Path, target: Path) -> None:
    """A hard link where the disk allows one (clips are never changed in place), a copy elsewhere."""
    with replacing(target) as part:
        try:
            part.hardlink_to(source)
        except OSError:
            copy(source, part)


def copy(source: Path, target: Path) -> None:
    with source.open("rb") as read, target.open("wb") as write:
        shutil.copyfileobj(read, write, _CHUNK_BYTES)
