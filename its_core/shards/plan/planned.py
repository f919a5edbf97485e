"""The plan of a build: ``plan.parquet``, a row a clip, so that a million clips need no memory; only ids are held."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from its_core.clip import ClipRequest, Geometry
from its_core.clip.request_json import REQUEST
from its_core.scenarios.manifest.snapshot import ManifestFile
from its_core.scenarios.scenario import Rejection
from its_core.taxonomy import Split

PLAN_FILE = "plan.parquet"
ROW_GROUP = 4096
SCHEMA = pa.schema(
    [
        ("clip_id", pa.string()),
        ("request", pa.string()),  # the ClipRequest as JSON
        ("row", pa.int64()),
        ("prompt_composed", pa.bool_()),
        ("pair_id", pa.string()),
        ("input_image", pa.string()),
        ("extra", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class PlannedClip:
    """A clip that the manifest asks for: the request, and what travels past the engine into the labels."""

    request: ClipRequest
    row: int
    prompt_composed: bool
    pair_id: str | None
    split: Split
    input_image: str | None
    extra: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a build makes. ``clip_ids`` are in the manifest's order; ``file_rows`` are their rows in the plan's file;
    ``manifest`` names the files that were read."""

    path: Path
    geometry: Geometry
    rows: int
    clip_ids: Sequence[str]
    file_rows: Sequence[int]
    split_of_camera: Mapping[str, Split]
    rejections: Sequence[Rejection]
    manifest: Sequence[ManifestFile] = ()

    def clips(self, indices: Iterable[int] | None = None) -> Iterator[PlannedClip]:
        """The clips at ``indices`` of ``clip_ids`` (ascending), or all; one row group at a time is read.

        Raises FileNotFoundError when the plan was removed during the build.
        """
        chosen = range(len(self.clip_ids)) if indices is None else indices
        with self._open() as file:
            for group, rows in groupby((self.file_rows[index] for index in chosen), lambda row: row // ROW_GROUP):
                table = file.read_row_group(group)
                kept = table.take([row - group * ROW_GROUP for row in rows])
                yield from (self._clip(row) for row in kept.to_pylist())

    def _open(self) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(self.path)
        except (FileNotFoundError, NotADirectoryError):
            raise FileNotFoundError(
                f"{self.path}: was removed during the build; build again, and it starts with what is left"
            ) from None

    def _clip(self, row: dict[str, Any]) -> PlannedClip:
        request = REQUEST.validate_json(row["request"])
        return PlannedClip(
            request=request,
            row=row["row"],
            prompt_composed=row["prompt_composed"],
            pair_id=row["pair_id"],
            split=self.split_of_camera[request.scene.camera_id],
            input_image=row["input_image"],
            extra=orjson.loads(row["extra"]),
        )


def planned_clip_ids(work: Path) -> Iterator[str]:
    """The clip ids of a work folder's last plan; clips of earlier plans may lie beside them."""
    try:
        file = pq.ParquetFile(work / PLAN_FILE)
    except (FileNotFoundError, pa.ArrowInvalid):  # not planned yet, or cut off by a power cut: to be planned anew
        return
    with file:
        for batch in file.iter_batches(columns=["clip_id"]):
            yield from batch.column(0).to_pylist()
