"""Clips that exist as labels only, for scores that look at nothing else."""

from typing import Any

from its_core.evaluation.ground_truth import GroundTruth, TrueClip
from its_core.evaluation.scoring.predictions import Prediction


def clip(name: str, **changes: Any) -> TrueClip:
    """An accident at 2 s in the middle of a 10 s clip, its box a fifth of the frame wide and a tenth high."""
    values: dict[str, Any] = {
        "clip_id": name,
        "camera_id": f"cam-{name}",
        "video_url": f"/nowhere/{name}.mp4",
        "annotations_url": None,
        "split": "test",
        "pair_id": None,
        "duration_s": 10.0,
        "accident_time_s": 2.0,
        "anomaly_start_s": 1.0,
        "center": (0.5, 0.5),
        "box": (0.4, 0.45, 0.6, 0.55),
        "type": "t-bone",
        "row": {"light": "day", "incident_type": "intersection_collision"},
    }
    return TrueClip(**(values | changes))


def calm(name: str, **changes: Any) -> TrueClip:
    nothing: dict[str, Any] = {
        "accident_time_s": None,
        "anomaly_start_s": None,
        "center": None,
        "box": None,
        "type": None,
    }
    return clip(name, **({"row": {"light": "day", "incident_type": "normal_traffic"}} | nothing | changes))


def truth(*clips: TrueClip) -> GroundTruth:
    return GroundTruth("made up", "/nowhere/made/up", clips)


def said(
    time_s: float = 2.0, x: float = 0.5, y: float = 0.5, kind: str | None = "t-bone", **scores: float
) -> Prediction:
    return Prediction(time_s, (x, y), kind, scores)
