"""Ground truth of a clip, frame by frame, as an engine that knows it reports it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

Box = tuple[float, float, float, float]  # x1, y1, x2, y2 in pixels, half-open, y down
Point2 = tuple[float, float]
Point3 = tuple[float, float, float]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Summary(BaseModel):
    """A part of a record. It reads the whole record's JSON too and skips what it does not have."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class TrackFrame(_Record):
    """One participant in one frame.

    ``visible_box`` bounds the pixels that show, clipped to the frame, None when none shows; ``amodal_box`` bounds the
    whole body, occluded or outside the frame too, None when part of it lies behind the camera. ``occlusion`` is the
    hidden share of the body's pixels inside the frame, 0 to 1. World axes: metres, x east, y north, z up; heading in
    degrees counter-clockwise from north.
    """

    frame: int
    visible_box: Box | None
    amodal_box: Box | None
    occlusion: float
    position_m: Point3
    heading_deg: float
    speed_mps: float


class TrackSummary(_Summary):
    track_id: int
    type: str
    colour: str | None
    role: str


class Track(_Record, TrackSummary):
    frames: list[TrackFrame]


class ContactSummary(_Summary):
    frame: int


class Contact(_Record, ContactSummary):
    """Two tracks touching, from the first frame on that shows it; ``impulse_ns`` in newton-seconds."""

    time_s: float
    tracks: tuple[int, int]
    point_m: Point3
    point_px: Point2 | None
    impulse_ns: float


class CameraModel(_Record):
    """Pinhole camera: ``intrinsics`` 3×3 in pixels, ``world_to_camera`` 4×4 (x right, y down, z forward)."""

    intrinsics: list[list[float]]
    world_to_camera: list[list[float]]
    width_px: int
    height_px: int


class AnnotationSummary(_Summary):
    """What happened in a clip, without the frames of the tracks. Reading it is several times as fast.

    Frame windows are half-open: ``[anomaly_start, anomaly_end)``. ``accident_frame`` is the first frame at or after
    first contact, None when nothing touched. ``anomaly_start`` is the first frame in which the incident can be seen
    coming, ``anomaly_end`` the first in which it is over; both None in normal traffic. ``impact_box`` encloses the
    crash's participants at ``accident_frame``; ``impact_point`` is where they touched.
    """

    source: Literal["simulated", "detected", "human"]
    fps: int
    frames: int
    camera: CameraModel | None
    tracks: Sequence[TrackSummary]
    contacts: Sequence[ContactSummary]
    accident_frame: int | None
    accident_time_s: float | None
    anomaly_start: int | None
    anomaly_end: int | None
    impact_point: Point2 | None
    impact_box: Box | None


class Annotations(_Record, AnnotationSummary):
    """What happened in a clip, frame by frame."""

    tracks: list[Track]
    contacts: list[Contact]
