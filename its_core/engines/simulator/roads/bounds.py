"""Where the road of a place is, seen from points beside it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.roads.layouts import Layout, Point, Rect

Floats = NDArray[np.float64]


def outside_m(rect: Rect, x: float, y: float) -> float:
    """Distance of a point from a rectangle, negative inside."""
    x1, y1, x2, y2 = rect
    beside, beyond = max(x1 - x, x - x2), max(y1 - y, y - y2)
    if beside <= 0.0 or beyond <= 0.0:
        return max(beside, beyond)
    return math.hypot(beside, beyond)


def off_road_m(layout: Layout, x: float, y: float) -> float:
    """Distance of a point from the nearest part of the road, negative on it (rounded corners left out)."""
    off_islands = (disc.radius_m - math.dist(disc.centre, (x, y)) for disc in layout.islands)
    return max(min(off_parts_m(layout, x, y)), *off_islands, -math.inf)


def off_parts_m(layout: Layout, x: float, y: float) -> list[float]:
    """Distances of a point from each part of the road, negative on it."""
    return [
        *(outside_m(rect, x, y) for rect in layout.carriageways),
        *(math.dist(disc.centre, (x, y)) - disc.radius_m for disc in layout.discs),
        *(winding.outside_m(x, y) for winding in layout.windings),
    ]


def off_roads_m(layout: Layout, x: Floats, y: Floats) -> Floats:
    """``off_road_m`` of many points, 0 on the road; near the corners of rectangles too little by a third at most."""
    beside = np.full(len(x), np.inf)
    for x1, y1, x2, y2 in layout.carriageways:
        across = np.maximum(np.maximum(x1 - x, x - x2), 0.0)
        along = np.maximum(np.maximum(y1 - y, y - y2), 0.0)
        beside = np.minimum(beside, np.maximum(across, along))
    for disc in layout.discs:
        dx, dy = x - disc.centre[0], y - disc.centre[1]
        beside = np.minimum(beside, np.maximum(np.sqrt(dx * dx + dy * dy) - disc.radius_m, 0.0))
    for winding in layout.windings:
        beside = np.minimum(beside, np.maximum(np.abs(winding.aside_m(x, y)) - winding.half_m, 0.0))
    return beside


def nearest_on_road(layout: Layout, x: float, y: float) -> Point:
    """The point of the road that is nearest to one beside it."""
    found = [(min(max(x, x1), x2), min(max(y, y1), y2)) for x1, y1, x2, y2 in layout.carriageways]
    found += [_on_disc(disc.centre, disc.radius_m, x, y) for disc in layout.discs]
    for winding in layout.windings:
        aside = float(winding.aside_m(np.array([x]), np.array([y]))[0])
        foot = y + aside * float(pm.sin(winding.heading_rad(y)))
        found.append(winding.at(foot, min(max(aside, -winding.half_m), winding.half_m)))
    return min(found, key=lambda point: math.dist(point, (x, y)))


def _on_disc(centre: Point, radius_m: float, x: float, y: float) -> Point:
    away = math.dist(centre, (x, y))
    share = min(1.0, radius_m / max(away, 1e-9))
    return (centre[0] + (x - centre[0]) * share, centre[1] + (y - centre[1]) * share)
