"""Reading, writing and removing: local files and ``s3://`` behind the same few functions.

A write is atomic: a temporary name and a rename on disk, one PUT or one multipart upload on S3. What fails on S3 raises
a StorageError, after several attempts where another one can help.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import time
from typing import BinaryIO, cast

from its_core.storage.atomic import flush, part_beside, replacing, sha256_file
from its_core.storage.s3 import objects
from its_core.storage.urls import is_local, local_path

_BUFFER_BYTES = 1 << 20


def read_bytes(url: str) -> bytes:
    return local_path(url).read_bytes() if is_local(url) else objects.read_bytes(url)


def open_input(url: str) -> BinaryIO:
    """A file to read and search: of a large object only what is read is fetched."""
    if is_local(url):
        return local_path(url).open("rb")
    return cast(BinaryIO, io.BufferedReader(objects.ObjectFile(url), _BUFFER_BYTES))


def sha256(url: str) -> str:
    """Of a file's content, in hexadecimal digits."""
    if is_local(url):
        return sha256_file(local_path(url))
    with io.BufferedReader(objects.ObjectFile(url), objects.PART_BYTES) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def age_s(url: str) -> float:
    """Seconds since a file was written: by this machine's clock, or the S3 server's own.

    Raises NotThere, and StorageError when the server does not say what the time is.
    """
    return time.time() - local_path(url).stat().st_mtime if is_local(url) else objects.age_s(url)


def write_bytes(url: str, content: bytes) -> None:
    if is_local(url):
        with replacing(local_path(url)) as part:
            part.write_bytes(content)
    else:
        objects.write_bytes(url, content)


def create(url: str, content: bytes) -> bool:
    """Writes ``content`` unless something has the name. True for exactly one of all that try.

    Raises:
        ConditionalPutIgnored: the S3 server would answer True to several.
    """
    if not is_local(url):
        return objects.create(url, content)
    path = local_path(url)
    with part_beside(path) as part:
        part.write_bytes(content)
        flush(part)
        try:
            path.hardlink_to(part)
        except FileExistsError:
            return False
    return True


def remove_tree(url: str) -> None:
    """Removes a file, or a folder with everything in it, if there is one."""
    if not is_local(url):
        objects.remove_tree(url)
        return
    path = local_path(url)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
