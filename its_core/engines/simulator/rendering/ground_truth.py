"""From a run, its camera and the rendered frames' boxes to the annotations that are published."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from its_core.annotations import (
    Annotations,
    Aspect,
    Box,
    Contact,
    Phase,
    Point2,
    Point3,
    SignalTruth,
    Track,
    TrackFrame,
)
from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.dimensions import (
    PEDESTRIAN_HEIGHT_M,
    PEDESTRIAN_MASS_KG,
    PEDESTRIAN_RADIUS_M,
    VEHICLES,
)
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.roads.layouts import Layout
from its_core.engines.simulator.roads.network import Network
from its_core.engines.simulator.simulation.population import mass_kg
from its_core.engines.simulator.trace import Trace, TraceContact
from its_core.taxonomy import Aftermath, Cause, CollisionType, ParticipantType, Severity

Indicator = Literal["off", "left", "right", "hazard"]
_ASPECTS: tuple[Aspect, ...] = ("green", "amber", "red")
_INDICATORS: dict[int, Indicator] = {0: "off", -1: "left", 1: "right", 2: "hazard"}
_LONGEST_TTC_S = 6.0


class SeenActors(Protocol):
    """What rendering a frame tells of the N actors: boxes in pixels (None as in ``annotations.TrackFrame``),
    occlusion 0 to 1."""

    @property
    def visible_box(self) -> Sequence[Box | None]: ...
    @property
    def amodal_box(self) -> Sequence[Box | None]: ...
    @property
    def occlusion(self) -> Sequence[float]: ...


@dataclass(frozen=True, slots=True)
class Story:
    """What judges know of a run. ``pair``: the numbers of the incident's two sides, empty where nothing goes wrong;
    ``anomaly`` its window of frames, half-open; ``aftermaths`` all words that hold; ``phases`` in order."""

    pair: tuple[int, ...]
    anomaly: tuple[int | None, int | None]
    collision: CollisionType | None
    cause: Cause | None
    severity: Severity | None
    delta_v_kmh: float | None
    rollover: bool
    aftermaths: tuple[Aftermath, ...]
    phases: tuple[Phase, ...]


def annotated(
    trace: Trace,
    layout: Layout,
    roads: Network,
    camera: Camera,
    seen: Sequence[SeenActors],
    story: Story,
    shifts_px: NDArray[np.float64] | None = None,
) -> Annotations:
    """``seen`` has one entry a frame; ``shifts_px`` F×2: how far each picture lies from the camera at rest."""
    frames, fps = len(trace.positions), trace.fps
    if len(seen) != frames:
        raise ValueError(f"{len(seen)} rendered frames for a trace of {frames}")
    known = [contact for contact in trace.contacts if contact.frame < frames]
    shifts = np.zeros((frames, 2)) if shifts_px is None else shifts_px
    contacts = [_contact(contact, trace, camera, shifts[contact.frame]) for contact in known]
    impact = contacts[0] if contacts else None
    box = None
    if impact is not None:
        struck = sorted({*known[0].numbers, *story.pair})
        box = _around([seen[impact.frame].visible_box[i] for i in struck], camera)
    nearing = _times_to_collision(trace, story.pair)
    return Annotations(
        source="simulated",
        fps=fps,
        frames=frames,
        camera=camera.model(() if shifts_px is None else shifts_px.tolist()),
        tracks=[_track(trace, roads, number, seen, nearing) for number in range(len(trace.actors))],
        contacts=contacts,
        accident_frame=None if impact is None else impact.frame,
        accident_time_s=None if impact is None else impact.time_s,
        anomaly_start=story.anomaly[0],
        anomaly_end=story.anomaly[1],
        impact_point=None if impact is None else impact.point_px,
        impact_box=box,
        collision_type=_word(story.collision),
        cause=_word(story.cause),
        severity=_word(story.severity),
        delta_v_kmh=None if story.delta_v_kmh is None else round(story.delta_v_kmh, 2),
        rollover=story.rollover,
        aftermaths=[word.value for word in story.aftermaths],
        phases=list(story.phases),
        signals=_signals(trace, layout),
    )


def _word(word: CollisionType | Cause | Severity | None) -> str | None:
    return None if word is None else word.value


def _track(
    trace: Trace,
    roads: Network,
    number: int,
    seen: Sequence[SeenActors],
    nearing: dict[int, NDArray[np.float64]],
) -> Track:
    actor = trace.actors[number]
    drives = number < trace.vehicles
    changes = [contact.delta_v_mps[contact.numbers.index(number)] for contact in _touched(trace, number)]
    # Python's own numbers: to take them one by one out of arrays costs as much as all the rest.
    positions, velocities = trace.positions[:, number].tolist(), trace.velocities[:, number].tolist()
    rotations, speeds = trace.rotations[:, number].tolist(), trace.speeds[:, number].tolist()
    headings = _headings_deg(trace, number)
    frames = []
    for frame, picture in enumerate(seen):
        lane = roads.lanes[int(trace.lane[frame, number])] if drives and trace.lane[frame, number] >= 0 else None
        head = None if lane is None else lane.signal
        ttc = float(nearing[number][frame]) if number in nearing else math.inf
        frames.append(
            TrackFrame(
                frame=frame,
                visible_box=picture.visible_box[number],
                amodal_box=picture.amodal_box[number],
                occlusion=float(picture.occlusion[number]),
                position_m=_point3(positions[frame]),
                heading_deg=headings[frame],
                speed_mps=round(speeds[frame], 4),
                velocity_mps=_point3(velocities[frame]),
                rotation=_quaternion(rotations[frame]),
                brake_lamps=bool(trace.braking[frame, number]) if drives else None,
                indicator=_INDICATORS[int(trace.indicator[frame, number])] if drives else None,
                lane=None if lane is None else lane.name,
                signal=None if head is None else _ASPECTS[int(trace.signals[frame, head])],
                ttc_s=None if ttc == math.inf else round(ttc, 3),
            )
        )
    return Track(
        track_id=actor.track_id,
        type=actor.type.value,
        colour=actor.colour.value,
        role=actor.role.value,
        frames=frames,
        size_m=_size_m(actor.type),
        mass_kg=PEDESTRIAN_MASS_KG if not drives else mass_kg(actor.type),
        delta_v_kmh=round(3.6 * max(changes), 2) if changes else None,
        parked=actor.parked,
        emergency=actor.emergency,
    )


def _touched(trace: Trace, number: int) -> list[TraceContact]:
    frames = len(trace.positions)
    return [contact for contact in trace.contacts if number in contact.numbers and contact.frame < frames]


def _size_m(type_: ParticipantType) -> Point3:
    """Length, width and height; of an articulated truck those of the tractor."""
    if type_ is ParticipantType.PEDESTRIAN:
        return 2 * PEDESTRIAN_RADIUS_M, 2 * PEDESTRIAN_RADIUS_M, PEDESTRIAN_HEIGHT_M
    body = VEHICLES[type_]
    return body.length_m, body.width_m, body.height_m


def _contact(contact: TraceContact, trace: Trace, camera: Camera, shift: NDArray[np.float64]) -> Contact:
    x, y, depth = (float(value) for value in camera.project(np.array([contact.point_m]))[0])
    x, y = x + float(shift[0]), y + float(shift[1])
    point_px: Point2 | None = None
    if depth > 0 and 0 <= x < camera.width_px and 0 <= y < camera.height_px:
        point_px = (round(x, 2), round(y, 2))
    return Contact(
        frame=contact.frame,
        time_s=round(contact.time_s, 6),
        tracks=tuple(trace.actors[number].track_id for number in contact.numbers),
        point_m=_point3(contact.point_m),
        point_px=point_px,
        impulse_ns=round(contact.impulse_ns, 1),
        thing=contact.thing,
        normal=_point3(contact.normal),
        closing_speed_kmh=round(3.6 * contact.closing_mps, 2),
        delta_v_kmh=tuple(round(3.6 * value, 2) for value in contact.delta_v_mps),
    )


def _signals(trace: Trace, layout: Layout) -> list[SignalTruth]:
    """Every traffic light, and what it shows from which frame on."""
    found = []
    for number, head in enumerate(layout.signals):
        aspects = trace.signals[:, number].tolist()
        changes = [(0, _ASPECTS[aspects[0]])]
        changes += [(i, _ASPECTS[b]) for i, (a, b) in enumerate(pairwise(aspects), 1) if a != b]
        lanes = [lane.name for lane in layout.lanes if lane.signal == number]
        found.append(SignalTruth(position_m=_point3(head.position_m), lanes=lanes, changes=changes))
    return found


def _times_to_collision(trace: Trace, pair: tuple[int, ...]) -> dict[int, NDArray[np.float64]]:
    """Of the incident's two sides, by frame: seconds until their middles are as near as their half lengths, going on
    as they do; infinite where they would not be within six."""
    if len(pair) != 2:
        return {}
    a, b = pair
    reach = sum(_size_m(trace.actors[number].type)[0] for number in pair) / 2
    offset = trace.positions[:, b, :2] - trace.positions[:, a, :2]
    moving = trace.velocities[:, b, :2] - trace.velocities[:, a, :2]
    square = moving[:, 0] * moving[:, 0] + moving[:, 1] * moving[:, 1]
    along = offset[:, 0] * moving[:, 0] + offset[:, 1] * moving[:, 1]
    apart = offset[:, 0] * offset[:, 0] + offset[:, 1] * offset[:, 1] - reach * reach
    root = along * along - square * apart
    meets = (root > 0.0) & (along < 0.0) & (square > 1e-6)
    time = (-along - np.sqrt(np.where(meets, root, 0.0))) / np.where(meets, square, 1.0)
    time = np.where(meets, np.maximum(time, 0.0), np.inf)
    time[time > _LONGEST_TTC_S] = np.inf
    return {a: time, b: time}


def _point3(point: Sequence[float] | NDArray[np.float64]) -> Point3:
    x, y, z = point
    return round(float(x), 4), round(float(y), 4), round(float(z), 4)


def _quaternion(rotation: Sequence[float]) -> tuple[float, float, float, float]:
    w, x, y, z = rotation
    return round(w, 5), round(x, 5), round(y, 5), round(z, 5)


def _headings_deg(trace: Trace, number: int) -> list[float]:
    """By frame, counter-clockwise from north, −180 to 180."""
    w, x, y, z = trace.rotations[:, number].T
    ahead = np.stack([2 * (x * y - w * z), 1 - 2 * (x * x + z * z)], axis=1)
    ahead = ahead / np.maximum(pm.norm(ahead), 1e-9)[:, None]
    return [round(math.degrees(angle), 3) for angle in pm.atan2(-ahead[:, 0], ahead[:, 1]).tolist()]


def _around(boxes: Sequence[Box | None], camera: Camera) -> Box | None:
    """The box around those that show, clipped to the frame; None when none shows."""
    shown = [box for box in boxes if box is not None]
    if not shown:
        return None
    return (
        max(min(box[0] for box in shown), 0.0),
        max(min(box[1] for box in shown), 0.0),
        min(max(box[2] for box in shown), float(camera.width_px)),
        min(max(box[3] for box in shown), float(camera.height_px)),
    )
