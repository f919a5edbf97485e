"""Steering by pure pursuit (Coulter, CMU-RI-TR-92-01): towards a point of the way some metres ahead."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import inline, kernel
from its_core.engines.simulator.portable_math import atan2_scalar
from its_core.engines.simulator.roads.network import Ways, place_on

Floats = NDArray[np.float64]

STEER_LIMIT_RAD = 0.62
STEER_RATE_RADPS = 0.9


@inline
def ahead_m(speed: float, wheelbase_m: float) -> float:
    """How far ahead of the rear axle drivers look."""
    return min(max(0.75 * speed, 1.0 + 1.2 * wheelbase_m), 16.0 + wheelbase_m)


@kernel
def pursuits_rad(ways: Ways, drivers: NDArray[np.void], bodies: Floats) -> Floats:
    """The steering angle of each driver's vehicle, left positive, wherever it is (rows of ``Bodies.table``)."""
    x, y, _, _, fx, fy, _, _, _ = bodies
    found = np.zeros(len(drivers))
    for i in range(len(drivers)):
        me = drivers[i]
        wheelbase_m = me.wheelbase_m
        rear_x, rear_y = x[i] - fx[i] * wheelbase_m / 2, y[i] - fy[i] * wheelbase_m / 2
        at_m = me.s_m - wheelbase_m / 2 + ahead_m(me.speed, wheelbase_m)
        to_x, to_y, _, _ = place_on(ways, int(me.way), at_m, me.soon_m)
        dx, dy = to_x - rear_x, to_y - rear_y
        sine = (fx[i] * dy - fy[i] * dx) / max(dx * dx + dy * dy, 1.0)
        found[i] = atan2_scalar(2.0 * wheelbase_m * sine, 1.0)
    return found
