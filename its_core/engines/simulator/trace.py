"""What a simulated run leaves behind: the poses, contacts and damage that renderer and ground truth read.

Axes: metres, x east, y north, z up. A body's own frame: x right, y forward, z up, origin on the ground under the
middle of the body at rest. Quaternions are (w, x, y, z), body to world. Actors are numbered from 0 in a trace, the
vehicles before the people; their ``track_id`` is another number, drawn so that it says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm
from its_core.taxonomy import Colour, ParticipantType, Role

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Actor:
    """A vehicle with its driver, or a pedestrian; ``look`` varies what the seed leaves open (clothes, wear, load).
    ``works``: of road works, as its paint or vest shows."""

    track_id: int
    type: ParticipantType
    colour: Colour
    role: Role
    look: int = 0
    emergency: bool = False
    parked: bool = False
    works: bool = False


@dataclass(frozen=True, slots=True)
class TraceContact:
    """First touch of two actors, or of one and a thing that stands. ``time_s`` counts from frame 0; ``frame`` is the
    first one at or after it. ``normal`` is the direction in which the first is pushed. ``delta_v_mps`` of each actor:
    how much the contact changed its velocity."""

    time_s: float
    frame: int
    numbers: tuple[int, ...]
    thing: str | None
    point_m: tuple[float, float, float]
    normal: tuple[float, float, float]
    impulse_ns: float
    closing_mps: float
    delta_v_mps: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Dent:
    """Crumpled bodywork: from ``frame`` on, vertices within ``radius_m`` of ``point_m`` give way by up to ``depth_m``
    along ``direction`` (unit vector). Point and direction are in the frame of the actor's body, or of its trailer."""

    frame: int
    number: int
    point_m: tuple[float, float, float]
    direction: tuple[float, float, float]
    depth_m: float
    radius_m: float
    trailer: bool = False


@dataclass(frozen=True, slots=True)
class Trace:
    """F frames of N actors, the first V of them vehicles.

    positions F×N×3 metres; rotations F×N×4 quaternions; velocities F×N×3 m/s. Vehicles: steer F×N radians (front
    wheels, positive to the left), spin F×N radians (wheel angle, grows when rolling forward), suspension F×N×4 metres
    (wheel travel from rest, positive up; order front-left, front-right, rear-left, rear-right), braking F×N bool (brake
    lamps), indicator F×N int8 (−1 left, 0 off, +1 right, 2 hazards), sliding F×N bool (the tyres leave marks), lane F×V
    (number of the way that is followed). Pedestrians: stride F×N radians (walking phase; falls when stepping back),
    startle F×N in 0..1 (how it shows: ``meshes.frights``), heading F×N radians. ``trailers``: F×7 place and rotation of
    an actor's trailer. ``limbs``: F×7×7 of a person who has fallen (NaN before), in the order of
    ``physics.limp_body.LIMBS``. signals F×S int8: 0 green, 1 amber, 2 red, in the order of the layout's signal heads.
    """

    fps: int
    actors: tuple[Actor, ...]
    vehicles: int
    positions: Floats
    rotations: Floats
    velocities: Floats
    steer: Floats
    spin: Floats
    suspension: Floats
    braking: NDArray[np.bool_]
    indicator: NDArray[np.int8]
    sliding: NDArray[np.bool_]
    lane: NDArray[np.int64]
    stride: Floats
    startle: Floats
    signals: NDArray[np.int8]
    contacts: tuple[TraceContact, ...]
    dents: tuple[Dent, ...]
    trailers: Mapping[int, Floats] = field(default_factory=dict)
    limbs: Mapping[int, Floats] = field(default_factory=dict)

    speeds: Floats = field(init=False, repr=False)  # F×N m/s over the ground

    def __post_init__(self) -> None:
        object.__setattr__(self, "speeds", np.asarray(pm.norm(self.velocities[..., :2])))


def forward(trace: Trace, frame: int, number: int) -> Floats:
    """Where an actor's front points, x and y."""
    w, x, y, z = trace.rotations[frame, number]
    ahead = np.array([2 * (x * y - w * z), 1 - 2 * (x * x + z * z)])
    return np.asarray(ahead / max(float(pm.norm(ahead)), 1e-9))


def upright(trace: Trace, frame: int, number: int) -> float:
    """The cosine of an actor's lean: 1 upright, −1 upside down."""
    _, x, y, _ = trace.rotations[frame, number]
    return float(1 - 2 * (x * x + y * y))
