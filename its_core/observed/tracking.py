"""Detections of frame after frame, joined to tracks by the norfair library."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from its_core.observed.detector import KINDS, Detection
from its_core.observed.record import ObservedBox, ObservedTrack

_LEAST_BOXES = 3
_LOST_AFTER_S = 0.5
_MOST_DISTANCE = 0.8  # 1 - IoU of a box and the place where a track is expected
_SAME_IOU = 0.7  # boxes of one frame that overlap so much are of one body


def track(frames: Iterable[Sequence[Detection]], fps: int) -> list[ObservedTrack]:
    """Tracks of at least three boxes, numbered by their first frames. Kinds do not mix; a car may become a truck."""
    norfair = importlib.import_module("norfair")
    tracker = norfair.Tracker(
        distance_function="iou",
        distance_threshold=_MOST_DISTANCE,
        hit_counter_max=max(2, round(_LOST_AFTER_S * fps)),
        initialization_delay=1,
    )
    seen: dict[int, list[tuple[int, Detection]]] = {}
    for number, detections in enumerate(frames):
        given = [
            norfair.Detection(np.reshape(each.box, (2, 2)), label=KINDS[each.type], data=(number, each))
            for each in without_doubles(detections)
        ]
        tracker.update(given)
        for tracked in tracker.tracked_objects:
            frame, detection = tracked.last_detection.data
            if frame == number:
                seen.setdefault(tracked.initializing_id, []).append((number, detection))
    lines = sorted((line for line in seen.values() if len(line) >= _LEAST_BOXES), key=lambda line: line[0][0])
    return [_track(number, line) for number, line in enumerate(lines, start=1)]


def without_doubles(detections: Sequence[Detection]) -> list[Detection]:
    """Without detections that a surer one of the same kind covers: detectors call one body a car and a truck."""
    kept: list[Detection] = []
    for each in sorted(detections, key=lambda detection: -detection.confidence):
        if not any(KINDS[each.type] == KINDS[other.type] and iou(each.box, other.box) > _SAME_IOU for other in kept):
            kept.append(each)
    return kept


def iou(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union of two boxes."""
    common = intersection(one, other)
    return common / (area(one) + area(other) - common) if common else 0.0


def intersection(one: Sequence[float], other: Sequence[float]) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height)


def area(box: Sequence[float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _track(track_id: int, line: list[tuple[int, Detection]]) -> ObservedTrack:
    return ObservedTrack(
        track_id=track_id,
        type=Counter(detection.type for _, detection in line).most_common(1)[0][0],
        confidence=round(float(np.mean([detection.confidence for _, detection in line])), 4),
        boxes=[ObservedBox(frame=frame, box=each.box, confidence=each.confidence) for frame, each in line],
    )
