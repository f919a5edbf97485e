"""Every path a URL: local files and ``s3://`` behind the same few verbs.

S3 is reached through s3fs, which reads the usual AWS variables (``AWS_ENDPOINT_URL``, ``AWS_PROFILE``, ``AWS_REGION``,
``AWS_CA_BUNDLE`` …). A write is atomic: a temporary name and a rename on disk; one PUT or one multipart upload on S3.
What fails on S3 raises a StorageError, after some patience where another attempt can help.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from its_core import s3
from its_core.storage_errors import Changed as Changed
from its_core.storage_errors import ConditionalPutIgnored as ConditionalPutIgnored
from its_core.storage_errors import Damaged as Damaged
from its_core.storage_errors import Denied as Denied
from its_core.storage_errors import DiskFull as DiskFull
from its_core.storage_errors import ExpiredCredentials as ExpiredCredentials
from its_core.storage_errors import NotAuthenticated as NotAuthenticated
from its_core.storage_errors import NotThere as NotThere
from its_core.storage_errors import StorageError as StorageError
from its_core.storage_errors import Unreachable as Unreachable
from its_core.storage_errors import shown

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://")
_CHUNK_BYTES = 1 << 20
_AT_ONCE = 8
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # no room on the disk, in the quota, or under the process's limit


def is_local(url: str) -> bool:
    scheme = _SCHEME.match(url)
    return scheme is None or scheme[1].lower() == "file"


def local_path(url: str) -> Path:
    """The path of a local URL. Raises ValueError for any other."""
    if not is_local(url):
        raise ValueError(f"{url!r} is not on this machine's disk")
    return Path(url.removeprefix("file://"))


def join(url: str, *parts: str) -> str:
    return "/".join([url.rstrip("/"), *(part.strip("/") for part in parts)])


def resolve(url: str, base: Path) -> str:
    """An absolute URL: a relative local path counts from ``base``."""
    return url if not is_local(url) else str((base / local_path(url).expanduser()).resolve())


def exists(url: str) -> bool:
    return local_path(url).exists() if is_local(url) else s3.exists(url)


def list_folder(url: str) -> list[str]:
    """Names (not paths) of what lies directly in a folder, sorted; empty when it does not exist."""
    if not is_local(url):
        return s3.list_folder(url)
    try:
        return sorted(entry.name for entry in local_path(url).iterdir())
    except FileNotFoundError:
        return []


def sizes_bytes(url: str) -> dict[str, int]:
    """The size of every file below a folder, by its path from there; empty when it does not exist."""
    if not is_local(url):
        return s3.sizes_bytes(url)
    folder = local_path(url)
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def read_bytes(url: str) -> bytes:
    return local_path(url).read_bytes() if is_local(url) else s3.read_bytes(url)


def write_bytes(url: str, content: bytes) -> None:
    if is_local(url):
        with replacing(local_path(url)) as part:
            part.write_bytes(content)
    else:
        s3.write_bytes(url, content)


def create(url: str, content: bytes) -> bool:
    """Claims a name: writes ``content`` unless something has the name. True for exactly one of all that try.

    Raises:
        ConditionalPutIgnored: the S3 server would tell several that they were the one.
    """
    if not is_local(url):
        return s3.create(url, content)
    path = local_path(url)
    with _part_beside(path) as part:
        part.write_bytes(content)
        _flush(part)
        try:
            path.hardlink_to(part)
        except FileExistsError:
            return False
    return True


def download(url: str, path: Path, found: s3.Object | None = None) -> None:
    """Copies ``url`` to a local path, whole or not at all.

    Args:
        found: what the S3 server said of the object; anything newer in its place raises Changed.

    Raises:
        DiskFull: it does not fit.
    """
    with replacing(path, url) as part:
        if is_local(url):
            _copy(local_path(url), part)
            return
        with part.open("w+b") as file, ThreadPoolExecutor(_AT_ONCE) as pool:
            s3.download(url, found or s3.look(url), file, pool)


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


def upload(path: Path, url: str) -> None:
    """Copies a local file to ``url``, whole or not at all, and looks whether it got there."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        _upload(path, url, pool)


def upload_many(
    pairs: Iterable[tuple[Path, str]], at_once: int = _AT_ONCE, on_done: Callable[[str], None] | None = None
) -> int:
    """Copies local files to URLs, ``at_once`` at a time, and looks whether each got there.

    To S3, what is there already with the same size and checksum is not sent again: after a failure the same call goes
    on where it stopped. On a local disk files are linked, or copied where they cannot be.

    Args:
        pairs: each local file and its URL; taken one by one, so that there may be very many.
        at_once: files, and again parts of large files, in transfer; a part is 16 MiB of memory.
        on_done: called with each URL that is there, in the calling thread.

    Returns:
        How many had to be sent.

    Raises:
        StorageError: of the first file that failed. Those in transfer were finished before, no other was begun.
    """
    sent = 0
    running: dict[Future[bool], str] = {}

    def finish(most: int) -> Iterator[bool]:
        while len(running) > most:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                url = running.pop(future)
                yield future.result()
                if on_done:
                    on_done(url)

    with ThreadPoolExecutor(at_once) as parts, ThreadPoolExecutor(at_once) as files:
        try:
            for path, url in pairs:
                running[files.submit(_upload, path, url, parts)] = url
                sent += sum(finish(2 * at_once))
            sent += sum(finish(0))
        except BaseException:
            files.shutdown(cancel_futures=True)
            raise
    return sent


def _upload(path: Path, url: str, pool: Executor) -> bool:
    if not is_local(url):
        return s3.upload(path, url, pool)
    link_or_copy(path, local_path(url))
    return True


def remove_tree(url: str) -> None:
    """Removes a file, or a folder with everything in it, if there is one."""
    if not is_local(url):
        s3.remove_tree(url)
        return
    path = local_path(url)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def link_or_copy(source: Path, target: Path) -> None:
    """A hard link where the disk allows one (clips are never changed in place), a copy elsewhere."""
    with replacing(target) as part:
        try:
            part.hardlink_to(source)
        except OSError:
            _copy(source, part)


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as read, target.open("wb") as write:
        shutil.copyfileobj(read, write, _CHUNK_BYTES)


@contextmanager
def replacing(path: Path, content: str = "") -> Iterator[Path]:
    """Yields a temporary name beside ``path``; on success its content is flushed to disk and takes the name.

    On failure the temporary file is removed and ``path`` is as it was. Raises DiskFull, which names what was to be
    written: ``content``, or ``path`` itself.
    """
    with room_for(content or str(path), path.parent), _part_beside(path) as part:
        yield part
        _flush(part)
        part.replace(path)


@contextmanager
def _part_beside(path: Path) -> Iterator[Path]:
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


def _flush(path: Path) -> None:
    with path.open("rb") as written:
        os.fsync(written.fileno())


def sha256_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Busy(RuntimeError):
    """Somebody else holds the lock; the message names who."""


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
