"""What runs are judged by, from their traces alone: distances between bodies, how hard somebody braked or swerved."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.dimensions import PEDESTRIAN_RADIUS_M, VEHICLES
from its_core.engines.simulator.simulation.overlaps import overlapping, rectangles_apart_m
from its_core.engines.simulator.simulation.rails import set_body
from its_core.engines.simulator.trace import Trace, forward
from its_core.engines.simulator.traffic.perception import Bodies
from its_core.taxonomy import ParticipantType

Floats = NDArray[np.float64]

SMOOTH_S = 0.25
CORNER_M = 0.1  # by which the corners of real bodies are rounded off


def apart_m(trace: Trace, a: int, b: int) -> Floats:
    """F: free ground between two actors' rectangles (trailers left out)."""
    found = np.empty(len(trace.positions))
    bodies = Bodies.of(2)
    for frame in range(len(found)):
        for i, number in enumerate((a, b)):
            _put_body(bodies, i, trace, frame, number)
        found[frame] = rectangles_apart_m(bodies, 0, 1)
    return found


def overlaps_at(trace: Trace, frame: int, margin_m: float) -> list[tuple[int, int]]:
    """Pairs of actors whose rectangles come nearer than a margin in a frame (trailers, and people among themselves,
    left out)."""
    bodies = Bodies.of(len(trace.actors))
    for number, actor in enumerate(trace.actors):
        _put_body(bodies, number, trace, frame, number)
        bodies.unit[number] = number
        bodies.walks[number] = actor.type is ParticipantType.PEDESTRIAN
    return overlapping(bodies, margin_m)


def passes_through(trace: Trace) -> bool:
    """Whether two bodies overlap before anything touched: vehicles on rails that did not see each other."""
    until = trace.contacts[0].frame - 1 if trace.contacts else len(trace.positions)
    return any(overlaps_at(trace, frame, -CORNER_M) for frame in range(max(until, 0)))


def _put_body(bodies: Bodies, i: int, trace: Trace, frame: int, number: int) -> None:
    x, y, _ = (float(value) for value in trace.positions[frame, number])
    vx, vy, _ = (float(value) for value in trace.velocities[frame, number])
    type_ = trace.actors[number].type
    if type_ is ParticipantType.PEDESTRIAN:
        radius = PEDESTRIAN_RADIUS_M
        set_body(bodies, i, (x, y), (vx, vy), (0.0, 1.0), (radius, radius), radius)
        return
    fx, fy = (float(value) for value in forward(trace, frame, number))
    size = VEHICLES[type_]
    set_body(bodies, i, (x, y), (vx, vy), (fx, fy), (size.length_m / 2, size.length_m / 2), size.width_m / 2)


def hardest_braking_mps2(trace: Trace, number: int, start: int, end: int) -> float:
    """The strongest loss of speed over a quarter of a second, between two frames."""
    speeds = trace.speeds[:, number]
    over = max(round(SMOOTH_S * trace.fps), 1)
    window = speeds[max(start - over, 0) : end]
    if len(window) <= over:
        return 0.0
    return float((window[:-over] - window[over:]).max() * trace.fps / over)


def closing_mps(trace: Trace, a: int, b: int) -> Floats:
    """F: how fast two actors' middles come nearer to each other."""
    offset = trace.positions[:, b, :2] - trace.positions[:, a, :2]
    moving = trace.velocities[:, b, :2] - trace.velocities[:, a, :2]
    length = np.maximum(np.asarray(pm.norm(offset)), 1e-6)
    return np.asarray(-(offset * moving).sum(axis=1) / length)


def swerved_m(asides: Floats, start: int, end: int) -> float:
    """How far a vehicle moved sideways between two frames."""
    window = asides[max(start, 0) : end]
    return float(window.max() - window.min()) if len(window) else 0.0
