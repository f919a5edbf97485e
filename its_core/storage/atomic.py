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
    """Turns the errors of a full disk into DiskFull while the block runs."""
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
    """A free temporary name on the disk of ``path``, whose folder is made; afterwards nothing has the name.

    The name is in a new folder of this user's own beside ``path``: in a folder that several users may write, nobody
    else can put a link under it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Disks take names of up to 255 bytes, and a character has up to four.
    name = path.name if len(os.fsencode(path.name)) < 200 else path.name[:50]
    folder = Path(tempfile.mkdtemp(prefix=f".{name}.", suffix=".part", dir=path.parent))
    try:
        yield folder / path.name
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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
