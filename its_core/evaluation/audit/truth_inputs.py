"""What a classifier may look at of the truth at the start of a clip: who is where, how fast, in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from its_core.taxonomy import ParticipantType

Floats = NDArray[np.float64]
_KINDS = tuple(kind.value for kind in ParticipantType)
_RINGS_M = (0, 10, 20, 30, 45, 60, 90, 130, 1e9)
_STANDING_MPS = 0.5
_LISTED = 6


def inputs(annotations: dict[str, Any], size_px: tuple[int, int]) -> dict[str, Floats]:
    """Named inputs, each one row of numbers of the same length for every clip.

    Args:
        annotations: the annotations as JSON values.
        size_px: height and width of the clip.
    """
    tracks = annotations["tracks"]
    first = [(track, _state(track, 0)) for track in tracks]
    there = [(track, state) for track, state in first if state is not None]
    later = {track["track_id"]: _state(track, annotations["fps"]) for track in tracks}
    return {
        "counts at frame 0": _counts(there),
        "speeds at frame 0": _speeds([state for _, state in there]),
        "standing at frame 0": _standing(there),
        "positions at frame 0": _positions([state for _, state in there]),
        "boxes at frame 0": _boxes([state for _, state in there], size_px),
        "changes in the first second": _changes(there, later),
        "order of the tracks": _order(there),
        "camera": _camera(annotations),
    }


def _state(track: dict[str, Any], frame: int) -> dict[str, Any] | None:
    found: dict[str, Any] | None = next((state for state in track["frames"] if state["frame"] == frame), None)
    return found


def _counts(there: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> Floats:
    kinds = [track["type"] for track, _ in there]
    visible = sum(state["visible_box"] is not None for _, state in there)
    return np.asarray([*(kinds.count(kind) for kind in _KINDS), len(there), visible], float)


def _speeds(states: Sequence[dict[str, Any]]) -> Floats:
    speeds = np.sort([state["speed_mps"] for state in states])[::-1]
    moving = speeds[speeds > _STANDING_MPS]
    means = [speeds.mean(), moving.mean() if len(moving) else 0.0] if len(speeds) else [0.0, 0.0]
    return np.concatenate([_padded(speeds), means])


def _standing(there: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> Floats:
    vehicles = [(track, state) for track, state in there if track["type"] != ParticipantType.PEDESTRIAN.value]
    stands = [state["speed_mps"] <= _STANDING_MPS for track, state in vehicles if not track.get("parked")]
    return np.asarray([sum(stands), float(any(stands)), len(stands)], float)


def _positions(states: Sequence[dict[str, Any]]) -> Floats:
    """How many lie how far from the middle, in which of eight directions, and how near each other."""
    if not states:
        return np.zeros(len(_RINGS_M) - 1 + 8 + _LISTED)
    places = np.asarray([state["position_m"][:2] for state in states], float)
    rings = np.histogram(np.hypot(*places.T), bins=_RINGS_M)[0]
    directions = np.histogram(np.arctan2(places[:, 1], places[:, 0]), bins=8, range=(-np.pi, np.pi))[0]
    apart = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    gaps = np.sort(apart[np.triu_indices(len(places), 1)])
    return np.concatenate([rings, directions, _padded(gaps)]).astype(float)


def _boxes(states: Sequence[dict[str, Any]], size_px: tuple[int, int]) -> Floats:
    """How many boxes lie in each of 4 x 3 cells, and how large the largest are."""
    boxes = [state["visible_box"] for state in states if state["visible_box"] is not None]
    cells = np.zeros((3, 4))
    areas = []
    for x1, y1, x2, y2 in boxes:
        row = min(2, int((y1 + y2) / 2 / size_px[0] * 3))
        cells[row, min(3, int((x1 + x2) / 2 / size_px[1] * 4))] += 1
        areas.append((x2 - x1) * (y2 - y1) / (size_px[0] * size_px[1]))
    return np.concatenate([cells.ravel(), _padded(np.sort(areas)[::-1])])


def _changes(there: Sequence[tuple[dict[str, Any], dict[str, Any]]], later: dict[int, dict[str, Any] | None]) -> Floats:
    """The strongest changes of speed and heading from frame 0 to a second later."""
    pairs = [(state, later[track["track_id"]]) for track, state in there]
    kept = [(before, after) for before, after in pairs if after is not None]
    speeds = np.sort([after["speed_mps"] - before["speed_mps"] for before, after in kept])
    turns = np.sort([abs((a["heading_deg"] - b["heading_deg"] + 180) % 360 - 180) for b, a in kept])[::-1]
    return np.concatenate([_padded(speeds), _padded(speeds[::-1]), _padded(turns)])


def _order(there: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> Floats:
    """Kind, speed and distance of the first tracks, in the order of their numbers."""
    found = []
    for track, state in sorted(there, key=lambda item: item[0]["track_id"])[:3]:
        distance = float(np.hypot(*state["position_m"][:2]))
        found += [float(_KINDS.index(track["type"])) if track["type"] in _KINDS else -1.0, state["speed_mps"], distance]
    return np.asarray([*found, *[0.0] * (9 - len(found))], float)


def _camera(annotations: dict[str, Any]) -> Floats:
    camera = annotations["camera"]
    if camera is None:
        return np.zeros(10)
    matrix = np.asarray(camera["world_to_camera"], float)
    rotation, position = matrix[:3, :3], -matrix[:3, :3].T @ matrix[:3, 3]
    focal = [camera["intrinsics"][0][0] / camera["width_px"]]
    return np.concatenate([focal, position, rotation[2], rotation[1]])


def _padded(values: NDArray[Any]) -> Floats:
    return np.concatenate([np.asarray(values, float)[:_LISTED], np.zeros(max(0, _LISTED - len(values)))])
