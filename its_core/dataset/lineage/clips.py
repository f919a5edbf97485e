"""``lineage/clips.parquet``: every clip that a build planned, made or not, with attempts and engine record."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from its_core.clip import ClipRequest
from its_core.clip.request_json import REQUEST
from its_core.dataset.lineage import CLIPS_FILE
from its_core.dataset.privacy import without_local_paths
from its_core.redaction import without_secrets
from its_core.shards.plan import PlannedClip
from its_core.shards.receipts import Attempt, Receipt

_ROWS_AT_ONCE = 1024
_ATTEMPT = pa.struct(
    [
        ("outcome", pa.string()),
        ("reason", pa.string()),
        ("started_at", pa.string()),
        ("duration_s", pa.float64()),
        ("rank", pa.int32()),
        ("launch", pa.string()),
        ("code_version", pa.string()),
        ("host", pa.string()),
        ("broke_rank", pa.bool_()),
        ("is_final", pa.bool_()),
    ]
)
SCHEMA = pa.schema(
    [
        ("clip_id", pa.string()),
        ("scenario_id", pa.string()),
        ("variant", pa.int32()),
        ("manifest_row", pa.int64()),
        ("camera_id", pa.string()),
        ("outcome", pa.string()),
        ("attempts", pa.list_(_ATTEMPT)),
        ("duration_s", pa.float64()),
        ("engine_record", pa.string()),
        ("request", pa.string()),
    ]
)


def _as_json(request: ClipRequest) -> str:
    """All that the engine was asked for, from which the clip can be made again; not where a frame was on this disk."""
    return REQUEST.dump_json(replace(request, input_path=None)).decode()


def read_request(text: str) -> ClipRequest:
    """A request from the column ``request``. Raises pydantic's ValidationError."""
    return REQUEST.validate_json(text)


class ClipLineageWriter:
    """Writes ``clips.parquet`` into a folder. Host names and local paths are left out unless ``names_machine``."""

    def __init__(self, folder: Path, *, names_machine: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._names_machine = names_machine
        self._writer = pq.ParquetWriter(folder / CLIPS_FILE, SCHEMA)
        self._pending: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._writer:
            if error is None:
                self._flush()

    def add(self, planned: PlannedClip, receipt: Receipt) -> None:
        record = without_secrets(receipt.record)
        self._pending.append(
            {
                "clip_id": receipt.clip_id,
                "scenario_id": receipt.scenario_id,
                "variant": receipt.variant,
                "manifest_row": planned.row,
                "camera_id": planned.request.scene.camera_id,
                "outcome": receipt.outcome.value,
                "attempts": [self._attempt(attempt) for attempt in receipt.attempts],
                "duration_s": sum(attempt.duration_s for attempt in receipt.attempts),
                "request": _as_json(planned.request),
                "engine_record": json.dumps(
                    record if self._names_machine else without_local_paths(record), sort_keys=True
                ),
            }
        )
        if len(self._pending) == _ROWS_AT_ONCE:
            self._flush()

    def _attempt(self, attempt: Attempt) -> dict[str, Any]:
        values: dict[str, Any] = without_secrets(attempt.model_dump(mode="json"))
        if not self._names_machine:
            values["host"] = None
            values["reason"] = without_local_paths(values["reason"])
        return values

    def _flush(self) -> None:
        self._writer.write_table(pa.Table.from_pylist(self._pending, SCHEMA))
        self._pending = []
