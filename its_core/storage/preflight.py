"""Whether a folder can be written, checked before hours of rendering and not after them."""

from __future__ import annotations

import tempfile
import uuid
from pathlib import Path

from its_core.storage.errors import StorageError, shown
from its_core.storage.urls import is_local, join, local_path
from its_core.storage.verbs import create, remove_tree


def check_writable(key: str, url: str) -> None:
    """Writes to a local folder, or to the folder that it would be made in, or creates an object on S3. Nothing stays.

    Args:
        key: the definition's key that names the folder, for the message.

    Raises:
        StorageError: it cannot be written; ConditionalPutIgnored for an S3 server that ignores conditional writes.
    """
    if not is_local(url):
        probe = join(url, f".probe-{uuid.uuid4().hex}")
        create(probe, b"")
        remove_tree(probe)
        return
    folder = local_path(url)
    try:
        with tempfile.NamedTemporaryFile(prefix=".its.", dir=_first_existing(folder)) as file:
            file.write(b"can be written")
    except OSError as error:
        raise StorageError(
            f"{key} {shown(url)}: cannot be written ({error.strerror or error}): "
            f"correct that, or name another folder with --set {key}=…",
            code="storage.not_writable",
        ) from None


def _first_existing(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if each.exists())
