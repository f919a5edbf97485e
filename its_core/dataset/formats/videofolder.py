"""Hugging Face videofolder with flat columns, for readers that do not take structs (streaming, CSV, data viewers).

``participants`` and other nested columns become JSON text. ``sources`` becomes a column ``<label>_source`` a label.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
from huggingface_hub import DatasetCardData

from its_core import storage
from its_core.dataset.formats.source import ExportClip, Source
from its_core.dataset.labels import metadata

_SOURCES = "sources"


def write(source: Source, folder: Path) -> None:
    columns = source.columns()
    for split in source.splits:
        with metadata.MetadataWriter(folder, _flat_schema(columns)) as writer:
            writer.begin(split)
            for clip in source.clips(split):
                storage.link_or_copy(clip.video, folder / clip.name)
                writer.add(split, _flat_row(clip, columns))
    files = [{"split": split.value, "path": f"{split.value}/**"} for split in source.splits]
    data = DatasetCardData(configs=[{"config_name": "default", "data_files": files}], tags=["synthetic", "traffic"])
    text = f"---\n{data.to_yaml()}\n---\n\n# {source.version.dataset}, version {source.version.version}\n\n"
    text += "Synthetic: no incident in it ever took place. Exported with flat columns.\n"
    (folder / "README.md").write_text(text, encoding="utf-8")


def _flat_schema(columns: pa.Schema) -> pa.Schema:
    fields = [
        pa.field(column.name, pa.string() if pa.types.is_nested(column.type) else column.type)
        for column in columns
        if column.name != _SOURCES
    ]
    labels = columns.field(_SOURCES).type
    return pa.schema([*fields, *(pa.field(f"{labels.field(i).name}_source", pa.string()) for i in range(len(labels)))])


def _flat_row(clip: ExportClip, columns: pa.Schema) -> dict[str, Any]:
    values = {
        column.name: _as_text(clip.row[column.name]) if pa.types.is_nested(column.type) else clip.row[column.name]
        for column in columns
        if column.name != _SOURCES
    }
    sources = clip.row[_SOURCES].items()
    return values | {f"{label}_source": known["source"] if known else None for label, known in sources}


def _as_text(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)
