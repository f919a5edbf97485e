"""What stands along a road through open country: woods, signs, gantries, marker posts, wooden poles and wires."""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise

import numpy as np

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.meshes.mesh import Mesh, Sculptor
from its_core.engines.simulator.meshes.street_furniture import (
    gantry,
    marker_post,
    sign,
    utility_pole,
)
from its_core.engines.simulator.meshes.vegetation import tree
from its_core.engines.simulator.randomness import exponential, rng_of
from its_core.engines.simulator.roads.bounds import off_road_m, outside_m
from its_core.engines.simulator.roads.layouts import Layout, Point
from its_core.engines.simulator.scenery.works import works
from its_core.taxonomy import RoadLayout

TREE_KINDS = 7
_LEAF_CARDS = ((35.0, 1700), (70.0, 900), (140.0, 380), (math.inf, 160))
_MARKERS_EVERY_M = 25.0
_WIRES_AT_M = ((-0.8, 7.55), (0.0, 7.85), (0.8, 7.55))  # beside the pole, above the ground
_SAG_M = 0.7
_GORE_M = 3.0  # between road and ramp, where the exit's plate stands
_CLEAR_M = 0.8  # between a sign and the road
_GANTRY_BEHIND_M = 4.0  # so far behind a camera nothing of a gantry shows


@cache
def tree_kind(kind: int, cards: int) -> Mesh:
    return tree(rng_of("tree", kind), cards)


def leaf_cards(x: float, y: float, eye: tuple[float, float, float]) -> int:
    """How many leaves a tree shows at that distance."""
    away = math.hypot(x - eye[0], y - eye[1])
    return next(cards for farthest, cards in _LEAF_CARDS if away < farthest)


def woods(layout: Layout, eye: tuple[float, float, float], rng: np.random.Generator) -> list[Mesh]:
    """Trees far along the road and behind it, so that it does not run into a bare horizon."""
    found = []
    for _ in range(230):
        side = 1 if rng.random() < 0.5 else -1
        y = float(rng.uniform(-480.0, 480.0))
        near = 36.0 if abs(y) < layout.extent_m else 12.0
        x = _beside(layout, side, y, near + exponential(rng, 38.0))
        if any(outside_m(house.rect, x, y) < 4.0 for house in layout.buildings):
            continue
        kind, turn = int(rng.integers(TREE_KINDS)), float(rng.uniform(0, 6.3))
        found.append(tree_kind(kind, leaf_cards(x, y, eye)).moved((x, y, -0.4), turn))
    return found


def _beside(layout: Layout, side: float, y: float, away_m: float) -> float:
    """x of a point beside the road, that far from its edge."""
    if not layout.carriageways:
        (road,) = layout.windings
        return road.at(y)[0] + side * (road.half_m + away_m)
    edge = max(abs(road[2]) for road in layout.carriageways)
    if side > 0.0:
        edge = max(edge, *(ramp.at(y)[0] + ramp.half_m for ramp in layout.windings), edge)
    return side * (edge + away_m)


def open_country(layout: Layout, eye: tuple[float, float, float], lit: bool, rng: np.random.Generator) -> list[Mesh]:
    """Signs and, along a winding road, what marks its edge and carries wires; no gantry before the eye.
    ``lit``: lamps burn."""
    if layout.name is not RoadLayout.RURAL_ROAD:
        return [*_highway_signs(layout, eye[1], rng), *works(layout, lit, rng)]
    return [*_markers(layout), *_rural_signs(layout, rng), *_poles(layout)]


def _markers(layout: Layout) -> list[Mesh]:
    (road,) = layout.windings
    found = []
    for y in np.arange(-150.0, 150.0, _MARKERS_EVERY_M).tolist():
        for side in (1.0, -1.0):
            turn = -road.heading_rad(y) + (0.0 if side > 0.0 else math.pi)
            found.append(marker_post().moved((*road.at(y, side * (road.half_m + 0.55)), 0.0), turn))
    return found


def _rural_signs(layout: Layout, rng: np.random.Generator) -> list[Mesh]:
    (road,) = layout.windings
    found = []
    for side in (1.0, -1.0):
        y = -side * float(rng.uniform(20.0, 70.0))
        face = (Surface.SIGN_YELLOW, Surface.SIGN_WHITE, Surface.SIGN_RED)[int(rng.integers(3))]
        turn = -road.heading_rad(y) + (math.pi if side > 0.0 else 0.0)
        found.append(sign(face, 0.7, 0.7).moved((*road.at(y, side * (road.half_m + 1.3)), 0.0), turn))
    return found


def _poles(layout: Layout) -> list[Mesh]:
    """Wooden poles and the wires that hang between them."""
    found: list[Mesh] = []
    for a, b in pairwise(layout.poles):
        found.append(utility_pole().moved((*a, 0.0), float(pm.atan2(b[1] - a[1], b[0] - a[0])) - math.pi / 2))
        found.append(_wires(a, b))
    return found


def _wires(start: Point, end: Point) -> Mesh:
    length = math.dist(start, end)
    left = ((start[1] - end[1]) / length, (end[0] - start[0]) / length)
    sculptor = Sculptor()
    for aside, height in _WIRES_AT_M:
        points = []
        for step in range(7):
            share = step / 6.0
            x, y = (p + share * (q - p) + aside * n for p, q, n in zip(start, end, left, strict=True))
            points.append((x, y, height - 4.0 * _SAG_M * share * (1.0 - share)))
        sculptor.tube(np.array(points), [0.012] * 7, Surface.STEEL_DARK, sides=3)
    return sculptor.mesh()


def _highway_signs(layout: Layout, eye_y_m: float, rng: np.random.Generator) -> list[Mesh]:
    """A gantry down the road, beyond the place as the camera sees it or behind the camera, and plates beside it."""
    edge = max(abs(road[2]) for road in layout.carriageways) + 1.6
    at = float(rng.choice([-1.0, 1.0]) * rng.uniform(55.0, 110.0))
    if at * eye_y_m > 0.0 and abs(at) < abs(eye_y_m) + _GANTRY_BEHIND_M:
        at = -at
    found = [gantry((-edge, edge)).moved((0.0, at, 0.0))] if off_road_m(layout, edge, at) > _CLEAR_M else []
    for _ in range(5):
        y, side = float(rng.uniform(-120.0, 120.0)), float(rng.choice([-1.0, 1.0]))
        face = (Surface.SIGN_BLUE, Surface.SIGN_WHITE, Surface.SIGN_YELLOW)[int(rng.integers(3))]
        if off_road_m(layout, side * edge, y) < _CLEAR_M:
            continue
        found.append(sign(face, 0.9, 1.2).moved((side * edge, y, 0.0), 0.0 if side < 0 else math.pi))
    return found + _exit_signs(layout)


def _exit_signs(layout: Layout) -> list[Mesh]:
    """The plate in the gore of an off-ramp."""
    if not any(lane.slows is not None for lane in layout.lanes):
        return []
    edge = max(road[2] for road in layout.carriageways)
    (ramp,) = layout.windings
    for y in range(0, 150, 2):
        ramp_edge = ramp.at(float(y))[0] - ramp.half_m
        if ramp_edge - edge > _GORE_M:
            return [sign(Surface.SIGN_GREEN, 1.7, 1.3, 1.6).moved(((edge + ramp_edge) / 2, float(y), 0.0), math.pi)]
    return []
