"""When and where something happened, from tracks alone: two bodies meet and one of them changes its speed at once.

A score, not a fact: bodies that pass each other in the picture overlap too, and what is hidden is not tracked.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from its_core.observed.record import ObservedEvent, ObservedTrack
from its_core.observed.tracking import area, intersection

_WINDOW_S = 0.4  # before and after a moment, over which speeds are compared
_FULL_OVERLAP = 0.2  # share of the smaller box from which on an overlap counts fully
_FULL_CHANGE = 1.0  # change of speed in lengths of the box a second, from which on it counts fully
_LEAST_SCORE = 0.05


def most_likely_event(tracks: list[ObservedTrack], fps: int) -> ObservedEvent | None:
    """The moment with the highest score; None where none reaches 0.05.

    A score is the overlap of two boxes, times the larger change of velocity of the two, times their confidence, each
    0 to 1.
    """
    changes = {track.track_id: _changes(track, fps) for track in tracks}
    best: ObservedEvent | None = None
    for one, other in combinations(tracks, 2):
        boxes = {each.frame: each for each in other.boxes}
        for first in one.boxes:
            second = boxes.get(first.frame)
            if second is None or not (common := intersection(first.box, second.box)):
                continue
            overlap = min(1.0, common / min(area(first.box), area(second.box)) / _FULL_OVERLAP)
            change = max(changes[track.track_id].get(first.frame, 0.0) for track in (one, other))
            score = round(overlap * change * min(one.confidence, other.confidence), 4)
            if score >= _LEAST_SCORE and (best is None or score > best.score):
                left, top = max(first.box[0], second.box[0]), max(first.box[1], second.box[1])
                right, bottom = min(first.box[2], second.box[2]), min(first.box[3], second.box[3])
                best = ObservedEvent(
                    frame=first.frame,
                    time_s=round(first.frame / fps, 4),
                    score=score,
                    point_px=((left + right) / 2, (top + bottom) / 2),
                    box=(
                        min(first.box[0], second.box[0]),
                        min(first.box[1], second.box[1]),
                        max(first.box[2], second.box[2]),
                        max(first.box[3], second.box[3]),
                    ),
                    tracks=(one.track_id, other.track_id),
                )
    return best


def _changes(track: ObservedTrack, fps: int) -> dict[int, float]:
    """By frame: the change of velocity there, in lengths of the box a second, as a share of what counts fully."""
    window = max(2, round(_WINDOW_S * fps))
    frames = np.array([each.frame for each in track.boxes])
    boxes: NDArray[np.float64] = np.array([each.box for each in track.boxes])
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    lengths = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    changes = {}
    for index in range(window, len(frames) - window):
        before, now, after = index - window, index, index + window
        velocity_before = (centres[now] - centres[before]) * fps / (frames[now] - frames[before])
        velocity_after = (centres[after] - centres[now]) * fps / (frames[after] - frames[now])
        change = float(np.hypot(*(velocity_after - velocity_before))) / float(lengths[index])
        changes[int(frames[index])] = min(1.0, change / _FULL_CHANGE)
    return changes
