"""The content of a version, before its files are gathered: its rows, counted, hashed and written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from its_core.clip import EngineIdentity, Geometry
from its_core.dataset.card import Counts
from its_core.dataset.finished_clip import FinishedClip
from its_core.dataset.labels import metadata
from its_core.dataset.labels.label_rows import COLUMNS, SOURCES, row
from its_core.dataset.labels.passthrough_columns import ExtraColumns
from its_core.dataset.versions.version import ContentHash


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a dataset is called and made with, and where it is published: ``<publish_url>/<name>/<version>/``."""

    name: str
    description: str
    license: str
    publish_url: str
    geometry: Geometry
    engine: EngineIdentity


@dataclass(frozen=True, slots=True)
class Draft:
    """``incidents`` has the incident of every clip, in order; ``rejected`` counts the manifest's rejected rows."""

    version: str
    counts: Counts
    incidents: list[str | None]
    rejected: int
    columns: pa.Schema


def write(folder: Path, clips: Iterable[FinishedClip], dataset: Dataset, rejected: Path) -> Draft:
    """Writes every split's ``metadata.parquet`` into ``folder``; ``clips`` is gone through twice.

    The version is a hash of the rows (which hold the clips' digests), the annotations, the rejected rows and what the
    definition says of the dataset.
    """
    extras = ExtraColumns(column.name for column in (*COLUMNS, SOURCES))
    for clip in clips:
        extras.learn(clip.planned.extra)
    columns = metadata.schema(extras.fields.values())
    content = ContentHash()
    content.add({"name": dataset.name, "description": dataset.description, "license": dataset.license})
    counts, incidents = Counts(), []
    with metadata.MetadataWriter(folder, columns) as writer:
        for clip in clips:
            values = row(clip, dataset.engine) | extras.values(clip.planned.extra)
            writer.add(clip.planned.split, values)
            content.add(values)
            if clip.has_annotations:
                content.add_file(clip.files.annotations)
            counts.add(values)
            incidents.append(values["incident_type"])
    refused = pq.read_table(rejected)
    for refusal in refused.to_pylist():
        content.add(refusal)
    return Draft(content.version(), counts, incidents, len(refused), columns)
