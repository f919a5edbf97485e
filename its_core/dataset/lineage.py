"""Where a version comes from: when it was made, from which manifest, configuration, weights and code, clip by clip.

``lineage/run.json`` is shaped like an OpenLineage run event; ``lineage/clips.parquet`` has every clip's attempts and
the engine's own record of what ran. They describe the run, not the content, and do not count for the version's name.
"""

from __future__ import annotations

import getpass
import json
import platform
import socket
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from its_core.clip import EngineIdentity
from its_core.dataset.finished_clip import FinishedClip
from its_core.provenance import code_version
from its_core.redaction import without_secrets
from its_core.scenarios.manifest.snapshot import ManifestFile
from its_core.shards.receipts import utc_now

FOLDER = "lineage"
RUN_FILE = "run.json"
CLIPS_FILE = "clips.parquet"
_OPENLINEAGE = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_PACKAGES = ("av", "great_expectations", "imageio", "numpy", "panda3d", "pandas", "prefect", "pyarrow", "torch")
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
    ]
)
_CLIPS = pa.schema(
    [
        ("clip_id", pa.string()),
        ("scenario_id", pa.string()),
        ("variant", pa.int32()),
        ("manifest_row", pa.int64()),
        ("outcome", pa.string()),
        ("attempts", pa.list_(_ATTEMPT)),
        ("duration_s", pa.float64()),
        ("engine_record", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Run:
    """The build that publishes. ``manifest`` is what it planned from, whatever lies there by now; ``config`` is the
    resolved definition as JSON values; secrets are struck out of both."""

    run_id: str
    started_at: str
    manifest: Sequence[ManifestFile]
    config: Mapping[str, Any]
    engine: EngineIdentity


def event(run: Run, dataset: str, version: str, url: str, counts: Mapping[str, int]) -> dict[str, Any]:
    """The run as an OpenLineage event; ``counts`` are clips by split, and rows rejected."""
    engine = asdict(run.engine) | {"reads": sorted(run.engine.reads)}
    return {
        "eventType": "COMPLETE",
        "eventTime": utc_now(),
        "producer": f"its-accident-factory/{code_version()}",
        "schemaURL": _OPENLINEAGE,
        "run": {
            "runId": run.run_id,
            "facets": {
                "started": {"at": run.started_at},
                "by": {"user": _user(), "host": socket.gethostname()},
                "code": {"version": code_version(), "python": platform.python_version(), "packages": _packages()},
            },
        },
        "job": {
            "namespace": "its-accident-factory",
            "name": dataset,
            "facets": {"configuration": without_secrets(dict(run.config)), "engine": without_secrets(engine)},
        },
        "inputs": [_input(file) for file in run.manifest],
        "outputs": [
            {
                "namespace": "dataset",
                "name": without_secrets(url),
                "facets": {"version": {"datasetVersion": version}, "counts": dict(counts)},
            }
        ],
    }


def _input(file: ManifestFile) -> dict[str, Any]:
    content = without_secrets(asdict(file))
    return {"namespace": "manifest", "name": content["url"], "facets": {"content": content}}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "unknown"


def _packages() -> dict[str, str]:
    installed = {}
    for name in _PACKAGES:
        try:
            installed[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return installed


class ClipLineageWriter:
    """Writes ``clips.parquet`` into a folder, clip by clip."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._writer = pq.ParquetWriter(folder / CLIPS_FILE, _CLIPS)
        self._pending: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._writer:
            if error is None:
                self._flush()

    def add(self, clip: FinishedClip) -> None:
        receipt = clip.receipt
        self._pending.append(
            {
                "clip_id": receipt.clip_id,
                "scenario_id": receipt.scenario_id,
                "variant": receipt.variant,
                "manifest_row": clip.planned.row,
                "outcome": receipt.outcome.value,
                "attempts": [attempt.model_dump(mode="json") for attempt in receipt.attempts],
                "duration_s": sum(attempt.duration_s for attempt in receipt.attempts),
                "engine_record": json.dumps(without_secrets(receipt.record), sort_keys=True),
            }
        )
        if len(self._pending) == _ROWS_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        self._writer.write_table(pa.Table.from_pylist(self._pending, _CLIPS))
        self._pending = []
