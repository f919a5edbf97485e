"""Small manifests for the tests of this folder: rows as dictionaries, written as Parquet and read back."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from its_core.clip import Scene
from its_core.scenarios import manifest
from its_core.scenarios.manifest.snapshot import Snapshot

TEXT = pa.string()
PARTICIPANTS = pa.list_(pa.struct([("type", TEXT), ("colour", TEXT), ("role", TEXT)]))
TYPES = {
    **dict.fromkeys(("scenario_id", "camera_id", "input_image", "prompt", "negative_prompt", "incident_type"), TEXT),
    **dict.fromkeys(("collision_type", "weather", "light", "road_layout", "road_surface", "traffic_density"), TEXT),
    **dict.fromkeys(("aftermath", "pair_id", "split"), TEXT),
    "participants": PARTICIPANTS,
    "seed": pa.int64(),
    "variants": pa.int32(),
    "guidance": pa.float64(),
}


def row(scenario_id: str | None = "good", **columns: Any) -> dict[str, Any]:
    return {"scenario_id": scenario_id, "camera_id": "cam-1", "incident_type": "rear_end_collision", **columns}


def table(rows: list[dict[str, Any]], **types: pa.DataType) -> pa.Table:
    """Columns in order of first use; a column no test has typed gets the type that its values have."""
    names = list(dict.fromkeys(name for each in rows for name in each))
    known = {**TYPES, **types}
    arrays = [pa.array([each.get(name) for each in rows], known.get(name)) for name in names]
    return pa.table(arrays, names=names)


def write(path: Path, rows: list[dict[str, Any]], **types: pa.DataType) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table(rows, **types), path)
    return path


def batches(url: Path | str | Snapshot, folder: Path, **options: Any) -> list[manifest.Batch]:
    settings: dict[str, Any] = {
        "base_folder": str(folder),
        "allowed_inputs": [str(folder)],
        "input_cache": folder / "cache",
        "engine_needs_input": False,
        "unsupported": anything_goes,
    }
    return list(manifest.read(url if isinstance(url, Snapshot) else str(url), **(settings | options)))


def read(
    url: Path | str | Snapshot, folder: Path, **options: Any
) -> tuple[list[manifest.Scenario], list[manifest.Rejection]]:
    found = batches(url, folder, **options)
    return [each for batch in found for each in batch.scenarios], [each for batch in found for each in batch.rejections]


def anything_goes(scene: Scene, has_input: bool) -> None:  # noqa: ARG001
    return None
