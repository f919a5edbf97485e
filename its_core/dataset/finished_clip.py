"""A clip on its way into a published dataset: what was asked, what came, and where its files lie."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from its_core.annotations import Annotations, Box, Point2
from its_core.checks.measures import Measures
from its_core.shards.plan import PlannedClip
from its_core.shards.receipts import ClipFiles, Receipt


@dataclass(frozen=True, slots=True)
class FinishedClip:
    """A clip that was made and passed its checks. ``files`` are its local ones, to be read and linked, not changed."""

    planned: PlannedClip
    receipt: Receipt
    files: ClipFiles
    measures: Measures

    @property
    def clip_id(self) -> str:
        return self.planned.request.clip_id

    @property
    def has_annotations(self) -> bool:
        return self.files.annotations.exists()

    def annotations(self) -> Annotations | None:
        """The ground truth, None from an engine without any. Raises pydantic's ValidationError when it is damaged."""
        return Annotations.model_validate_json(self._unpacked()) if self.has_annotations else None

    def outline(self) -> Outline | None:
        """The same but for what is told frame by frame, several times as fast."""
        return Outline.model_validate_json(self._unpacked()) if self.has_annotations else None

    def _unpacked(self) -> bytes:
        with gzip.open(self.files.annotations, "rb") as file:
            return file.read()


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class TrackOutline(_Part):
    type: str
    colour: str | None
    role: str


class ContactOutline(_Part):
    frame: int


class FrameSize(_Part):
    width_px: int
    height_px: int


class Outline(_Part):
    """What of ``annotations.Annotations`` becomes labels; the fields mean what they mean there."""

    source: Literal["simulated", "detected", "human"]
    fps: int
    camera: FrameSize | None
    tracks: list[TrackOutline]
    contacts: list[ContactOutline]
    accident_frame: int | None
    accident_time_s: float | None
    anomaly_start: int | None
    anomaly_end: int | None
    impact_point: Point2 | None
    impact_box: Box | None
