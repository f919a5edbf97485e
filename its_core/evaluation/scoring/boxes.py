"""Average precision of predicted boxes and tracks against the visible participants.

Predictions are a CSV file: ``clip_id, frame, x1, y1, x2, y2, score`` and, for tracks, ``track_id``; corners are shares
of the frame, frames count from 0. As in COCO, predictions take the true box of the same frame with which they share
most, best score first, at IoU thresholds 0.5 to 0.95. Tracks are matched by their boxes' intersection over union summed
over frames, at 0.5 (YouTube-VIS). Kinds of participants are not annotations apart.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from its_core.dataset.loading.annotations import read as read_annotations
from its_core.evaluation.ground_truth import TrueClip
from its_core.evaluation.scoring.curves import _finite
from its_core.evaluation.scoring.predictions import PredictionError

Floats = NDArray[np.float64]
THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
_CORNERS = ("x1", "y1", "x2", "y2")


@dataclass(frozen=True, slots=True)
class BoxSet:
    """Boxes [n, 4] of one clip with frame numbers [n], scores [n] (ones for truth) and track names [n]."""

    boxes: Floats
    frames: NDArray[np.int64]
    scores: Floats
    tracks: NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Matches:
    """All predictions, of all clips: score [m], right or not at each threshold [m, thresholds], the clip's place [m];
    and how many true ones each clip has."""

    scores: Floats
    right: NDArray[np.bool_]
    clips: NDArray[np.int64]
    true_count: Floats


def read(path: Path, clips: Sequence[TrueClip]) -> dict[str, BoxSet]:
    """Predicted boxes by clip; a clip without any is one in which nothing was found. Raises PredictionError."""
    try:
        reader = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""))
        header = set(reader.fieldnames or [])
    except (OSError, UnicodeDecodeError, csv.Error):
        raise PredictionError(f"{path}: cannot be read as a CSV file", code="predictions.unreadable") from None
    if missing := {"clip_id", "frame", *_CORNERS, "score"} - header:
        raise PredictionError(f"{path}: lacks the columns {', '.join(sorted(missing))}", code="predictions.no_columns")
    known = {clip.clip_id for clip in clips}
    rows: dict[str, list[tuple[list[float], int, float, str]]] = defaultdict(list)
    for row in reader:
        where = f"{path}, line {reader.line_num}"
        if row["clip_id"] not in known:
            raise PredictionError(f"{where}: no clip {row['clip_id']!r}", code="predictions.unknown_clip")
        corners = [_finite(row[name], name, where) for name in _CORNERS]
        if not (0 <= corners[0] <= corners[2] <= 1 and 0 <= corners[1] <= corners[3] <= 1):
            raise PredictionError(
                f"{where}: the box {corners} must be x1 ≤ x2 and y1 ≤ y2, shares of the frame, 0 to 1, not pixels",
                code="predictions.unit",
            )
        frame, score = _finite(row["frame"], "frame", where), _finite(row["score"], "score", where)
        rows[row["clip_id"]].append((corners, int(frame), score, row.get("track_id") or ""))
    return {clip.clip_id: _box_set(rows[clip.clip_id]) for clip in clips}


def true_boxes(clip: TrueClip) -> BoxSet:
    """The visible participants. Raises LoadError where the clip has no annotations."""
    assert clip.annotations_url is not None
    annotations: dict[str, Any] = read_annotations(clip.annotations_url)
    size = np.asarray([clip.row["width"], clip.row["height"]] * 2, float)
    rows = [
        (list(np.asarray(state["visible_box"]) / size), state["frame"], 1.0, str(track["track_id"]))
        for track in annotations["tracks"]
        for state in track["frames"]
        if state["visible_box"] is not None
    ]
    return _box_set(rows)


def match_boxes(predicted: Sequence[BoxSet], true: Sequence[BoxSet]) -> Matches:
    """Frame by frame."""
    units = [
        (place, guess.scores[at], _iou(guess.boxes[at], sure.boxes[sure.frames == frame]))
        for place, (guess, sure) in enumerate(zip(predicted, true, strict=True))
        for frame in np.unique(guess.frames)
        for at in [np.flatnonzero(guess.frames == frame)]
    ]
    return _matches(units, [len(sure.frames) for sure in true], THRESHOLDS)


def match_tracks(predicted: Sequence[BoxSet], true: Sequence[BoxSet]) -> Matches:
    """Whole tracks; a predicted track's score is the mean of its boxes'."""
    units = []
    for place, (guess, sure) in enumerate(zip(predicted, true, strict=True)):
        names, others = list(dict.fromkeys(guess.tracks)), list(dict.fromkeys(sure.tracks))
        scores = np.asarray([guess.scores[guess.tracks == name].mean() for name in names])
        overlaps = [[_track_iou(_part(guess, name), _part(sure, other)) for other in others] for name in names]
        units.append((place, scores, np.asarray(overlaps, float).reshape(len(names), len(others))))
    return _matches(units, [len(set(sure.tracks)) for sure in true], THRESHOLDS[:1])


def average_precision(matches: Matches, weights: Floats) -> Floats:
    """[replicates, thresholds] for clip weights [replicates, clips]: the area under precision, made to fall
    monotonically, over recall."""
    order = np.argsort(-matches.scores, kind="stable")
    right, owners = matches.right[order], matches.clips[order]
    found = np.full((len(weights), right.shape[1]), np.nan)
    for number, weight in enumerate(weights):
        total = weight @ matches.true_count
        if total == 0:
            continue
        each = weight[owners][:, None]
        hits, misses = np.cumsum(each * right, axis=0), np.cumsum(each * ~right, axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            precision = np.nan_to_num(hits / (hits + misses))
        falling = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
        found[number] = (falling * each * right).sum(axis=0) / total
    return found


def _matches(
    units: Sequence[tuple[int, Floats, Floats]], true_count: Sequence[int], thresholds: Sequence[float]
) -> Matches:
    scores = [unit[1] for unit in units]
    right = [_greedy(unit[1], unit[2], thresholds) for unit in units]
    owners = [np.full(len(unit[1]), unit[0], np.int64) for unit in units]
    empty = np.zeros((0, len(thresholds)), bool)
    return Matches(
        np.concatenate([np.zeros(0), *scores]),
        np.concatenate([empty, *right]),
        np.concatenate([np.zeros(0, np.int64), *owners]),
        np.asarray(true_count, float),
    )


def _greedy(scores: Floats, overlaps: Floats, thresholds: Sequence[float]) -> NDArray[np.bool_]:
    """Which predictions take a true one of their own at each threshold: [predictions, thresholds]."""
    right = np.zeros((len(scores), len(thresholds)), bool)
    for column, threshold in enumerate(thresholds):
        free = overlaps.copy()
        for guess in np.argsort(-scores, kind="stable"):
            if free.shape[1] and free[guess].max() >= threshold:
                right[guess, column] = True
                free[:, free[guess].argmax()] = -1
    return right


def _iou(first: Floats, second: Floats) -> Floats:
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))


def _track_iou(first: Mapping[int, Floats], second: Mapping[int, Floats]) -> float:
    shared, union = 0.0, 0.0
    for frame in first.keys() | second.keys():
        areas = [float((box[2:] - box[:2]).prod()) for box in (first.get(frame), second.get(frame)) if box is not None]
        inside = 0.0
        if frame in first and frame in second:
            low = np.maximum(first[frame][:2], second[frame][:2])
            high = np.minimum(first[frame][2:], second[frame][2:])
            inside = float(np.clip(high - low, 0, None).prod())
        shared += inside
        union += sum(areas) - inside
    return shared / union if union else 0.0


def _part(boxes: BoxSet, name: Any) -> dict[int, Floats]:
    at = boxes.tracks == name
    return dict(zip(boxes.frames[at].tolist(), boxes.boxes[at], strict=True))


def _box_set(rows: Sequence[tuple[Sequence[float], int, float, str]]) -> BoxSet:
    return BoxSet(
        np.asarray([row[0] for row in rows], float).reshape(-1, 4),
        np.asarray([row[1] for row in rows], np.int64),
        np.asarray([row[2] for row in rows], float),
        np.asarray([row[3] for row in rows], object),
    )
