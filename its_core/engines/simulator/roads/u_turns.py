"""Ways of drivers who turn round in the road, across its centre line or in a junction: nobody may.

A passenger car needs about 8 m from the middle of one lane to the middle of the other: from the outer of two lanes it
turns round between the kerbs, from a single lane only where a side street gives it room.
"""

from __future__ import annotations

import math

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.roads.layouts import Point
from its_core.engines.simulator.roads.paths import arc, joined, straight

TIGHTEST_M = 4.3  # radius of the middle of a passenger car
_SWING_M, _SWING_OVER_M = 0.9, 14.0  # to the right, before the turn
_EASES_M = 8.0  # radius of the bend back into the lane
_EASES_DEG = 35.0


def u_turn_points(aside_m: float, turns_y: float, reach_m: float) -> tuple[Point, ...]:
    """North on the right-hand side of a road along y, a half circle about its middle at ``turns_y``, and back south:
    the middles of both lanes are ``aside_m`` from the road's."""
    return joined(
        straight((aside_m, -reach_m), (aside_m, turns_y)),
        arc((0.0, turns_y), aside_m, 0.0, 180.0),
        straight((-aside_m, turns_y), (-aside_m, -reach_m)),
    )


def wide_u_turn_points(aside_m: float, turns_y: float, reach_m: float) -> tuple[Point, ...]:
    """As ``u_turn_points`` in a road too narrow for it: it swings out to the right, turns through more than half a
    circle into the mouth of a side street on the left, and comes back to its lane from there."""
    out_m = aside_m + _SWING_M
    eased = math.radians(_EASES_DEG)
    middle = (out_m - TIGHTEST_M, turns_y)
    last = (middle[0] - TIGHTEST_M * pm.cos(eased), turns_y - TIGHTEST_M * pm.sin(eased))
    slant_m = (-aside_m - last[0] - _EASES_M * (1.0 - pm.cos(eased))) / pm.sin(eased)
    bend = (last[0] + slant_m * pm.sin(eased), last[1] - slant_m * pm.cos(eased))
    centre = (-aside_m - _EASES_M, bend[1] - _EASES_M * pm.sin(eased))
    steps = round(_SWING_OVER_M)
    swing = [(aside_m + _SWING_M * _smooth(i / steps), turns_y - _SWING_OVER_M * (1 - i / steps)) for i in range(steps)]
    return joined(
        straight((aside_m, -reach_m), swing[0]),
        swing,
        arc(middle, TIGHTEST_M, 0.0, 180.0 + _EASES_DEG),
        straight(last, bend),
        arc(centre, _EASES_M, _EASES_DEG, 0.0),
        straight((-aside_m, centre[1]), (-aside_m, -reach_m)),
    )


def _smooth(share: float) -> float:
    return share * share * (3.0 - 2.0 * share)
