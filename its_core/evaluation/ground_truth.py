"""Labelled clips to score and to train on: a published version, or a folder of real clips in ACCIDENT's layout."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from its_core import storage
from its_core.dataset.loading import index
from its_core.dataset.loading.annotations import read as read_annotations
from its_core.dataset.loading.files import LoadError
from its_core.taxonomy import Split

ACCIDENT_FILES = ("metadata-real.csv", "labels.csv", "metadata-synthetic.csv")
_SIZES = ((0.05, "under 5 %"), (0.1, "5 to 10 %"), (0.2, "10 to 20 %"), (math.inf, "over 20 %"))
_OCCLUSIONS = ((0.1, "under 10 %"), (0.5, "10 to 50 %"), (math.inf, "over 50 %"))
# What results are divided by: the name shown, and the label columns that may hold it, the first that is there counts.
STRATA: dict[str, tuple[str, ...]] = {
    "incident": ("incident_type",),
    "type": ("type",),
    "cause": ("cause",),
    "severity": ("severity",),
    "light": ("light", "day_time"),
    "weather": ("weather_condition", "weather"),
    "layout": ("road_layout", "scene_layout"),
    "density": ("traffic_density",),
    "quality": ("quality",),
    "camera": ("camera_id", "region"),
}


@dataclass(frozen=True, slots=True)
class TrueClip:
    """A clip and what is true of it.

    ``accident_time_s`` is None where nothing touches. ``center`` (x, y) and ``box`` (x1, y1, x2, y2) are shares of the
    frame, 0 to 1. ``anomaly_start_s`` is when the incident can first be seen coming. ``row`` holds all label columns.
    """

    clip_id: str
    camera_id: str
    video_url: str
    annotations_url: str | None
    split: str | None
    pair_id: str | None
    duration_s: float
    accident_time_s: float | None
    anomaly_start_s: float | None
    center: tuple[float, float] | None
    box: tuple[float, float, float, float] | None
    type: str | None
    row: Mapping[str, Any]

    @property
    def is_accident(self) -> bool:
        return self.accident_time_s is not None


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """Clips of one source. ``name`` is for people; ``url`` is the version's folder, or the real clips'."""

    name: str
    url: str
    clips: tuple[TrueClip, ...]

    def of_split(self, *splits: str) -> GroundTruth:
        """The clips of some splits. Raises LoadError where there is none."""
        chosen = tuple(clip for clip in self.clips if clip.split in splits)
        if not chosen:
            raise LoadError(f"{self.url}: has no clip in {' or '.join(splits)}", code="load.no_such_split")
        return GroundTruth(f"{self.name} ({', '.join(splits)})", self.url, chosen)


def open_truth(url: str) -> GroundTruth:
    """A version, a dataset's latest version, or a folder with ACCIDENT's labels. Raises LoadError for anything else."""
    url = storage.resolve(url, Path.cwd())
    for name in ACCIDENT_FILES:
        if storage.exists(storage.join(url, name)):
            return _accident_folder(url, name)
    version = index.open_version(url)
    rows = index.rows(version, None)
    return GroundTruth(_name_of(version), version, tuple(_published(row) for row in rows))


def of_folder(folder: Path, name: str) -> GroundTruth:
    """The clips of a version's local folder, also while it is being published."""
    splits = [split.value for split in Split if (folder / split / index.METADATA_FILE).exists()]
    rows = [row for split in splits for row in index.rows_of_split(str(folder), split)]
    return GroundTruth(name, str(folder), tuple(_published(row) for row in rows))


def strata_of(clips: Sequence[TrueClip]) -> dict[str, list[str | None]]:
    """For every way to divide the clips: each clip's part, None where it is in none.

    Beside the label columns: ``size``, the width of the box around the crash as a share of the frame's, and
    ``occlusion``, the largest hidden share of a participant at first contact (read from the annotations).
    """
    found: dict[str, list[str | None]] = {}
    for name, columns in STRATA.items():
        values = [next((clip.row[c] for c in columns if clip.row.get(c) is not None), None) for clip in clips]
        found[name] = [None if value is None else str(value) for value in values]
    found["size"] = [None if clip.box is None else _bin(clip.box[2] - clip.box[0], _SIZES) for clip in clips]
    found["occlusion"] = [_occlusion(clip) for clip in clips]
    return {name: values for name, values in found.items() if any(value is not None for value in values)}


