"""Which published clips come from a camera, a frame, weights, or a row of the manifest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import BufferReader

from its_core import storage
from its_core.dataset import lineage
from its_core.dataset.reader import Version

_COLUMNS = ["clip_id", "split", "file_name", "scenario_id", "camera_id"]
_COLUMNS += ["input_image", "input_sha256", "weights_sha256"]


@dataclass(frozen=True, slots=True)
class Origin:
    """What clips may have in common. Every given field must match; None matches all.

    Attributes:
        frame: the SHA-256 of a conditioning image or video, or its name as the manifest has it.
        weights: the SHA-256 of an engine's weights, or its first digits (12 at least).
        row: a scenario_id, or the number of a manifest's row.
    """

    camera: str | None = None
    frame: str | None = None
    weights: str | None = None
    row: str | None = None


@dataclass(frozen=True, slots=True)
class Derived:
    """A published clip and the version that it is in; ``path`` is from the version's folder."""

    version: Version
    clip_id: str
    scenario_id: str
    path: str


def trace(versions: Iterable[Version], origin: Origin) -> Iterator[Derived]:
    """Every clip of the versions that has the origin."""
    for version in versions:
        rows_of = _manifest_rows(version) if origin.row is not None and origin.row.isdecimal() else {}
        for row in version.rows(_COLUMNS):
            if _matches(row, origin, rows_of):
                path = f"{row['split']}/{row['file_name']}"
                yield Derived(version, row["clip_id"], row["scenario_id"], path)


def _matches(row: dict[str, Any], origin: Origin, manifest_rows: dict[str, int]) -> bool:
    weights = row["weights_sha256"] or ""
    return (
        (origin.camera is None or row["camera_id"] == origin.camera)
        and (origin.frame is None or origin.frame in (row["input_sha256"], row["input_image"]))
        and (origin.weights is None or (len(origin.weights) >= 12 and weights.startswith(origin.weights)))
        and (
            origin.row is None
            or row["scenario_id"] == origin.row
            or str(manifest_rows.get(row["clip_id"])) == origin.row
        )
    )


def _manifest_rows(version: Version) -> dict[str, int]:
    url = storage.join(version.url, lineage.FOLDER, lineage.CLIPS_FILE)
    table = pq.read_table(BufferReader(storage.read_bytes(url)), columns=["clip_id", "manifest_row"])
    known = table.filter(pc.is_valid(table["manifest_row"]))
    return dict(zip(known["clip_id"].to_pylist(), known["manifest_row"].to_pylist(), strict=True))
