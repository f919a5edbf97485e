"""How near a vehicle and a person come to each other, in metres and in seconds."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import kernel
from its_core.engines.simulator.dimensions import PEDESTRIAN_RADIUS_M
from its_core.engines.simulator.roads.network import Ways, nearest_on, place_on

Floats = NDArray[np.float64]

LOOK_S = 3.0
STEP_S = 0.05
SLOWEST_MPS = 2.5  # a slower vehicle threatens nobody
TRUSTED_MPS2 = 3.0  # people do not count on a driver's braking harder than this


def gap_m(position: Floats, forward: Floats, half: Floats, person: Floats) -> float:
    """Free ground between a vehicle's rectangle (``half``: half length, half width) and a person's circle; 0 when
    they touch."""
    offset = person - position
    along = abs(float(offset[0] * forward[0] + offset[1] * forward[1])) - float(half[0])
    aside = abs(float(forward[0] * offset[1] - forward[1] * offset[0])) - float(half[1])
    ahead, beside = max(along, 0.0), max(aside, 0.0)
    return max(math.sqrt(ahead * ahead + beside * beside) - PEDESTRIAN_RADIUS_M, 0.0)


@kernel
def reaches_s(
    ways: Ways, way: int, s_m: float, aside_m: float, front_m: float, rear_m: float, half_m: float, speed: float,
    acceleration: float, x: float, y: float, vx: float, vy: float,
) -> tuple[float, float, tuple[float, float]]:  # fmt: skip
    """Seconds until a vehicle reaches a person when both go on as they do, infinite when it would not within
    ``LOOK_S``; how far left of the vehicle's line the person is now, and the unit vector along the way there.

    The vehicle keeps to its way, ``aside_m`` left of its middle, at its speed (changing by ``acceleration``, not below
    a standstill); the person walks straight on; ``half_m`` is half the vehicle's width and the person's radius. This is
    the time to collision of surrogate safety studies, along a curved path.
    """
    _, beside, tx, ty = nearest_on(ways, way, x, y, s_m - rear_m - 2.0, s_m + speed * LOOK_S + front_m + 8.0)
    steps = int(LOOK_S / STEP_S)
    for step in range(steps):
        t = step * STEP_S
        moving = t
        if acceleration < 0.0:
            moving = min(t, -speed / acceleration)
        driven = s_m + speed * moving + 0.5 * acceleration * moving * moving
        at, off, _, _ = nearest_on(ways, way, x + vx * t, y + vy * t, driven - rear_m - 3.0, driven + front_m + 3.0)
        if abs(off - aside_m) < half_m and driven - rear_m < at < driven + front_m + PEDESTRIAN_RADIUS_M:
            return t, beside - aside_m, (tx, ty)
    return np.inf, beside - aside_m, (tx, ty)


@kernel
def first_to_reach(
    ways: Ways, drivers: NDArray[np.void], x: float, y: float, vx: float, vy: float, near_m: float
) -> tuple[float, float, tuple[float, float], float]:  # fmt: skip
    """Of drivers (``driver_record.DRIVER``) the one within ``near_m`` that reaches a person first: ``reaches_s``, and
    half its width and a person's radius. Infinite where none does."""
    first_s, first_beside, first_tangent, first_half = np.inf, 0.0, (0.0, 0.0), 0.0
    for i in range(len(drivers)):
        other = drivers[i]
        if other.speed < SLOWEST_MPS:
            continue
        way, s_m, aside_m, front_m, rear_m = int(other.way), other.s_m, other.aside_m, other.front_m, other.rear_m
        half_m, speed = other.half_width_m + PEDESTRIAN_RADIUS_M, other.speed
        acceleration = min(max(other.acceleration, -TRUSTED_MPS2), 0.0)
        at_x, at_y, tx, ty = place_on(ways, way, s_m, aside_m)
        dx, dy = x - at_x, y - at_y
        if dx * dx + dy * dy > near_m * near_m or dx * tx + dy * ty < -1.0:
            continue
        reach_s, beside, tangent = reaches_s(
            ways, way, s_m, aside_m, front_m, rear_m, half_m, speed, acceleration, x, y, vx, vy
        )
        if reach_s < first_s:
            first_s, first_beside, first_tangent, first_half = reach_s, beside, tangent, half_m
    return first_s, first_beside, first_tangent, first_half