def _bin(value: float, bins: Sequence[tuple[float, str]]) -> str:
    return next(word for limit, word in bins if value < limit)


def _occlusion(clip: TrueClip) -> str | None:
    if clip.annotations_url is None or not clip.is_accident:
        return None
    truth = read_annotations(clip.annotations_url)
    hidden = [
        state["occlusion"]
        for track in truth["tracks"]
        if track["role"] != "bystander"
        for state in track["frames"]
        if state["frame"] == truth["accident_frame"]
    ]
    return _bin(max(hidden), _OCCLUSIONS) if hidden else None


def _name_of(version_url: str) -> str:
    dataset, _, version = version_url.rpartition("/")
    return f"{dataset.rpartition('/')[2]}/{version}"


def _published(row: index.Row) -> TrueClip:
    return TrueClip(
        clip_id=row["clip_id"],
        camera_id=row["camera_id"],
        video_url=row["video_url"],
        annotations_url=row["annotations_url"],
        split=row["split"],
        pair_id=row["pair_id"],
        duration_s=row["duration"],
        accident_time_s=row["accident_time"],
        anomaly_start_s=row["anomaly_start_time"],
        center=_tuple(row, "center_x", "center_y"),
        box=_tuple(row, "x1", "y1", "x2", "y2"),
        type=row["type"] if row["accident_time"] is not None else None,
        row=row,
    )


def _tuple(row: Mapping[str, Any], *names: str) -> Any:
    values = tuple(row.get(name) for name in names)
    return None if any(value is None for value in values) else values


def _accident_folder(folder: str, name: str) -> GroundTruth:
    """Clips are named by their path. Rows without an accident_time are clips without an accident, which ACCIDENT itself
    has none of: a user's own negatives are added so."""
    text = storage.read_bytes(storage.join(folder, name)).decode("utf-8-sig", errors="replace")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    return GroundTruth(
        folder.rpartition("/")[2],
        folder,
        tuple(_real(folder, name, number, row) for number, row in enumerate(rows, start=2)),
    )


_NUMBERS = ("accident_time", "center_x", "center_y", "x1", "y1", "x2", "y2", "duration")


def _real(folder: str, file: str, line: int, row: dict[str, str]) -> TrueClip:
    where = f"{storage.join(folder, file)}, line {line}"
    path = row.get("path") or row.get("rgb_path") or ""
    if not path or PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise LoadError(f"{where}: path {path!r} names no clip in {folder}", code="load.accident_layout")
    values: dict[str, Any] = {key: value or None for key, value in row.items() if key}
    for column in _NUMBERS:
        values[column] = _number(values.get(column), column, where)
    if values["duration"] is None or values["duration"] <= 0:
        raise LoadError(f"{where}: duration must be the clip's seconds", code="load.accident_layout")
    camera = values.get("camera_id") or values.get("region") or path
    return TrueClip(
        clip_id=path,
        camera_id=camera,
        video_url=storage.join(folder, path),
        annotations_url=None,
        split=values.get("split") or values.get("split_in_distribution"),
        pair_id=None,
        duration_s=values["duration"],
        accident_time_s=values["accident_time"],
        anomaly_start_s=None,
        center=_tuple(values, "center_x", "center_y"),
        box=_tuple(values, "x1", "y1", "x2", "y2"),
        type=values.get("type"),
        row=values | {"camera_id": camera, "annotations_url": None, "clip_id": path},
    )


def _number(text: str | None, column: str, where: str) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise LoadError(f"{where}: {column} {text!r} is no number", code="load.accident_layout")
    return value
