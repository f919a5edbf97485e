"""What was observed in a clip, as it is stored beside it (``<clip_id>.detections.json.gz``)."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from its_core.annotations import Box, Point2
from its_core.storage import replacing

Size = Literal["small", "medium", "large"]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ObservedBox(_Record):
    """Pixels as in ``annotations``; ``confidence`` is the detector's, 0 to 1."""

    frame: int
    box: Box
    confidence: float


class ObservedTrack(_Record):
    """``type`` is the detector's own word, the most frequent one; ``confidence`` the mean of the boxes'."""

    track_id: int
    type: str
    confidence: float
    boxes: list[ObservedBox]


class ObservedEvent(_Record):
    """The moment that looks most like a collision. ``score``, 0 to 1, says how much; it is no probability."""

    frame: int
    time_s: float
    score: float
    point_px: Point2
    box: Box
    tracks: tuple[int, int]


class Agreement(_Record):
    """Boxes of one size, COCO's areas: true ones, those of them that a detection covers (IoU of at least a half), and
    detections that cover no true box, of that size themselves."""

    size: Size
    true_boxes: int
    found: int
    false: int


class Observation(_Record):
    """``agreement`` is None where no ground truth exists. ``made_with`` names detector, weights and settings."""

    source: Literal["detected"] = "detected"
    clip_sha256: str
    made_with: dict[str, str | float]
    fps: int
    frames: int
    tracks: list[ObservedTrack]
    event: ObservedEvent | None
    agreement: list[Agreement] | None = None


def write(path: Path, observation: Observation) -> None:
    """The same observation always gives the same bytes."""
    with replacing(path) as part:
        part.write_bytes(gzip.compress(observation.model_dump_json().encode(), mtime=0))


def read(path: Path) -> Observation:
    """Raises FileNotFoundError, and pydantic's ValidationError when the file is damaged."""
    return Observation.model_validate_json(gzip.decompress(path.read_bytes()))
