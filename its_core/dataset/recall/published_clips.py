"""The clips of a published version as finished clips again: from its labels, its lineage and its measures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from its_core import storage
from its_core.checks.measures import MAY_BE_NULL, Measures, measure
from its_core.dataset import lineage
from its_core.dataset.finished_clip import FailedClip, FinishedClip
from its_core.dataset.labels.label_rows import COLUMNS, SOURCES
from its_core.dataset.layout import BESIDE_FOLDER, MEASURES_FILE, REPORT_FOLDER
from its_core.dataset.lineage.clips import read_request
from its_core.dataset.reader import Version
from its_core.dataset.versions import checksums
from its_core.shards.plan import PlannedClip
from its_core.shards.receipts import Attempt, Receipt, clip_files
from its_core.taxonomy import Split

_KNOWN = {column.name for column in (*COLUMNS, SOURCES)}


@dataclass(frozen=True, slots=True)
class PublishedClips:
    """Iterates over a version's clips in the manifest's order. Their files are in ``folder`` once ``fetch`` has
    brought them."""

    version: Version
    folder: Path
    rows: Mapping[str, dict[str, Any]]
    lineage_rows: list[dict[str, Any]]
    measures: Mapping[str, Measures]

    @classmethod
    def of(cls, version: Version, folder: Path) -> PublishedClips:
        table = _table(version, f"{lineage.FOLDER}/{lineage.CLIPS_FILE}")
        return cls(
            version=version,
            folder=folder,
            rows={row["clip_id"]: row for row in version.rows()},
            lineage_rows=table.to_pylist(),
            measures=_measures(version),
        )

    def __iter__(self) -> Iterator[FinishedClip]:
        for line in self.lineage_rows:
            if (row := self.rows.get(line["clip_id"])) is not None:
                yield self._finished(line, row)

    @property
    def clip_ids(self) -> list[str]:
        """In order."""
        return [line["clip_id"] for line in self.lineage_rows if line["clip_id"] in self.rows]

    @property
    def incidents(self) -> list[str | None]:
        """The incident of every clip, in order."""
        return [self.rows[clip_id]["incident_type"] for clip_id in self.clip_ids]

    def fetch(self, clip_ids: Iterable[str]) -> None:
        """Links the clips, their annotations and what is beside them into the folder, or downloads them."""
        listed = checksums.read(storage.read_bytes(storage.join(self.version.url, checksums.FILE_NAME)).decode())
        beside: dict[str, list[str]] = {}
        for path in listed:
            if path.startswith(f"{BESIDE_FOLDER}/"):
                beside.setdefault(path.rpartition("/")[2].partition(".")[0], []).append(path)
        for clip_id in clip_ids:
            row, files = self.rows[clip_id], clip_files(self.folder, clip_id)
            bring(storage.join(self.version.url, row["split"], row["file_name"]), files.video)
            if row["annotations_path"] is not None:
                bring(storage.join(self.version.url, row["annotations_path"]), files.annotations)
            for path in beside.get(clip_id, ()):
                bring(storage.join(self.version.url, path), files.video.parent / path.rpartition("/")[2])

    def failed(self) -> list[FailedClip]:
        """Planned clips that the version does not hold, with their receipts."""
        missing = (line for line in self.lineage_rows if line["clip_id"] not in self.rows)
        return [FailedClip(_planned(line, None), _receipt(line)) for line in missing]

    def _finished(self, line: Mapping[str, Any], row: dict[str, Any]) -> FinishedClip:
        files, planned = clip_files(self.folder, row["clip_id"]), _planned(line, row)
        size_bytes = files.video.stat().st_size if files.video.exists() else None
        receipt = _receipt(line).model_copy(update={"clip_sha256": row["clip_sha256"], "clip_bytes": size_bytes})
        measured = self.measures[row["clip_id"]]
        if size_bytes is not None and _lacks_a_measure(measured):  # the version is older than a measure
            # Its first frame is not here to compare with, so any text counts as asked for: nothing is judged anew.
            again = measure(files.video, planned.request.geometry, None, planned.request.scene, text_is_asked=True)
            measured = _completed(measured, again)
        return FinishedClip(planned, receipt, files, measured, published_row=row)


def bring(url: str, path: Path) -> None:
    """A published file as a local one that may be removed again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if storage.scheme(url) == "file":
        storage.link_or_copy(storage.local_path(url), path)
    else:
        storage.download(url, path)


def _planned(line: Mapping[str, Any], row: Mapping[str, Any] | None) -> PlannedClip:
    """``row`` is None for a clip that was not made: its split and pair are not published, and nothing asks for them."""
    labels = row or {}
    return PlannedClip(
        request=read_request(line["request"]),
        row=line["manifest_row"],
        prompt_composed=bool(labels.get("prompt_composed")),
        pair_id=labels.get("pair_id"),
        split=Split(labels.get("split", Split.TRAIN)),
        input_image=labels.get("input_image"),
        extra={name: value for name, value in labels.items() if name not in _KNOWN},
    )


def _receipt(line: Mapping[str, Any]) -> Receipt:
    return Receipt(
        clip_id=line["clip_id"],
        scenario_id=line["scenario_id"],
        variant=line["variant"],
        attempts=tuple(_attempt(each) for each in line["attempts"]),
        record=orjson.loads(line["engine_record"]),
    )


def _attempt(published: Mapping[str, Any]) -> Attempt:
    known = {name: value for name, value in published.items() if name in Attempt.model_fields and value is not None}
    return Attempt.model_validate({"rank": None} | known)


def _measures(version: Version) -> dict[str, Measures]:
    names = {field.name for field in fields(Measures)}
    rows = _table(version, f"{REPORT_FOLDER}/{MEASURES_FILE}").to_pylist()
    return {row["clip_id"]: Measures(**({"problem": None} | {n: row[n] for n in names & row.keys()})) for row in rows}


def _lacks_a_measure(measured: Measures) -> bool:
    return any(getattr(measured, field.name) is None for field in fields(measured) if field.name not in MAY_BE_NULL)


def _completed(before: Measures, now: Measures) -> Measures:
    missing = {field.name: getattr(now, field.name) for field in fields(now) if getattr(before, field.name) is None}
    return replace(before, **missing)


def _table(version: Version, path: str) -> pa.Table:
    return pq.read_table(pa.BufferReader(storage.read_bytes(storage.join(version.url, path))))
