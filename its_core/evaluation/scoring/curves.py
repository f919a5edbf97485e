"""Scores over time: a CSV file with the columns clip_id, time (seconds) and score, several rows a clip.

A score at a time must follow from what had been seen by then. From curves come Nexar's average precision and false
alarms that are counted one by one.
"""

from __future__ import annotations

import csv
import io
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from its_core.evaluation.ground_truth import TrueClip
from its_core.evaluation.scoring.predictions import PredictionError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Curve:
    """Times in seconds, rising, and scores."""

    times_s: Floats
    scores: Floats

    def at(self, time_s: float) -> float:
        """The last score at or before a time; NaN before the first."""
        place = int(np.searchsorted(self.times_s, time_s + 1e-9, side="right")) - 1
        return float(self.scores[place]) if place >= 0 else math.nan


def read(path: Path, clips: Sequence[TrueClip]) -> dict[str, Curve]:
    """Every clip's curve. Raises PredictionError."""
    try:
        reader = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""))
        header = set(reader.fieldnames or [])
    except (OSError, UnicodeDecodeError, csv.Error):
        raise PredictionError(f"{path}: cannot be read as a CSV file", code="predictions.unreadable") from None
    if not {"clip_id", "time", "score"} <= header:
        raise PredictionError(f"{path}: needs the columns clip_id, time and score", code="predictions.no_columns")
    by_clip = {clip.clip_id: clip for clip in clips}
    points: dict[str, dict[float, float]] = defaultdict(dict)
    for row in reader:
        where = f"{path}, line {reader.line_num}"
        clip = by_clip.get(row["clip_id"])
        if clip is None:
            raise PredictionError(f"{where}: no clip {row['clip_id']!r}", code="predictions.unknown_clip")
        time_s, score = (_finite(row[name], name, where) for name in ("time", "score"))
        if not 0 <= time_s <= clip.duration_s + 1e-6:
            raise PredictionError(
                f"{where}: time {time_s:g} lies outside the clip's {clip.duration_s:g} s; it must be seconds",
                code="predictions.unit",
            )
        if time_s in points[clip.clip_id]:
            raise PredictionError(f"{where}: time {time_s:g} of {clip.clip_id} twice", code="predictions.double_clip")
        points[clip.clip_id][time_s] = score
    absent = [clip_id for clip_id in by_clip if clip_id not in points]
    if absent:
        raise PredictionError(
            f"{path}: {len(absent)} of {len(clips)} clips have no curve: {', '.join(absent[:3])}",
            code="predictions.missing_clip",
        )
    return {clip_id: _curve(points[clip_id]) for clip_id in by_clip}


def write(path: Path, curves: Mapping[str, Curve]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["clip_id", "time", "score"])
        for clip_id, curve in curves.items():
            for time_s, score in zip(curve.times_s, curve.scores, strict=True):
                writer.writerow([clip_id, f"{time_s:.6f}", f"{score:.6g}"])


def before_event(clips: Sequence[TrueClip], curves: Mapping[str, Curve], horizon_ms: int) -> Floats:
    """Nexar's task: each clip's score after it was seen up to ``horizon_ms`` before the event; NaN where the clip
    begins later.

    Clips without an accident are cut where those with one are: in the order of their names they take the cuts of the
    accidents in turn, so that how much was seen gives nothing away.
    """
    found = np.full(len(clips), np.nan)
    cuts: list[float] = []
    for place, clip in enumerate(clips):
        if clip.accident_time_s is not None:
            cut_s = clip.accident_time_s - horizon_ms / 1000
            found[place] = curves[clip.clip_id].at(cut_s)
            if np.isfinite(found[place]):
                cuts.append(cut_s)
    calm = sorted((clip.clip_id, place) for place, clip in enumerate(clips) if not clip.is_accident)
    for number, (clip_id, place) in enumerate(calm):
        if cuts:
            found[place] = curves[clip_id].at(min(sorted(cuts)[number % len(cuts)], clips[place].duration_s))
    return found


def alarms_per_hour(clips: Sequence[TrueClip], curves: Mapping[str, Curve], recall: float, weights: Floats) -> Floats:
    """False alarms an hour of clips without an accident, at the highest threshold at which a share ``recall`` of the
    accidents is noticed; [replicates] for weights [replicates, clips].

    An accident is noticed when its curve reaches the threshold once the incident can be seen coming. A stretch in which
    the curve of another clip is at or above the threshold is one false alarm, however long.
    """
    positive = np.asarray([clip.is_accident for clip in clips])
    peaks = np.asarray([_peak(clip, curves[clip.clip_id]) for clip in clips if clip.is_accident])
    if not len(peaks) or positive.all():
        return np.full(len(weights), np.nan)
    thresholds = np.unique(peaks)[::-1]
    noticed = peaks[:, None] >= thresholds
    calm = [clip for clip in clips if not clip.is_accident]
    alarms = np.asarray([[_stretches(curves[clip.clip_id].scores, level) for level in thresholds] for clip in calm])
    hours = np.asarray([clip.duration_s / 3600 for clip in calm])
    with np.errstate(invalid="ignore", divide="ignore"):
        caught = weights[:, positive] @ noticed
        reached = caught >= recall * weights[:, positive].sum(axis=1, keepdims=True) - 1e-9
        count = (weights[:, ~positive] @ alarms)[np.arange(len(weights)), reached.argmax(axis=1)]
        return np.asarray(np.where(caught[:, -1] > 0, count, np.nan) / (weights[:, ~positive] @ hours))


def _peak(clip: TrueClip, curve: Curve) -> float:
    start_s = clip.anomaly_start_s or 0.0
    return float(curve.scores[curve.times_s >= start_s - 1e-9].max(initial=-np.inf))


def _stretches(scores: Floats, threshold: float) -> int:
    above = scores >= threshold
    return int(above[0]) + int((above[1:] & ~above[:-1]).sum())


def _curve(points: Mapping[float, float]) -> Curve:
    times = sorted(points)
    return Curve(np.asarray(times), np.asarray([points[time] for time in times]))


def _finite(text: str | None, name: str, where: str) -> float:
    try:
        value = float(text or "")
    except ValueError:
        raise PredictionError(f"{where}: {name} {text or ''!r} is no number", code="predictions.not_a_number") from None
    if not math.isfinite(value):
        raise PredictionError(f"{where}: {name} is {text}; it must be a finite number", code="predictions.not_finite")
    return value
