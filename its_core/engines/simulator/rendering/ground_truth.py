"""From a run, its camera and the rendered frames' boxes to the annotations that are published."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from its_core.annotations import Annotations, Box, Contact, Point2, Point3, Track, TrackFrame
from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.trace import Trace, TraceContact, forward


class SeenActors(Protocol):
    """What rendering a frame tells of the N actors: boxes in pixels (None as in ``annotations.TrackFrame``),
    occlusion 0 to 1."""

    @property
    def visible_box(self) -> Sequence[Box | None]: ...
    @property
    def amodal_box(self) -> Sequence[Box | None]: ...
    @property
    def occlusion(self) -> Sequence[float]: ...


def annotated(
    trace: Trace,
    camera: Camera,
    seen: Sequence[SeenActors],
    participants: Sequence[int],
    anomaly: tuple[int | None, int | None],
) -> Annotations:
    """``seen`` has one entry a frame; ``participants`` are the numbers (from 0) of the incident's actors;
    ``anomaly`` is its window of frames, half-open."""
    frames, fps = len(trace.positions), trace.fps
    if len(seen) != frames:
        raise ValueError(f"{len(seen)} rendered frames for a trace of {frames}")
    contacts = [_contact(contact, camera) for contact in trace.contacts if contact.frame < frames]
    impact = contacts[0] if contacts else None
    box = None
    if impact is not None:
        box = _around([seen[impact.frame].visible_box[i] for i in participants], camera)
    return Annotations(
        source="simulated",
        fps=fps,
        frames=frames,
        camera=camera.model(),
        tracks=[_track(trace, number, seen) for number in range(len(trace.actors))],
        contacts=contacts,
        accident_frame=None if impact is None else impact.frame,
        accident_time_s=None if impact is None else impact.time_s,
        anomaly_start=anomaly[0],
        anomaly_end=anomaly[1],
        impact_point=None if impact is None else impact.point_px,
        impact_box=box,
    )


def _track(trace: Trace, number: int, seen: Sequence[SeenActors]) -> Track:
    actor = trace.actors[number]
    frames = [
        TrackFrame(
            frame=frame,
            visible_box=picture.visible_box[number],
            amodal_box=picture.amodal_box[number],
            occlusion=float(picture.occlusion[number]),
            position_m=_point3(trace.positions[frame, number]),
            heading_deg=_heading_deg(trace, frame, number),
            speed_mps=round(float(trace.speeds[frame, number]), 4),
        )
        for frame, picture in enumerate(seen)
    ]
    return Track(
        track_id=actor.track_id,
        type=actor.type.value,
        colour=actor.colour.value,
        role=actor.role.value,
        frames=frames,
    )


def _contact(contact: TraceContact, camera: Camera) -> Contact:
    x, y, depth = (float(value) for value in camera.project(np.array([contact.point_m]))[0])
    point_px: Point2 | None = None
    if depth > 0 and 0 <= x < camera.width_px and 0 <= y < camera.height_px:
        point_px = (round(x, 2), round(y, 2))
    return Contact(
        frame=contact.frame,
        time_s=round(contact.time_s, 6),
        tracks=contact.tracks,
        point_m=_point3(contact.point_m),
        point_px=point_px,
        impulse_ns=round(contact.impulse_ns, 1),
    )


def _point3(point: Sequence[float] | NDArray[np.float64]) -> Point3:
    x, y, z = (round(float(value), 4) for value in point)
    return x, y, z


def _heading_deg(trace: Trace, frame: int, number: int) -> float:
    """Counter-clockwise from north, −180 to 180."""
    x, y = forward(trace, frame, number)
    return round(math.degrees(pm.atan2(-x, y)), 3)


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
