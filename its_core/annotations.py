"""Ground truth of a clip, frame by frame, as an engine that knows it reports it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

Box = tuple[float, float, float, float]  # x1, y1, x2, y2 in pixels, half-open, y down
Point2 = tuple[float, float]
Point3 = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]  # w, x, y, z
Aspect = Literal["green", "amber", "red"]


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

    ``mask`` is the visible pixels as COCO's compressed RLE of the whole frame. ``rotation`` is the quaternion
    (w, x, y, z) that turns the body's own axes (x right, y forward, z up) into the world's; with the track's ``size_m``
    and ``position_m``, the point on the ground below the middle, it makes the 3D box. ``lane`` is the lane that the
    body follows, ``signal`` what the traffic light shows to that lane. ``ttc_s`` is the time to collision with the
    incident's other side at present speeds, None where they are on no collision course.
    """

    frame: int
    visible_box: Box | None
    amodal_box: Box | None
    occlusion: float
    position_m: Point3
    heading_deg: float
    speed_mps: float
    velocity_mps: Point3 | None = None
    rotation: Quaternion | None = None
    mask: str | None = None
    brake_lamps: bool | None = None
    indicator: Literal["off", "left", "right", "hazard"] | None = None
    lane: str | None = None
    signal: Aspect | None = None
    ttc_s: float | None = None


class TrackSummary(_Summary):
    track_id: int
    type: str
    colour: str | None
    role: str


class Track(_Record, TrackSummary):
    """``size_m`` is length, width and height; ``delta_v_kmh`` the largest change of velocity in one contact; ``parked``
    bodies stand beside the traffic all the time; an ``emergency`` vehicle has its beacons on."""

    frames: list[TrackFrame]
    size_m: Point3 | None = None
    mass_kg: float | None = None
    delta_v_kmh: float | None = None
    parked: bool = False
    emergency: bool = False


class ContactSummary(_Summary):
    frame: int


class Contact(_Record, ContactSummary):
    """Two tracks touching, or one track and a thing that stands (``thing``: barrier, pole, tree, building …), from the
    first frame on that shows it. ``impulse_ns`` in newton-seconds, ``normal`` its direction on the first track;
    ``delta_v_kmh`` the change of velocity of each track in this contact."""

    time_s: float
    tracks: tuple[int, ...]
    point_m: Point3
    point_px: Point2 | None
    impulse_ns: float
    thing: str | None = None
    normal: Point3 | None = None
    closing_speed_kmh: float | None = None
    delta_v_kmh: tuple[float, ...] | None = None


class CameraModel(_Record):
    """Pinhole camera: ``intrinsics`` 3×3 in pixels, ``world_to_camera`` 4×4 (x right, y down, z forward).

    ``distortion`` holds OpenCV's k1, k2, p1, p2 for the lens (x right, y down, both over depth); empty for none. The
    road is the plane z = 0, so that every pixel of it can be placed. ``shifts_px``: of a camera that shakes, by how
    much each frame lies to the right of and below the picture that the matrices describe; empty where it does not.
    """

    intrinsics: list[list[float]]
    world_to_camera: list[list[float]]
    width_px: int
    height_px: int
    distortion: list[float] = []
    shifts_px: list[Point2] = []


class Phase(_Record):
    """A stretch of the clip, frames half-open: ``before`` (nothing can be seen coming), ``conflict`` (it can),
    ``impact`` (bodies strike each other), ``after``. Clips in which nothing goes wrong have ``before`` and, where their
    words name an event, ``event``.
    """

    name: Literal["before", "conflict", "impact", "after", "event"]
    start: int
    end: int


class SignalTruth(_Record):
    """One traffic light: where its lowest lamp is, which lanes it governs, and what it shows from which frame on."""

    position_m: Point3
    lanes: list[str]
    changes: list[tuple[int, Aspect]]


class AnnotationSummary(_Summary):
    """What happened in a clip, without the frames of the tracks. Reading it is several times as fast.

    Frame windows are half-open: ``[anomaly_start, anomaly_end)``. ``accident_frame`` is the first frame at or after
    first contact, None when nothing touched. ``anomaly_start`` is the first frame in which the incident can be seen
    coming, ``anomaly_end`` the first in which it is over; both None in normal traffic. ``impact_box`` encloses the
    crash's participants at ``accident_frame``; ``impact_point`` is where they touched.

    What is known beyond that, in the words of ``taxonomy``: ``collision_type`` by the geometry of the first contact,
    ``cause`` the error that led to it, ``severity`` by ``delta_v_kmh``, the largest change of velocity of a vehicle
    (where only a person or rider is struck: the speed at which they are struck); ``aftermaths`` all words that hold;
    ``quality`` of the picture in ACCIDENT's words.
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
    collision_type: str | None = None
    cause: str | None = None
    severity: str | None = None
    delta_v_kmh: float | None = None
    rollover: bool | None = None
    aftermaths: list[str] | None = None
    quality: str | None = None
    phases: list[Phase] = []


class Annotations(_Record, AnnotationSummary):
    """What happened in a clip, frame by frame."""

    tracks: list[Track]
    contacts: list[Contact]
    signals: list[SignalTruth] = []
