"""Hedges, railings, low walls and planters between a town's pavements and the plots behind them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.meshes.mesh import Mesh
from its_core.engines.simulator.meshes.street_furniture import hedge, low_wall, planter, railing
from its_core.engines.simulator.roads.bounds import nearest_on_road, off_road_m, outside_m
from its_core.engines.simulator.roads.layouts import Layout, Point, Rect

_MOST, _TRIES = 16, 260
_ALONG = (-0.5, -0.25, 0.0, 0.25, 0.5)  # shares of a piece's length at which it must find room
_REACH_M = 52.0  # from the focus
_NEAR_M = 14.0  # of the road: points that are drawn farther off are passed over
_BEHIND_M = (0.45, 1.3)  # the pavement's rear edge
_CLEAR_EYE_M = 10.0
_CLEAR_M = {"house": 0.7, "park": 2.2, "post": 0.9}


def fences(layout: Layout, eye: Point, parks: Sequence[Rect], rng: np.random.Generator) -> list[Mesh]:
    """Pieces that run along the pavement, none of them before a house's door or across a car park."""
    found: list[Mesh] = []
    for _ in range(_TRIES):
        if len(found) >= _MOST:
            break
        x, y = (centre + float(rng.uniform(-_REACH_M, _REACH_M)) for centre in layout.focus_m)
        kind, length = float(rng.random()), float(rng.uniform(4.5, 10.0))
        low, high = (layout.pavement_m + edge for edge in _BEHIND_M)
        if not 0.5 < off_road_m(layout, x, y) < _NEAR_M:
            continue
        if kind >= 0.85:
            length = 1.5
        road = nearest_on_road(layout, x, y)
        away = max(math.dist(road, (x, y)), 1e-6)
        outward = ((x - road[0]) / away, (y - road[1]) / away)
        behind = float(rng.uniform(low, high))
        x, y = road[0] + behind * outward[0], road[1] + behind * outward[1]
        along = (-outward[1], outward[0])
        points = [
            (x + share * length * along[0], y + share * length * along[1]) for share in (-0.5, -0.25, 0.0, 0.25, 0.5)
        ]
        if not all(_free(layout, point, eye, parks, low) for point in points):
            continue
        made = hedge(length, rng) if kind < 0.5 else railing(length) if kind < 0.7 else None
        if made is None:
            made = low_wall(length) if kind < 0.85 else planter()
        found.append(made.moved((x, y, 0.0), float(pm.atan2(along[1], along[0]))))
    return found


def _free(layout: Layout, point: Point, eye: Point, parks: Sequence[Rect], least_m: float) -> bool:
    x, y = point
    if off_road_m(layout, x, y) < least_m or math.dist(point, eye) < _CLEAR_EYE_M:
        return False
    if any(outside_m(house.rect, x, y) < _CLEAR_M["house"] for house in layout.buildings):
        return False
    if any(outside_m(park, x, y) < _CLEAR_M["park"] for park in parks):
        return False
    posts = (*layout.trees, *layout.street_lamps, *(head.mast_m for head in layout.signals))
    return all(math.dist(point, post) > _CLEAR_M["post"] for post in posts)
