"""``latest.json``: which version of a dataset is the one to use."""

from __future__ import annotations

import orjson

from its_core import storage
from its_core.dataset.versions.version import LATEST_FILE


def promote(version_url: str, dataset: str, version: str) -> None:
    """Makes a published version its dataset's latest."""
    encoded = orjson.dumps(
        {"dataset": dataset, "version": version}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    )
    root = version_url.rstrip("/").rpartition("/")[0]
    storage.write_bytes(storage.join(root, LATEST_FILE), encoded)
