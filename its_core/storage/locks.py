"""Locks between processes, held by the kernel: they are released when the process ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from its_core.errors import FactoryError


class Busy(FactoryError, RuntimeError):
    """Somebody else holds the lock; the message names who."""

    default_code = "busy"


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Holds the lock file ``path`` while the block runs; the kernel lets go of it when the process ends, however.

    Raises Busy at once when another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        if not (_lock(file, fcntl.LOCK_EX) or _lock_again(file)):
            raise Busy(f"{path} is held by process {_named(file)}: wait until it has ended, or end it")
        file.truncate(0)
        file.write(f"{os.getpid()} on {os.uname().nodename}")  # the folder may be shared by several machines
        file.flush()
        yield


def holder(path: Path) -> str | None:
    """The process that holds the lock file ``path``, ``<number> on <host>``, None when nobody does."""
    try:
        with path.open("r") as file:
            return None if _lock(file, fcntl.LOCK_SH) else _named(file)
    except FileNotFoundError:
        return None


def _lock(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_again(file: IO[str]) -> bool:
    """After a moment: somebody may only have asked for the holder, which holds the lock for an instant."""
    time.sleep(0.05)
    return _lock(file, fcntl.LOCK_EX)


def _named(file: IO[str]) -> str:
    file.seek(0)
    return file.read().strip() or "unknown"
