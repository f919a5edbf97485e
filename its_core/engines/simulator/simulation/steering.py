"""Steering by pure pursuit (Coulter, CMU-RI-TR-92-01): towards a point of the way some metres ahead."""

from __future__ import annotations

from its_core.engines.simulator.compilation import inline, kernel
from its_core.engines.simulator.portable_math import atan2_scalar
from its_core.engines.simulator.roads.network import Ways, place_on

STEER_LIMIT_RAD = 0.62
STEER_RATE_RADPS = 0.9


SEES_AHEAD_S = 0.4  # drivers steer for where they mean to be so much later


@inline
def ahead_m(speed: float, wheelbase_m: float) -> float:
    """How far ahead of the rear axle drivers look."""
    return min(max(0.75 * speed, 1.0 + 1.2 * wheelbase_m), 16.0 + wheelbase_m)


@kernel
def pursuit_rad(
    ways: Ways, way: int, s_m: float, x: float, y: float, fx: float, fy: float, speed: float, aside_m: float,
    wheelbase_m: float,
) -> float:  # fmt: skip
    """The steering angle of a vehicle whose middle is at (x, y), facing (fx, fy), ``s_m`` along a way; left
    positive."""
    rear_x, rear_y = x - fx * wheelbase_m / 2, y - fy * wheelbase_m / 2
    ahead = ahead_m(speed, wheelbase_m)
    to_x, to_y, _, _ = place_on(ways, way, s_m - wheelbase_m / 2 + ahead, aside_m)
    dx, dy = to_x - rear_x, to_y - rear_y
    sine = (fx * dy - fy * dx) / max(dx * dx + dy * dy, 1.0)
    return atan2_scalar(2.0 * wheelbase_m * sine, 1.0)
