"""Collision shapes of vehicles: two convex parts, below and above the window sills."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from its_core.engines.simulator.dimensions import VEHICLES
from its_core.engines.simulator.meshes.car_shapes import SHAPES, hull
from its_core.taxonomy import ParticipantType

Floats = NDArray[np.float64]
BULLET_MARGIN_M = 0.04  # Bullet swells convex hulls by this much
# Bodywork gives way before the structure behind it pushes back: crashed cars overlap by about this much a side.
SOFT_SKIN_M = (0.03, 0.05, 0.0)


@cache
def hull_parts(type_: ParticipantType) -> tuple[Floats, ...]:
    """K×3 points each, in the vehicle's own frame, drawn in by the soft skin and by the margin that Bullet adds.

    The lower part stands upright, as the structure behind bumpers and doors does: sloping bonnets would lever a
    struck car over.
    """
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
