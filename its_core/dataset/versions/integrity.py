"""Whether a published version still has all that it was published with, as far as names and sizes can tell."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import orjson

from its_core import storage
from its_core.dataset.versions import checksums
from its_core.dataset.versions.version import MARKER_FILE


def is_whole(url: str, sizes_bytes: Mapping[str, int]) -> bool:
    """Whether the marker, the list of checksums and every file on it are there; ``sizes_bytes`` are the clips' by path.

    Contents are not read: ``reader.Version.damaged`` does that.
    """
    try:
        marker = orjson.loads(storage.read_bytes(storage.join(url, MARKER_FILE)))
        listed = storage.read_bytes(storage.join(url, checksums.FILE_NAME))
        if hashlib.sha256(listed).hexdigest() != marker["checksums_sha256"]:
            return False
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        return False
    there = storage.sizes_bytes(url)
    wanted = checksums.read(listed.decode())
    return all(path in there and there[path] == sizes_bytes.get(path, there[path] or -1) for path in wanted)
