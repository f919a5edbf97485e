"""The verbs for URLs: local files and ``s3://`` behind the same few functions.

A write is atomic: a temporary name and a rename on disk, one PUT or one multipart upload on S3. What fails on S3 raises
a StorageError, after some patience where another attempt can help.
"""

from __future__ import annotations

import shutil

from its_core.storage.atomic import flush, part_beside, replacing
from its_core.storage.s3 import objects
from its_core.storage.urls import is_local, local_path


def exists(url: str) -> bool:
    return local_path(url).exists() if is_local(url) else objects.exists(url)


def list_folder(url: str) -> list[str]:
    """Names (not paths) of what lies directly in a folder, sorted; empty when it does not exist."""
    if not is_local(url):
        return objects.list_folder(url)
    try:
        return sorted(entry.name for entry in local_path(url).iterdir())
    except FileNotFoundError:
        return []


def sizes_bytes(url: str) -> dict[str, int]:
    """The size of every file below a folder, by its path from there; empty when it does not exist."""
    if not is_local(url):
        return objects.sizes_bytes(url)
    folder = local_path(url)
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def read_bytes(url: str) -> bytes:
    return local_path(url).read_bytes() if is_local(url) else objects.read_bytes(url)


def write_bytes(url: str, content: bytes) -> None:
    if is_local(url):
        with replacing(local_path(url)) as part:
            part.write_bytes(content)
    else:
        objects.write_bytes(url, content)


def create(url: str, content: bytes) -> bool:
    """Claims a name: writes ``content`` unless something has the name. True for exactly one of all that try.

    Raises:
        ConditionalPutIgnored: the S3 server would tell several that they were the one.
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
