"""A version's name is a hash of its content: equal content has an equal name wherever it is built."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

MARKER_FILE = "_SUCCESS.json"
LATEST_FILE = "latest.json"
_DIGITS = 12


class ContentHash:
    """Hashes what a version holds, in order. Times, attempts and machines of a run are not content."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, value: Mapping[str, Any]) -> None:
        self._digest.update(orjson.dumps(value, option=orjson.OPT_SORT_KEYS) + b"\n")

    def add_clip(self, row: Mapping[str, Any], annotations_sha256: str | None) -> None:
        """A clip's row with all its columns, and the digest of its annotations' file."""
        self.add(row)
        if annotations_sha256 is not None:
            self._digest.update(annotations_sha256.encode() + b"\n")

    def version(self) -> str:
        return self.hexdigest()[:_DIGITS]

    def hexdigest(self) -> str:
        return self._digest.hexdigest()
