"""A clip's annotations as they lie in a version. Needs no tensors, so nothing heavy."""

from __future__ import annotations

import gzip
import json
from typing import Any

from its_core import storage
from its_core.dataset.loading.files import LoadError


def read(url: str) -> dict[str, Any]:
    """A clip's annotations as plain JSON values. Raises LoadError where the file is missing or damaged."""
    try:
        value = json.loads(gzip.decompress(storage.read_bytes(url)))
    except FileNotFoundError:
        raise LoadError(f"{url}: the clip's annotations are not there", code="load.truth_missing") from None
    except (OSError, EOFError, ValueError):
        raise LoadError(f"{url}: the clip's annotations cannot be read", code="load.truth_unreadable") from None
    if not isinstance(value, dict):
        raise LoadError(f"{url}: the clip's annotations are no object", code="load.truth_unreadable")
    return value
