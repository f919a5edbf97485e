"""What the annotations say of every road user at every frame: extra targets in training, never an input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from its_core.dataset.loading.annotations import read
from its_core.evaluation.detector.features import Features
from its_core.evaluation.ground_truth import TrueClip

_STEP = 2  # frames on each side over which a velocity is measured
_BLOW_S = 0.2
_HARD_BRAKING_MPS, _CLEARLY_MORE_MPS = 1.7, 1.5  # 8.5 m/s2 over 0.2 s, and how much more leaves no doubt
_LEAST_SIZE = 0.012  # of the frame's width: smaller road users are no conflicts to learn from


@dataclass(frozen=True, slots=True)
class RoadUsers:
    """T frames, N road users. Places are shares of the frame's width and height.

    Attributes:
        boxes: [T, N, 4], x1, y1, x2, y2 of the visible part; nan where nothing can be seen.
        before, after: [T, N, 2], displacement a frame over the frames just before and just after.
        collided: [T, N], it has touched something by then.
        struck: [T, N], 0 to 1: its velocity in the world changes as by a blow, and not as by brakes.
        conflict: [T, N], how much like a crash its motion is: it closes in on another, or brakes. No unit.
    """

    boxes: NDArray[np.float32]
    before: NDArray[np.float32]
    after: NDArray[np.float32]
    collided: NDArray[np.bool_]
    struck: NDArray[np.float32]
    conflict: NDArray[np.float32]


def load_all(clips: Iterable[TrueClip], features: Mapping[str, Features]) -> dict[str, RoadUsers]:
    """Of the clips with annotations that a simulator made. Raises LoadError where a file is missing or damaged."""
    found: dict[str, RoadUsers] = {}
    for clip in clips:
        if clip.annotations_url is not None:
            truth = read(clip.annotations_url)
            if truth["source"] == "simulated":
                found[clip.clip_id] = of_truth(truth, features[clip.clip_id].times_s)
    return found


def of_truth(truth: Mapping[str, Any], times_s: NDArray[np.float32]) -> RoadUsers:
    """At the annotated frames nearest to ``times_s``."""
    camera, tracks = truth["camera"], truth["tracks"]
    size = np.array([camera["width_px"], camera["height_px"]] * 2, np.float32)
    visible = np.full((truth["frames"], len(tracks), 4), np.nan, np.float32)
    centres = np.full((truth["frames"], len(tracks), 2), np.nan, np.float32)
    velocities_mps = np.full((truth["frames"], len(tracks), 2), np.nan, np.float32)
    for number, track in enumerate(tracks):
        for state in track["frames"]:
            if state["visible_box"] is not None:
                visible[state["frame"], number] = state["visible_box"] / size
            if state["amodal_box"] is not None:
                x1, y1, x2, y2 = state["amodal_box"] / size
                centres[state["frame"], number] = (x1 + x2) / 2, (y1 + y2) / 2
            if state.get("velocity_mps") is not None:
                velocities_mps[state["frame"], number] = state["velocity_mps"][:2]
    chosen = np.minimum(np.round(times_s * truth["fps"]).astype(int), truth["frames"] - 1)
    touched = {track["track_id"]: truth["frames"] for track in tracks}
    for contact in truth["contacts"]:
        for track_id in contact["tracks"]:
            touched[track_id] = min(touched.get(track_id, truth["frames"]), contact["frame"])
    first = np.array([touched[track["track_id"]] for track in tracks], int)
    before, after = _velocities(centres[chosen])
    shape = np.array([1.0, camera["height_px"] / camera["width_px"]], np.float32)
    conflict = _conflict(visible[chosen], before, after, shape)
    struck = _struck(velocities_mps, truth["fps"])[chosen]
    return RoadUsers(visible[chosen], before, after, chosen[:, None] >= first[None], struck, conflict)


def _struck(velocities_mps: NDArray[np.float32], fps: float) -> NDArray[np.float32]:
    """By how much velocities change within ``_BLOW_S``: 0 where brakes could do it, 1 where clearly only a blow can."""
    step = max(1, round(_BLOW_S * fps / 2))
    found = np.zeros(velocities_mps.shape[:2], np.float32)
    change = np.linalg.norm(velocities_mps[2 * step :] - velocities_mps[: -2 * step], axis=2)
    found[step:-step] = np.clip((np.nan_to_num(change) - _HARD_BRAKING_MPS) / _CLEARLY_MORE_MPS, 0, 1)
    return found


def _velocities(centres: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Zero where the road user is not there on both sides."""
    before, after = np.zeros_like(centres), np.zeros_like(centres)
    moved = (centres[_STEP:] - centres[:-_STEP]) / _STEP
    before[_STEP:], after[:-_STEP] = moved, moved
    return np.nan_to_num(before), np.nan_to_num(after)


def _conflict(
    boxes: NDArray[np.float32], before: NDArray[np.float32], after: NDArray[np.float32], shape: NDArray[np.float32]
) -> NDArray[np.float32]:
    """In lengths of the road user a frame: the change of its velocity, and its velocity against a close other one."""
    seen = np.isfinite(boxes[..., 0])
    corners = np.nan_to_num(boxes)
    middles = (corners[..., :2] + corners[..., 2:]) / 2 * shape
    sizes = ((corners[..., 2:] - corners[..., :2]) * shape).max(axis=2)
    lengths = np.maximum(sizes, _LEAST_SIZE)
    braking = np.linalg.norm((after - before) * shape, axis=2) / lengths
    apart = np.linalg.norm(middles[:, :, None] - middles[:, None], axis=3)
    mean = (lengths[:, :, None] + lengths[:, None]) / 2
    against = np.linalg.norm((before[:, :, None] - before[:, None]) * shape, axis=3) / mean
    close = np.exp(-np.maximum(apart / mean - 0.5, 0) / 0.5) * seen[:, None]
    closing = (against * close * ~np.eye(seen.shape[1], dtype=bool)).max(axis=2, initial=0)
    found = np.minimum(braking + closing, 1.0)
    conflict: NDArray[np.float32] = np.where(seen & (sizes > _LEAST_SIZE), found, 0).astype(np.float32)
    return conflict
