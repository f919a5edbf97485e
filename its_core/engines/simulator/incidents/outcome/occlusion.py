"""What hides what from a camera: boxes in place of vehicles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.dimensions import VEHICLES
from its_core.engines.simulator.meshes.car_shapes import SHAPES
from its_core.engines.simulator.portable_math import dot
from its_core.taxonomy import ParticipantType

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Box:
    """A vehicle or a trailer: its middle on the ground, where its front points, and its sizes in metres."""

    number: int
    at: Floats
    ahead: tuple[float, float]
    length_m: float
    width_m: float
    low_m: float
    height_m: float


def vehicle_boxes(number: int, type_: ParticipantType, at: Floats, ahead: tuple[float, float]) -> list[Box]:
    """A vehicle as what can hide something: one box, or of a car its lower body and its cabin."""
    body = VEHICLES[type_]
    if type_ not in SHAPES:
        return [Box(number, at, ahead, body.length_m, body.width_m, 0.0, body.height_m)]
    house = SHAPES[type_].greenhouse
    front_m, rear_m = (house.base[0] + house.top[0]) / 2, (house.base[1] + house.top[1]) / 2
    middle_m = (front_m + rear_m) / 2
    cabin = at + middle_m * np.array([ahead[0], ahead[1], 0.0])
    return [
        Box(number, at, ahead, body.length_m, body.width_m, 0.0, body.belt_m),
        Box(number, cabin, ahead, front_m - rear_m, body.width_m, 0.0, body.height_m),
    ]


def box_hides(box: Box, eye: Floats, points: Floats) -> NDArray[np.bool_]:
    """Which of N points lie behind a box, seen from the eye."""
    fx, fy = box.ahead
    axes = np.array([[fy, -fx, 0.0], [fx, fy, 0.0], [0.0, 0.0, 1.0]])
    start = dot(axes, eye - box.at)
    towards = np.stack([dot(axes, point - eye) for point in points])
    low = np.array([-box.width_m / 2, -box.length_m / 2, box.low_m])
    high = np.array([box.width_m / 2, box.length_m / 2, box.height_m])
    safe = np.where(np.abs(towards) < 1e-9, 1e-9, towards)
    a, b = (low - start) / safe, (high - start) / safe
    enter, leave = np.minimum(a, b).max(axis=1), np.maximum(a, b).min(axis=1)
    return np.asarray((enter < leave) & (leave > 0.0) & (enter < 0.995))
