"""A clip observed from its first frame to its last."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from its_core.annotations import Annotations
from its_core.observed.agreement import compare
from its_core.observed.detector import LocalDetector
from its_core.observed.event import most_likely_event
from its_core.observed.record import Observation
from its_core.observed.tracking import track
from its_core.video import read_frames

PACKAGES = ("transformers", "norfair-enough")
_OBSERVED_AS = 1  # raised when the same detections would give other tracks or events


def made_with(detector: LocalDetector) -> dict[str, str | float]:
    """What an observation depends on beside the clip."""
    return {
        "detector": detector.folder.name,
        "detector_sha256": detector.weights_sha256,
        "min_confidence": detector.min_confidence,
        "tracker": f"norfair-enough {metadata.version('norfair-enough')}",
        "observed_as": _OBSERVED_AS,
    }


def observe(
    path: Path, clip_sha256: str, fps: int, frames: int, detector: LocalDetector, truth: Annotations | None
) -> Observation:
    """Detects, tracks and scores. With the truth, their agreement too. Raises as ``read_frames`` does."""
    tracks = track(detector.detect(read_frames(path)), fps)
    return Observation(
        clip_sha256=clip_sha256,
        made_with=made_with(detector),
        fps=fps,
        frames=frames,
        tracks=tracks,
        event=most_likely_event(tracks, fps),
        agreement=None if truth is None else compare(tracks, truth),
    )
