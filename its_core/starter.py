"""A first dataset to edit: a definition and a manifest of a few rows."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from its_core import storage
from its_core.definition import FILE_NAME, DefinitionError

_MANIFEST = "scenarios.parquet"

_DEFINITION = """\
# What to make, with which engine, and where to publish it. Every key: docs/configuration.md
name: {name}
description: ""
license: other

manifest: {manifest}      # Parquet: a file, a folder or a glob; a path or s3://
engine:
  name: simulator               # or cosmos, which needs GPUs and checkpoints
resolution: "720"               # 720 (1280×704) or 480 (768×432)
fps: 16                         # 16 (93 frames) or 10 (61 frames)

publish_url: published          # a folder, counted from here, or s3://bucket/prefix
"""

# A row each; what a row leaves out, the engine chooses. Every column: docs/manifest.md
_ROWS: list[dict[str, object]] = [
    {
        "scenario_id": "red-light",
        "camera_id": "cam-1",
        "incident_type": "intersection_collision",
        "participants": [
            {"type": "sedan", "colour": "red", "role": "at_fault"},
            {"type": "suv", "colour": "white", "role": "not_at_fault"},
        ],
        "light": "day",
    },
    {"scenario_id": "red-light-calm", "camera_id": "cam-1", "incident_type": "normal_traffic", "light": "day"},
    {
        "scenario_id": "tailgating",
        "camera_id": "cam-2",
        "incident_type": "rear_end_collision",
        "road_layout": "highway",
        "variants": 2,
    },
    {
        "scenario_id": "highway-calm",
        "camera_id": "cam-2",
        "incident_type": "normal_traffic",
        "road_layout": "highway",
        "variants": 2,
    },
    {"scenario_id": "close-call", "camera_id": "cam-3", "incident_type": "pedestrian_near_miss", "light": "dusk"},
]

_PARTICIPANT = pa.struct([("type", pa.string()), ("colour", pa.string()), ("role", pa.string())])
_SCHEMA = pa.schema(
    [
        ("scenario_id", pa.string()),
        ("camera_id", pa.string()),
        ("incident_type", pa.string()),
        ("participants", pa.list_(_PARTICIPANT)),
        ("road_layout", pa.string()),
        ("light", pa.string()),
        ("variants", pa.int32()),
    ]
)


def write_starter(folder: Path) -> None:
    """Writes ``dataset.yaml`` and ``scenarios.parquet`` into ``folder``, which is made; its name is the dataset's.

    Raises DefinitionError (``definition.exists``) when one of the two is there already.
    """
    for name in (FILE_NAME, _MANIFEST):
        if (folder / name).exists():
            raise DefinitionError(
                f"{folder / name}: is there already and is not overwritten; name a new folder", code="definition.exists"
            )
    text = _DEFINITION.format(name=folder.resolve().name, manifest=_MANIFEST)
    with storage.replacing(folder / _MANIFEST) as part:
        pq.write_table(pa.Table.from_pylist(_ROWS, _SCHEMA), part)
    with storage.replacing(folder / FILE_NAME) as part:
        part.write_text(text, encoding="utf-8")
