"""``recalled.parquet``: what a version says of the clips that were recalled from it.

A tombstone keeps the clip's labels and its place among the rows of its split, so that the version's name can still be
checked. The clip itself, its annotations and its pictures are gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from its_core import storage
from its_core.taxonomy import Split

FILE_NAME = "recalled.parquet"
_OWN = (
    pa.field("recalled_at", pa.string(), metadata={"description": "when the clip was recalled, ISO 8601"}),
    pa.field("recalled_reason", pa.string(), metadata={"description": "why"}),
    pa.field("recalled_position", pa.int64(), metadata={"description": "its place among the split's rows, from 0"}),
    pa.field("recalled_annotations_sha256", pa.string(), metadata={"description": "SHA-256 of its annotations"}),
)


@dataclass(frozen=True, slots=True)
class Tombstone:
    """``row`` has the clip's labels as they were published, at ``position`` (from 0) of its split's rows."""

    row: dict[str, Any]
    position: int
    annotations_sha256: str | None
    recalled_at: str
    reason: str

    @property
    def clip_id(self) -> str:
        return str(self.row["clip_id"])

    @property
    def split(self) -> Split:
        return Split(self.row["split"])


def read(version_url: str) -> list[Tombstone]:
    """The tombstones of a version, none where nothing was recalled from it."""
    try:
        packed = storage.read_bytes(storage.join(version_url, FILE_NAME))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [_tombstone(row) for row in pq.read_table(pa.BufferReader(packed)).to_pylist()]


def _tombstone(row: dict[str, Any]) -> Tombstone:
    recalled_at, reason, position, annotations_sha256 = (row.pop(field.name) for field in _OWN)
    return Tombstone(row, position, annotations_sha256, recalled_at, reason)


def write(version_url: str, tombstones: Sequence[Tombstone], columns: pa.Schema) -> None:
    """``columns`` are those of the version's ``metadata.parquet``."""
    rows = [
        stone.row
        | {
            "recalled_at": stone.recalled_at,
            "recalled_reason": stone.reason,
            "recalled_position": stone.position,
            "recalled_annotations_sha256": stone.annotations_sha256,
        }
        for stone in tombstones
    ]
    packed = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, pa.schema([*columns, *_OWN])), packed)
    storage.write_bytes(storage.join(version_url, FILE_NAME), packed.getvalue().to_pybytes())


def restored(rows: Sequence[dict[str, Any]], tombstones: Iterable[Tombstone]) -> list[dict[str, Any]]:
    """A split's rows as they were published: those that are left, and those of its tombstones in their places."""
    whole = list(rows)
    for stone in sorted(tombstones, key=lambda each: each.position):
        whole.insert(stone.position, stone.row)
    return whole
