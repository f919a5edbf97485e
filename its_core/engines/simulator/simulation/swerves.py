"""Drivers who have been scraped along their side: they jerk the wheel away from it, correct, and brake."""

from __future__ import annotations

import math
from dataclasses import dataclass

from its_core.engines.simulator.physics.constants import GRAVITY_MPS2

SIDEWAYS = 0.7  # of a push, at least, that comes from the side
SLOWEST_MPS = 5.0  # slower than this nobody loses the lane
HARDEST_MPS = 4.0  # a blow that changes the velocity by more leaves nothing to steer
STARTS_S, TURNS_BACK_S, ENDS_S = 0.12, 0.5, 0.95  # after the touch
BACK = 0.7  # of the wheel's turn away, is turned back
BRAKES_MPS2 = 4.0
BRAKE_SHARE = 0.6  # of the grip, at least, afterwards
# Of the grip, that the wheel asks for: above 1 the tyres slide, as those of one driver in four do.
DEMANDS = (0.55, 1.2)
_NARROWEST_RAD = 0.25


@dataclass(frozen=True, slots=True)
class Swerve:
    """``side``: 1 to the left, −1 to the right. ``demand``: the share of the tyres' grip that it asks for."""

    side: float
    demand: float

    def steer_rad(self, since_s: float, speed_mps: float, wheelbase_m: float, grip: float) -> float:
        """The front wheels' angle, positive to the left, so long after the touch."""
        if not STARTS_S <= since_s < ENDS_S:
            return 0.0
        pull_mps2 = self.demand * grip * GRAVITY_MPS2
        angle = min(wheelbase_m * pull_mps2 / max(speed_mps * speed_mps, 1.0), _NARROWEST_RAD)
        return self.side * angle * (1.0 if since_s < TURNS_BACK_S else -BACK)


def swerve_of(push: tuple[float, float], ahead: tuple[float, float], speed_mps: float, demand: float) -> Swerve | None:
    """How a driver swerves whose vehicle heads ``ahead`` and is pushed along ``push`` (unit vectors); None: not at
    all."""
    to_right = push[0] * ahead[1] - push[1] * ahead[0]
    if abs(to_right) < SIDEWAYS or speed_mps < SLOWEST_MPS:
        return None
    return Swerve(-math.copysign(1.0, to_right), demand)
