"""Collision shapes of vehicles: convex parts that follow the visible bodywork."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from its_core.engines.simulator.dimensions import TRAILER, VEHICLES
from its_core.engines.simulator.meshes.car_shapes import SHAPES, hull
from its_core.taxonomy import ParticipantType

Floats = NDArray[np.float64]
BULLET_MARGIN_M = 0.04  # Bullet swells convex hulls by this much
# Bodywork gives way before the structure behind it pushes back: crashed cars overlap by about this much a side.
SOFT_SKIN_M = (0.03, 0.05, 0.0)


Box = tuple[tuple[float, float, float], tuple[float, float, float]]  # low and high corner, body frame
_BOXES: dict[ParticipantType, tuple[Box, ...]] = {
    ParticipantType.TRUCK: (
        ((-1.10, 2.05, 0.45), (1.10, 4.10, 1.60)),
        ((-1.05, 2.15, 1.60), (1.05, 3.75, 2.55)),
        ((-1.22, -4.10, 0.60), (1.22, 1.95, 3.40)),
    ),
    ParticipantType.ARTICULATED_TRUCK: (
        ((-1.20, 0.80, 0.45), (1.20, 3.00, 1.80)),
        ((-1.20, 0.90, 1.80), (1.20, 2.85, 3.65)),
        ((-0.55, -3.00, 0.55), (0.55, 0.80, 1.00)),
    ),
    ParticipantType.BUS: (((-1.27, -6.00, 0.40), (1.27, 6.00, 3.05)),),
}


@cache
def trailer_hull() -> Floats:
    half = TRAILER.length_m / 2
    return _drawn_in(_corners((-1.25, -half, 1.05), (1.25, half, TRAILER.height_m)))


def _corners(low: tuple[float, float, float], high: tuple[float, float, float]) -> Floats:
    """Eight corners, those of the ends rounded in plan so that they glance off rather than hook."""
    round_m = 0.18
    points = []
    for z in (low[2], high[2]):
        for y, inward in ((high[1], -round_m), (low[1], round_m)):
            points += [
                (low[0] + round_m, y, z),
                (high[0] - round_m, y, z),
                (low[0], y + inward, z),
                (high[0], y + inward, z),
            ]
    return np.array(points)


@cache
def hull_parts(type_: ParticipantType) -> tuple[Floats, ...]:
    """K×3 points each, in the vehicle's own frame, drawn in by the soft skin and by the margin that Bullet adds.

    The lower part stands upright, as the structure behind bumpers and doors does: sloping bonnets would lever a
    struck car over.
    """
    if type_ in _BOXES:
        return tuple(_drawn_in(_corners(*box)) for box in _BOXES[type_])
    body = VEHICLES[type_]
    house = SHAPES[type_].greenhouse
    whole = hull(type_)
    plan = _outline(whole[whole[:, 2] < house.top_m - 0.2][:, :2])
    low_m, sill_m = body.clearance_m + 0.10, body.belt_m - 0.10
    lower = np.concatenate([np.column_stack([plan, np.full(len(plan), z)]) for z in (low_m, sill_m)])
    (base_front, base_rear, base_x), (top_front, top_rear, top_x) = house.base, house.top
    ring = [(base_x, base_front, sill_m), (base_x, base_rear, sill_m)]
    ring += [(top_x, top_front, house.top_m), (top_x, top_rear, house.top_m)]
    ring += [(top_x * 0.75, top_front - 0.25, house.roof_m), (top_x * 0.75, top_rear + 0.15, house.roof_m)]
    right = np.array(ring)
    upper = np.concatenate([right, right * np.array([-1.0, 1.0, 1.0])])
    return _drawn_in(lower), _drawn_in(upper)


def _outline(plan: Floats) -> Floats:
    """The corners of the convex outline of K×2 points."""
    corners: Floats = plan[ConvexHull(plan).vertices]
    return corners


def _drawn_in(points: Floats) -> Floats:
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    towards = np.sign(points - middle)
    drawn: Floats = points - towards * (np.array(SOFT_SKIN_M) + BULLET_MARGIN_M)
    return drawn
