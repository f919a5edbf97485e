"""What stands beside a road: rows of buildings, trees, lamps, and the paint that every road shares."""

from __future__ import annotations

import numpy as np

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.roads.layouts import Building, Marking, Point, Rect

BUILDING_STYLES = 6
LINE_M = 0.13
STOP_LINE_M = 0.45


def corner_block(
    rng: np.random.Generator, corner: Point, away: Point, reach_m: float, tallest_m: float = 24.0
) -> list[Building]:
    """Buildings of one quadrant: one on the corner, then a row along either street up to ``reach_m`` from the origin.

    ``corner`` is the point nearest the junction, ``away`` the signs of x and y that lead from it into the quadrant.
    """
    depth_m = float(rng.uniform(13, 18))
    wide_x, wide_y = float(rng.uniform(depth_m, 26)), float(rng.uniform(depth_m, 26))
    found = [_building(rng, corner, away, (0.0, 0.0), (wide_x, wide_y), tallest_m)]
    for along_x in (True, False):
        start = wide_x if along_x else wide_y
        edge = abs(corner[0] if along_x else corner[1])
        while edge + start < reach_m - 10:
            start += float(rng.choice([0.0, 0.0, 2.5, 5.0]))
            width = float(rng.uniform(12, 24))
            at = (start, 0.0) if along_x else (0.0, start)
            size = (width, depth_m) if along_x else (depth_m, width)
            found.append(_building(rng, corner, away, at, size, tallest_m))
            start += width
    return found


def _building(
    rng: np.random.Generator, corner: Point, away: Point, at: Point, size: Point, tallest_m: float
) -> Building:
    x = sorted((corner[0] + away[0] * at[0], corner[0] + away[0] * (at[0] + size[0])))
    y = sorted((corner[1] + away[1] * at[1], corner[1] + away[1] * (at[1] + size[1])))
    storeys = int(rng.integers(2, max(3, round(tallest_m / 3.2)) + 1))
    rect: Rect = (round(x[0], 2), round(y[0], 2), round(x[1], 2), round(y[1], 2))
    return Building(rect, round(3.2 * storeys + 1.0, 1), int(rng.integers(BUILDING_STYLES)))


def street_front(rng: np.random.Generator, back_m: float, reach_m: float) -> list[Building]:
    """A row of houses, most of them wall to wall, along y = ``back_m``, from x = −``reach_m`` to ``reach_m``."""
    found: list[Building] = []
    x = -reach_m
    while x < reach_m:
        wide, deep = float(rng.uniform(10, 20)), float(rng.uniform(12, 17))
        front = back_m + float(rng.choice([0.2, 0.2, 1.2]))
        height = round(3.2 * int(rng.integers(2, 7)) + 1.0, 1)
        found.append(
            Building((round(x, 2), front, round(x + wide, 2), front + deep), height, int(rng.integers(BUILDING_STYLES)))
        )
        x += wide + float(rng.choice([0.0, 0.0, 0.0, 3.0]))
    return found


def row(
    rng: np.random.Generator, start: Point, end: Point, spacing_m: float, jitter_m: float = 0.0, kept: float = 1.0
) -> list[Point]:
    """Points every ``spacing_m`` from ``start`` to ``end``, shifted along the row by up to ``jitter_m``; a share
    ``kept`` of them."""
    a, b = np.asarray(start), np.asarray(end)
    length = float(pm.norm(b - a))
    found: list[Point] = []
    for i in range(int(length // spacing_m) + 1):
        along = min(max(i * spacing_m + rng.uniform(-jitter_m, jitter_m), 0.0), length)
        if rng.random() < kept:
            x, y = a + (b - a) * (along / max(length, 1e-9))
            found.append((round(float(x), 2), round(float(y), 2)))
    return found


def double_yellow(start: Point, end: Point) -> list[Marking]:
    """The double solid line between directions; ``start`` and ``end`` lie on the road's middle, parallel to an axis."""
    sideways = (0.15, 0.0) if start[0] == end[0] else (0.0, 0.15)
    return [
        Marking(
            (start[0] + sign * sideways[0], start[1] + sign * sideways[1]),
            (end[0] + sign * sideways[0], end[1] + sign * sideways[1]),
            LINE_M,
            "yellow",
        )
        for sign in (-1, 1)
    ]


def edge_line(start: Point, end: Point) -> Marking:
    return Marking(start, end, LINE_M, "white")


def lane_line(start: Point, end: Point, dash_m: float = 3.0, gap_m: float = 6.0) -> Marking:
    return Marking(start, end, LINE_M, "white", dash_m, gap_m)


def stop_line(start: Point, end: Point) -> Marking:
    return Marking(start, end, STOP_LINE_M, "white")
