"""What a simulated run leaves behind: the poses, contacts and damage that renderer and ground truth read.

Axes: metres, x east, y north, z up. A body's own frame: x right, y forward, z up, origin on the ground under the
middle of the body at rest. Quaternions are (w, x, y, z), body to world.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm
from its_core.taxonomy import Colour, ParticipantType, Role

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Actor:
    """A vehicle or pedestrian; actor number i of a trace has ``track_id`` i + 1."""

    track_id: int
    type: ParticipantType
    colour: Colour
    role: Role


@dataclass(frozen=True, slots=True)
class TraceContact:
    """First touch of two actors. ``time_s`` counts from frame 0; ``frame`` is the first one at or after it."""

    time_s: float
    frame: int
    tracks: tuple[int, int]
    point_m: tuple[float, float, float]
    impulse_ns: float


@dataclass(frozen=True, slots=True)
class Dent:
    """Crumpled bodywork: from ``frame`` on, vertices within ``radius_m`` of ``point_m`` give way by up to ``depth_m``
    along ``direction`` (unit vector). Point and direction are in the actor's own frame."""

    frame: int
    track_id: int
    point_m: tuple[float, float, float]
    direction: tuple[float, float, float]
    depth_m: float
    radius_m: float


@dataclass(frozen=True, slots=True)
class Trace:
    """F frames of N actors.

    positions F×N×3 metres; rotations F×N×4 quaternions; speeds F×N m/s. Vehicles: steer F×N radians (front wheels,
    positive to the left), spin F×N radians (wheel angle, grows when rolling forward), suspension F×N×4 metres (wheel
    travel from rest, positive up; order front-left, front-right, rear-left, rear-right), braking F×N bool (brake
    lamps), indicator F×N int8 (−1 left, 0 off, +1 right). Pedestrians: stride F×N radians (walking phase; constant
    while standing), startle F×N in 0..1 (arms up, leaning away). signals F×S int8: 0 green, 1 amber, 2 red, in the
    order of the layout's signal heads.
    """

    fps: int
    actors: tuple[Actor, ...]
    positions: Floats
    rotations: Floats
    speeds: Floats
    steer: Floats
    spin: Floats
    suspension: Floats
    braking: NDArray[np.bool_]
    indicator: NDArray[np.int8]
    stride: Floats
    startle: Floats
    signals: NDArray[np.int8]
    contacts: tuple[TraceContact, ...]
    dents: tuple[Dent, ...]


def forward(trace: Trace, frame: int, number: int) -> Floats:
    """Where an actor's front points, x and y."""
    w, x, y, z = trace.rotations[frame, number]
    ahead = np.array([2 * (x * y - w * z), 1 - 2 * (x * x + z * z)])
    return np.asarray(ahead / max(float(pm.norm(ahead)), 1e-9))
