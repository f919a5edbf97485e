"""The content of a version: its rows, counted, hashed and written. The clips' files are gathered afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from its_core import storage
from its_core.clip import EngineIdentity, Geometry, Outcome
from its_core.dataset.finished_clip import FailedClip, FinishedClip
from its_core.dataset.labels import metadata
from its_core.dataset.labels.counts import Counts
from its_core.dataset.labels.label_rows import COLUMNS, SOURCES, row
from its_core.dataset.labels.passthrough_columns import PassthroughColumns
from its_core.dataset.layout import REJECTED_FILE
from its_core.dataset.privacy import without_local_paths
from its_core.dataset.versions.version import ContentHash
from its_core.quality_gates import Gates
from its_core.taxonomy import Split

_REJECTED = pa.schema(
    [
        ("row", pa.int64()),
        ("scenario_id", pa.string()),
        ("variant", pa.int32()),
        ("clip_id", pa.string()),
        ("outcome", pa.string()),
        ("column", pa.string()),
        ("value", pa.string()),
        ("reason", pa.string()),
    ]
)
_ROWS_AT_ONCE = 4096
DEFAULT_GATES = Gates()


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset's name and settings. It is published at ``<publish_url>/<name>/<version>/``.

    ``source`` is the name of the definition's folder, by which two datasets of one name are told apart.
    """

    name: str
    description: str
    license: str
    publish_url: str
    geometry: Geometry
    engine: EngineIdentity
    source: str = ""
    gates: Gates = DEFAULT_GATES

    @property
    def texts(self) -> dict[str, str]:
        """The definition's texts that count for the version's name."""
        return {"name": self.name, "description": self.description, "license": self.license}


@dataclass(frozen=True, slots=True)
class VersionContent:
    """``incidents`` has the incident of every clip, in order; ``rejected`` counts the manifest's rejected rows,
    ``failed`` the planned clips that were not made."""

    version: str
    counts: Counts
    incidents: list[str | None]
    rejected: int
    failed: int
    columns: pa.Schema


def write_content(
    folder: Path,
    clips: Iterable[FinishedClip],
    dataset: Dataset,
    rejected: Path,
    failed: Iterable[FailedClip] = (),
) -> VersionContent:
    """Writes every split's ``metadata.parquet`` and ``rejected.parquet`` into ``folder``; iterates ``clips`` twice.

    The version is a hash of the rows (with the clips' digests), the annotations, the rejected rows, the failed clips
    and the definition's texts. Reasons are not hashed: their wording may name folders and times.
    """
    passthrough = PassthroughColumns(column.name for column in (*COLUMNS, SOURCES))
    for clip in clips:
        passthrough.learn(clip.planned.extra)
    columns = metadata.schema(passthrough.fields.values())
    digests: dict[Split, ContentHash] = {}
    counts, incidents = Counts(), []
    with metadata.MetadataWriter(folder, columns) as writer:
        for clip in clips:
            known = row(clip, dataset.engine) | passthrough.values(clip.planned.extra)
            values = {name: known.get(name) for name in columns.names}
            writer.add(clip.planned.split, values)
            annotations = storage.sha256_file(clip.files.annotations) if clip.has_annotations else None
            digests.setdefault(clip.planned.split, ContentHash()).add_clip(values, annotations)
            counts.add(values)
            incidents.append(values["incident_type"])
    rejections = [_rejection(each) for each in pq.read_table(rejected).to_pylist()]
    failures = [_failure(each) for each in failed]
    folder.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(folder / REJECTED_FILE, _REJECTED) as refused:
        for batch in _batches([*rejections, *failures]):
            refused.write_table(pa.Table.from_pylist(batch, _REJECTED))
    version = version_name(dataset.texts, digests, [*rejections, *failures])
    return VersionContent(version, counts, incidents, len(rejections), len(failures), columns)


def version_name(
    texts: Mapping[str, str], splits: Mapping[Split, ContentHash], rejected: Iterable[Mapping[str, Any]]
) -> str:
    """The name that follows from the definition's texts, the clips of each split, and the rows that were not made."""
    digest = ContentHash()
    digest.add(dict(texts))
    for split in Split:
        if split in splits:
            digest.add({"split": split.value, "clips": splits[split].hexdigest()})
    for each in rejected:
        digest.add({name: value for name, value in each.items() if name != "reason"})
    return digest.version()


def _rejection(row: dict[str, Any]) -> dict[str, Any]:
    plain = {name: without_local_paths(value) for name, value in row.items()}
    return {name: plain.get(name) for name in _REJECTED.names} | {"outcome": Outcome.REJECTED_INPUT.value}


def _failure(clip: FailedClip) -> dict[str, Any]:
    return {
        "row": clip.planned.row,
        "scenario_id": clip.receipt.scenario_id,
        "variant": clip.receipt.variant,
        "clip_id": clip.receipt.clip_id,
        "outcome": clip.receipt.outcome.value,
        "column": None,
        "value": "",
        "reason": without_local_paths(clip.receipt.reason),
    }


def _batches(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    left = iter(rows)
    while batch := list(islice(left, _ROWS_AT_ONCE)):
        yield batch
