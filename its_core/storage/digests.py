"""SHA-256 digests of large files, remembered from one process to the next.

A checkpoint of 28 GB is hashed when a build plans, and by every rank of every launch. What is remembered holds for a
file as long as its size, its inode and its times of change are the same.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from contextlib import suppress
from pathlib import Path

from its_core.storage.atomic import sha256_file
from its_core.storage.input_cache import cache_folder

# Times of change move in steps: a file that was changed a moment ago may change again without another time.
_SETTLED_AFTER_NS = 2_000_000_000


def sha256_remembered(path: Path) -> str:
    """The SHA-256 of a local file. Where several processes ask at once, one reads the file.

    Where nothing can be remembered (no cache folder, a full disk), the file is read every time.
    """
    real = Path(os.path.realpath(path))
    version = _version(real)
    try:
        entry = cache_folder() / "digests" / f"{hashlib.sha256(os.fsencode(real)).hexdigest()[:32]}.json"
        if (known := _read(entry, version)) is not None:
            return known
        entry.parent.mkdir(parents=True, exist_ok=True)
        file = entry.open("a+")
    except (OSError, RuntimeError):  # RuntimeError: a user without a home
        return sha256_file(real)
    with file:
        with suppress(OSError):  # a disk that knows no locks: then everyone reads
            fcntl.flock(file, fcntl.LOCK_EX)
        if (known := _read(entry, version)) is not None:
            return known
        began_ns = time.time_ns()
        digest = sha256_file(real)
        if _version(real) == version and began_ns - max(version[2:]) > _SETTLED_AFTER_NS:
            with suppress(OSError):
                file.seek(0)
                file.truncate()
                json.dump({"path": str(real), "version": version, "sha256": digest}, file)
                file.flush()
    return digest


def _version(path: Path) -> list[int]:
    file = path.stat()
    return [file.st_size, file.st_ino, file.st_mtime_ns, file.st_ctime_ns]


def _read(entry: Path, version: list[int]) -> str | None:
    try:
        known = json.loads(entry.read_bytes())
        return str(known["sha256"]) if known["version"] == version else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
