"""Which clips a version holds, and what is said of them."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from its_core import storage
from its_core.dataset.loading.files import LoadError
from its_core.taxonomy import Split

Row = dict[str, Any]
MARKER_FILE = "_SUCCESS.json"
LATEST_FILE = "latest.json"
METADATA_FILE = "metadata.parquet"


def open_version(url: str) -> str:
    """The folder of a version: ``url`` itself, or the latest version of the dataset published at ``url``.

    Raises LoadError where neither is published.
    """
    url = storage.resolve(url, Path.cwd()).rstrip("/")
    if _json(storage.join(url, MARKER_FILE)) is not None:
        return url
    latest = _json(storage.join(url, LATEST_FILE))
    name = latest.get("version") if latest else None
    if not isinstance(name, str) or "/" in name or _json(storage.join(url, name, MARKER_FILE)) is None:
        raise LoadError(
            f"{url}: no published version: neither {MARKER_FILE} nor a {LATEST_FILE} that names one lies there",
            code="load.not_published",
        )
    return storage.join(url, name)


def rows(version_url: str, split: str | None) -> list[Row]:
    """The rows of one split, or of all: train, val, test. Raises LoadError for a split that the version lacks."""
    marker = _json(storage.join(version_url, MARKER_FILE)) or {}
    there = [s.value for s in Split if s.value in marker.get("clips", {})]
    if split is not None and split not in there:
        raise LoadError(
            f"{version_url}: has no split {split!r}; it has {', '.join(there) or 'none'}", code="load.no_such_split"
        )
    found: list[Row] = []
    for name in there if split is None else [split]:
        found += rows_of_split(version_url, name)
    return found


def rows_of_split(version_url: str, split: str) -> list[Row]:
    """The rows of a split that is there, also while its version has no marker yet."""
    found: list[Row] = _table(storage.join(version_url, split, METADATA_FILE)).to_pylist()
    for row in found:
        row["video_url"] = storage.join(version_url, split, row["file_name"])
        path = row.get("annotations_path")
        row["annotations_url"] = None if path is None else storage.join(version_url, path)
    return found


def _table(url: str) -> pa.Table:
    return pq.read_table(BytesIO(storage.read_bytes(url)))


def _json(url: str) -> dict[str, Any] | None:
    try:
        value = json.loads(storage.read_bytes(url))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, json.JSONDecodeError, UnicodeDecodeError):
        return None
    return value if isinstance(value, dict) else None
