"""What a classifier may look at of a clip's row: its conditions, and which labels are null."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from its_core.evaluation.ground_truth import TrueClip

Floats = NDArray[np.float64]
_CONDITIONS = (
    "light",
    "weather_condition",
    "road_layout",
    "road_surface",
    "traffic_density",
    "quality",
    "fps",
    "width",
)
# The answer itself, and what follows from it by definition.
_ANSWER = frozenset(
    {
        *("incident_type", "type", "accident_class", "accident_frame", "accident_time", "time_of_event", "cause"),
        *("time_of_alert", "anomaly_start", "anomaly_end", "anomaly_start_time", "anomaly_end_time", "severity"),
        *("center_x", "center_y", "x1", "y1", "x2", "y2", "delta_v_kmh", "averted_incident", "participants"),
        *("scenario_id", "clip_id", "prompt", "pair_id", "file_name", "video_url", "annotations_url"),
    }
)


def inputs(clips: Sequence[TrueClip]) -> dict[str, Floats]:
    """Named inputs, one row a clip."""
    rows = [clip.row for clip in clips]
    conditions = np.hstack([_one_hot([row.get(name) for row in rows]) for name in _CONDITIONS])
    columns = sorted({name for row in rows for name in row} - _ANSWER)
    nulls = np.asarray([[row.get(name) is None for name in columns] for row in rows], float)
    return {
        "conditions": conditions,
        "labels that are null": nulls,
        "duration": np.asarray([[clip.duration_s] for clip in clips]),
        "seed": np.asarray([[float(row.get("seed") or 0) % 1000] for row in rows]),
    }


def _one_hot(values: Sequence[Any]) -> Floats:
    words = sorted({str(value) for value in values})
    return np.asarray([[str(value) == word for word in words] for value in values], float)
