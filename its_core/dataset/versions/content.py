"""The content of a version: its rows, counted, hashed and written. The clips' files are gathered afterwards."""

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
from its_core.dataset.labels.passthrough_columns import PassthroughColumns
from its_core.dataset.versions.version import ContentHash


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset's name and settings. It is published at ``<publish_url>/<name>/<version>/``."""

    name: str
    description: str
    license: str
    publish_url: str
    geometry: Geometry
    engine: EngineIdentity


@dataclass(frozen=True, slots=True)
class VersionContent:
    """``incidents`` has the incident of every clip, in order; ``rejected`` counts the manifest's rejected rows."""

    version: str
    counts: Counts
    incidents: list[str | None]
    rejected: int
    columns: pa.Schema


def write_content(folder: Path, clips: Iterable[FinishedClip], dataset: Dataset, rejected: Path) -> VersionContent:
    """Writes every split's ``metadata.parquet`` into ``folder``; ``clips`` is iterated twice.

    The version is a hash of the rows (which hold the clips' digests), the annotations, the rejected rows and what the
    definition says of the dataset.
    """
    passthrough = PassthroughColumns(column.name for column in (*COLUMNS, SOURCES))
    for clip in clips:
        passthrough.learn(clip.planned.extra)
    columns = metadata.schema(passthrough.fields.values())
    digest = ContentHash()
    digest.add({"name": dataset.name, "description": dataset.description, "license": dataset.license})
    counts, incidents = Counts(), []
    with metadata.MetadataWriter(folder, columns) as writer:
        for clip in clips:
            values = row(clip, dataset.engine) | passthrough.values(clip.planned.extra)
            writer.add(clip.planned.split, values)
            digest.add(values)
            if clip.has_annotations:
                digest.add_file(clip.files.annotations)
            counts.add(values)
            incidents.append(values["incident_type"])
    rejections = pq.read_table(rejected)
    for rejection in rejections.to_pylist():
        digest.add(rejection)
    return VersionContent(digest.version(), counts, incidents, len(rejections), columns)
