"""Whether a place can be written, asked before hours of rendering and not after them."""

from __future__ import annotations

import tempfile
import uuid
from pathlib import Path

from its_core.storage.errors import StorageError, shown
from its_core.storage.urls import is_local, join, local_path
from its_core.storage.verbs import create, remove_tree


def refuse_unwritable(key: str, url: str) -> None:
    """Writes to a local folder, or to what it would be made in, or claims a name on S3; ``key`` of the definition names
    the place. Nothing stays there.

    Raises StorageError: ConditionalPutIgnored for an S3 server that would give a claim to several.
    """
    if not is_local(url):
        probe = join(url, f".probe-{uuid.uuid4().hex}")
        create(probe, b"")
        remove_tree(probe)
        return
    folder = local_path(url)
    try:
        with tempfile.NamedTemporaryFile(prefix=".its.", dir=_existing(folder)) as file:
            file.write(b"can be written")
    except OSError as error:
        raise StorageError(
            f"{key} {shown(url)}: cannot be written ({error.strerror or error}): "
            f"mend that, or name another folder with --set {key}=…"
        ) from None


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())
