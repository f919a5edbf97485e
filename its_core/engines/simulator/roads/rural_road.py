"""A country road of one lane each way that winds through fields, between trees and wooden poles."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from its_core.engines.simulator.randomness import rng_of
from its_core.engines.simulator.roads.bounds import outside_m
from its_core.engines.simulator.roads.layouts import Building, Lane, Layout, Marking, Point
from its_core.engines.simulator.roads.paths import joined, straight
from its_core.engines.simulator.roads.roadside import BUILDING_STYLES, LINE_M
from its_core.engines.simulator.roads.winding import Winding, drawn_middle
from its_core.taxonomy import RoadLayout

EXTENT_M = 120.0
REACH_M = 320.0
EDGE_M = 0.25  # from the lane to the edge of the asphalt
RADII_M = (95.0, 260.0)
PAINTED_M = 260.0
PIECE_M = 4  # of a painted line that bends
POLES_EVERY_M = 38.0


def rural_road(camera_id: str) -> Layout:
    """Traffic runs north on the east side, and south on the west side."""
    rng = rng_of("rural_road", camera_id)
    lane_m = float(rng.choice([3.1, 3.3, 3.5]))
    limit_mps = float(rng.choice([19.4, 22.2]))
    road = Winding(drawn_middle(rng, REACH_M, RADII_M), lane_m + EDGE_M + float(rng.choice([0.0, 0.0, 0.6])))
    poles = _poles(rng, road)
    houses = _farms(rng, road)
    trees = [tree for tree in _trees(rng, road) if _clear(tree, houses, poles)]
    return Layout(
        name=RoadLayout.RURAL_ROAD,
        lanes=tuple(_lanes(road, lane_m, limit_mps)),
        carriageways=(),
        corner_radius_m=0.0,
        pavement_m=0.0,
        markings=tuple(_markings(rng, road, lane_m)),
        crosswalks=(),
        signals=(),
        buildings=houses,
        trees=tuple(trees),
        street_lamps=_lamps(rng, road),
        barriers=_rails(rng, road),
        focus_m=(0.0, 0.0),
        extent_m=EXTENT_M,
        windings=(road,),
        poles=poles,
    )


def _line(road: Winding, aside_m: float) -> list[Point]:
    """Beside the middle line, from south to north, about a metre apart."""
    return [road.at(y, aside_m) for _, y in road.middle]


def _lanes(road: Winding, lane_m: float, limit_mps: float) -> list[Lane]:
    north, south = _line(road, lane_m / 2), _line(road, -lane_m / 2)[::-1]
    return [
        Lane("north_0_straight", joined(*_legs(north)), limit_mps, "straight"),
        Lane("south_0_straight", joined(*_legs(south)), limit_mps, "straight"),
    ]


def _legs(points: list[Point]) -> list[list[Point]]:
    return [straight(a, b) for a, b in pairwise(points)]


def _markings(rng: np.random.Generator, road: Winding, lane_m: float) -> list[Marking]:
    """Edge lines, and a middle line that is broken on straight stretches and solid in bends."""
    found: list[Marking] = []
    for aside in (lane_m, -lane_m):
        points = [p for p in _line(road, aside) if abs(p[1]) < PAINTED_M][::PIECE_M]
        found += [Marking(a, b, LINE_M, "white") for a, b in pairwise(points)]
    colour = str(rng.choice(["yellow", "white"]))
    middle = [p for p in road.middle if abs(p[1]) < PAINTED_M]
    for i in range(0, len(middle) - PIECE_M, PIECE_M):
        a, b = middle[i], middle[i + PIECE_M]
        bends = abs(road.heading_rad(a[1] + 12.0) - road.heading_rad(a[1] - 12.0)) > 0.07
        if bends:
            pair = [(road.at(a[1], aside), road.at(b[1], aside)) for aside in (-0.13, 0.13)]
            found += [Marking(start, end, 0.11, colour) for start, end in pair]
        elif i // PIECE_M % 3 == 0:
            found.append(Marking(a, b, LINE_M, colour))
    return found


def _poles(rng: np.random.Generator, road: Winding) -> tuple[Point, ...]:
    side = 1.0 if rng.random() < 0.5 else -1.0
    aside = side * (road.half_m + float(rng.uniform(2.2, 4.5)))
    first = float(rng.uniform(-POLES_EVERY_M, 0.0))
    return tuple(_rounded(road.at(y, aside)) for y in np.arange(first - 190.0, 200.0, POLES_EVERY_M).tolist())


def _trees(rng: np.random.Generator, road: Winding) -> list[Point]:
    """Groups and rows of them along either side, denser on one; the roadside near the focus stays open on the other."""
    found: list[Point] = []
    for side, spacing, kept in ((1.0, float(rng.uniform(6.0, 12.0)), 0.8), (-1.0, float(rng.uniform(10.0, 22.0)), 0.6)):
        for y in np.arange(-170.0, 170.0, spacing).tolist():
            aside = road.half_m + float(rng.uniform(2.6, 6.5))
            y += float(rng.uniform(-2.0, 2.0))
            open_view = side < 0.0 and abs(y) < 30.0
            if rng.random() < kept and not open_view:
                found.append(_rounded(road.at(y, side * aside)))
    mirrored = bool(rng.random() < 0.5)
    return [_mirrored(road, tree) for tree in found] if mirrored else found


def _mirrored(road: Winding, point: Point) -> Point:
    aside = float(road.aside_m(np.array([point[0]]), np.array([point[1]]))[0])
    return _rounded(road.at(point[1], -aside))


def _farms(rng: np.random.Generator, road: Winding) -> tuple[Building, ...]:
    found: list[Building] = []
    for _ in range(int(rng.integers(1, 4))):
        y, side = float(rng.uniform(-100.0, 90.0)), float(rng.choice([-1.0, 1.0]))
        wide, deep = float(rng.uniform(9.0, 24.0)), float(rng.uniform(9.0, 14.0))
        x, _ = road.at(y, side * (road.half_m + float(rng.uniform(32.0, 60.0)) + wide))
        house = Building(
            (round(x - wide / 2, 2), round(y, 2), round(x + wide / 2, 2), round(y + deep, 2)),
            round(float(rng.uniform(4.0, 7.5)), 1),
            int(rng.integers(BUILDING_STYLES)),
        )
        if all(math.dist(house.rect[:2], other.rect[:2]) > 40.0 for other in found):
            found.append(house)
    return tuple(found)


def _lamps(rng: np.random.Generator, road: Winding) -> tuple[Point, ...]:
    """Along the stretch about the focus: cameras hang where there is light."""
    side = float(rng.choice([-1.0, 1.0]))
    spacing = float(rng.uniform(24.0, 36.0))
    first = float(rng.uniform(-2.0, -1.4)) * spacing
    return tuple(_rounded(road.at(first + i * spacing, side * (road.half_m + 1.4))) for i in range(5))


def _rails(rng: np.random.Generator, road: Winding) -> tuple[tuple[Point, Point], ...]:
    """A guard rail along one side of the stretch about the focus, at some roads."""
    if rng.random() < 0.6:
        return ()
    side = float(rng.choice([-1.0, 1.0]))
    start = float(rng.uniform(-45.0, -10.0))
    ys = np.arange(start, start + float(rng.uniform(40.0, 80.0)), 8.0).tolist()
    points = [_rounded(road.at(y, side * (road.half_m + 0.7))) for y in ys]
    return tuple(pairwise(points))


def _clear(tree: Point, houses: tuple[Building, ...], poles: tuple[Point, ...]) -> bool:
    return all(outside_m(house.rect, *tree) > 4.0 for house in houses) and all(
        math.dist(tree, pole) > 3.0 for pole in poles
    )


def _rounded(point: Point) -> Point:
    return (round(point[0], 2), round(point[1], 2))
