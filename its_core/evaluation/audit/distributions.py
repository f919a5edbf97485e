"""How a version's accidents lie in time, size, place, light and quality, beside those of real fixed cameras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from its_core.dataset.loading.annotations import read as read_annotations
from its_core.evaluation.ground_truth import GroundTruth, TrueClip
from its_core.evaluation.scoring import accident

_MOVING_MPS = 0.5
_EDGE = 0.1


@dataclass(frozen=True, slots=True)
class Line:
    """A figure of the version and, where it is known, of ACCIDENT's first 31 published labels."""

    what: str
    here: float | None
    real: float | None


def lines(truth: GroundTruth) -> list[Line]:
    """Shares and seconds; None where the clips do not say."""
    hit = [clip for clip in truth.clips if clip.accident_time_s is not None]
    widths = [clip.box[2] - clip.box[0] for clip in hit if clip.box is not None]
    centres = [clip.center for clip in hit if clip.center is not None]
    times = [clip.accident_time_s / clip.duration_s for clip in hit if clip.accident_time_s is not None]
    near_edge = [min(x, y, 1 - x, 1 - y) < _EDGE for x, y in centres]
    return [
        Line("best constant guess of the time (ACCIDENT's when)", _best_constant(hit), None),
        Line("time of the crash, share of the clip: median", _quantile(times, 0.5), None),
        Line("time of the crash, share of the clip: 10 %", _quantile(times, 0.1), None),
        Line("time of the crash, share of the clip: 90 %", _quantile(times, 0.9), None),
        Line("width of the crash, share of the frame: median", _quantile(widths, 0.5), 0.076),
        Line("width of the crash, share of the frame: lower quartile", _quantile(widths, 0.25), 0.05),
        Line("width of the crash, share of the frame: upper quartile", _quantile(widths, 0.75), 0.17),
        Line("crashes within 10 % of an edge", float(np.mean(near_edge)) if near_edge else None, 0.2),
        Line("clips at night", _share(truth.clips, "day_time", {"night"}), 11 / 31),
        Line("clips of poor quality", _share(truth.clips, "quality", {"Poor", "Very_Poor"}), 20 / 31),
        Line("clips in which nothing moves in view", _still(truth.clips), 0.0),
    ]


def _best_constant(hit: Sequence[TrueClip]) -> float | None:
    if not hit:
        return None
    times = np.asarray([clip.accident_time_s for clip in hit], float)
    return accident.best_constant(times, max(clip.duration_s for clip in hit))[0]


def _quantile(values: Sequence[float], share: float) -> float | None:
    return float(np.quantile(values, share)) if values else None


def _share(clips: Sequence[TrueClip], column: str, words: set[str]) -> float | None:
    values = [clip.row[column] for clip in clips if clip.row.get(column) is not None]
    return float(np.mean([word in words for word in values])) if values else None


def _still(clips: Sequence[TrueClip]) -> float | None:
    """The share of clips with annotations in which nobody who shows moves."""
    still = [not _moves(read_annotations(clip.annotations_url)) for clip in clips if clip.annotations_url is not None]
    return float(np.mean(still)) if still else None


def _moves(truth: dict[str, Any]) -> bool:
    return any(
        state["visible_box"] is not None and state["speed_mps"] > _MOVING_MPS
        for track in truth["tracks"]
        for state in track["frames"]
    )
