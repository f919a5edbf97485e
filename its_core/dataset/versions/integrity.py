"""Whether a published version still has all its files, judged by names and sizes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import orjson

from its_core import storage
from its_core.dataset.versions import checksums
from its_core.dataset.versions.version import MARKER_FILE


def is_complete(url: str, clip_sizes_bytes: Mapping[str, int]) -> bool:
    """Whether the marker, the list of checksums and every listed file exist, and the clips have the given sizes.

    ``clip_sizes_bytes`` is keyed by path. Contents are not read: ``verification.verify`` does that.
    """
    try:
        marker = orjson.loads(storage.read_bytes(storage.join(url, MARKER_FILE)))
        listed = storage.read_bytes(storage.join(url, checksums.FILE_NAME))
        if hashlib.sha256(listed).hexdigest() != marker["checksums_sha256"]:
            return False
        paths = checksums.read(listed.decode())
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        return False
    sizes_bytes = {path: found.size_bytes for path, found in storage.find(url).items()}
    return all(
        path in sizes_bytes and sizes_bytes[path] == clip_sizes_bytes.get(path, sizes_bytes[path] or -1)
        for path in paths
    )
