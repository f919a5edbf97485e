"""A version's name is a hash of its content: equal content has an equal name wherever it is built."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from its_core.storage import sha256_file

MARKER_FILE = "_SUCCESS.json"
LATEST_FILE = "latest.json"
_DIGITS = 12


class ContentHash:
    """Hashes what a version holds, in order. Times, attempts and machines of a run are not content."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, value: Mapping[str, Any]) -> None:
        self._digest.update(orjson.dumps(value, option=orjson.OPT_SORT_KEYS) + b"\n")

    def add_file(self, path: Path) -> None:
        self._digest.update(sha256_file(path).encode() + b"\n")

    def version(self) -> str:
        return self._digest.hexdigest()[:_DIGITS]
