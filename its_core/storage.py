"""Every path a URL: local files and ``s3://`` behind the same few verbs.

S3 is reached through s3fs, which reads the usual AWS variables (``AWS_ENDPOINT_URL``, ``AWS_PROFILE``, ``AWS_REGION``,
``AWS_CA_BUNDLE`` …). A write is atomic: a temporary name and a rename on disk, one PUT on S3.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://")
_CHUNK_BYTES = 1 << 20


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


def _filesystem(url: str) -> tuple[Any, str]:
    # Directory listings are not cached: another machine may be writing.
    options = {} if is_local(url) else {"use_listings_cache": False}
    filesystem, path = fsspec.core.url_to_fs(url, **options)
    return filesystem, path


def exists(url: str) -> bool:
    filesystem, path = _filesystem(url)
    return bool(filesystem.exists(path))


def list_folder(url: str) -> list[str]:
    """Names (not paths) of what lies directly in a folder, sorted; empty when it does not exist."""
    filesystem, path = _filesystem(url)
    try:
        entries = filesystem.ls(path, detail=False)
    except FileNotFoundError:
        return []
    return sorted(name for entry in entries if (name := entry.rstrip("/").rsplit("/", 1)[-1]))


def read_bytes(url: str) -> bytes:
    filesystem, path = _filesystem(url)
    content: bytes = filesystem.cat_file(path)
    return content


def write_bytes(url: str, content: bytes) -> None:
    if is_local(url):
        with replacing(local_path(url)) as part:
            part.write_bytes(content)
        return
    filesystem, path = _filesystem(url)
    filesystem.pipe_file(path, content)


def download(url: str, path: Path) -> None:
    """Copies ``url`` to a local path, whole or not at all."""
    filesystem, source = _filesystem(url)
    with replacing(path) as part:
        filesystem.get_file(source, str(part))


def upload(path: Path, url: str) -> None:
    """Copies a local file to ``url``, whole or not at all."""
    if is_local(url):
        link_or_copy(path, local_path(url))
        return
    filesystem, target = _filesystem(url)
    filesystem.put_file(str(path), target)


def remove_tree(url: str) -> None:
    filesystem, path = _filesystem(url)
    if filesystem.exists(path):
        filesystem.rm(path, recursive=True)


def link_or_copy(source: Path, target: Path) -> None:
    """A hard link where the disk allows one (clips are never changed in place), a copy elsewhere."""
    with replacing(target) as part:
        try:
            part.hardlink_to(source)
        except OSError:
            with source.open("rb") as read, part.open("wb") as write:
                while chunk := read.read(_CHUNK_BYTES):
                    write.write(chunk)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary name beside ``path``; on success its content is flushed to disk and takes the name.

    On failure the temporary file is removed and ``path`` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(descriptor)
    part = Path(name)
    part.unlink()
    try:
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


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
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Busy(f"{path} is held by process {file.read().strip() or 'unknown'}") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
