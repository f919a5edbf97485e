"""Where people may walk in a place, and the routes they take: pavements, crosswalks, round corners, sometimes straight
across the road."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from its_core.engines.simulator.roads.layouts import Layout, Point
from its_core.engines.simulator.traffic.walkers import Crossing, Route

_CORNER_M = 16.0  # ends of pavements and crosswalks this close are joined
_LONG_ENOUGH_M = 150.0
_NEAR_M = 8.0  # a pavement this close to the end of a crosswalk is gone on along
_STEPS_ON_M = 2.2
_WAITS_M = 1.6  # from the kerb
_LEG_M, _BACK_M = (4.0, 9.0), 0.8  # of people at work, who go to and fro


@dataclass(frozen=True, slots=True)
class _Edge:
    a: Point
    b: Point
    crosswalk: int | None
    on_road: bool


def drawn_route(layout: Layout, rng: np.random.Generator) -> tuple[Route, float] | None:
    """A route and how far along it somebody is; None where nobody can walk."""
    walks = layout.walkways
    if not walks:
        return None
    a, b = walks[int(rng.integers(len(walks)))]
    if rng.random() < 0.5:
        a, b = b, a
    edges = [_Edge(a, b, None, False)]
    while sum(math.dist(edge.a, edge.b) for edge in edges) < _LONG_ENOUGH_M:
        following = _next(layout, edges[-1], rng)
        if following is None:
            edges += _off_the_road(edges[-1])
            break
        edges += following
    side = float(rng.uniform(0.15, 1.0))
    route = _beside(edges, side)
    first = math.dist(edges[0].a, edges[0].b)
    return route, float(rng.uniform(0.5, max(first - 1.0, 1.0)))


def to_and_fro(route: Route, s_m: float, rng: np.random.Generator) -> tuple[Route, float]:
    """Up and down along the first stretch of a route, as people at work go, and how far along that somebody is. The way
    back lies beside the way there."""
    (ax, ay), (bx, by) = route.points[:2]
    length = math.dist((ax, ay), (bx, by))
    leg = min(float(rng.uniform(*_LEG_M)), length)
    tx, ty = (bx - ax) / length, (by - ay) / length
    start = min(max(s_m - leg / 2, 0.0), length - leg)
    there = (ax + start * tx, ay + start * ty), (ax + (start + leg) * tx, ay + (start + leg) * ty)
    back = tuple((x - _BACK_M * ty, y + _BACK_M * tx) for x, y in reversed(there))
    round_m = 2.0 * (leg + _BACK_M)
    rounds = math.ceil(_LONG_ENOUGH_M / round_m)
    return Route((*there, *back) * rounds), float(rng.uniform(0.0, round_m))


def _off_the_road(last: _Edge) -> list[_Edge]:
    """A few steps on from the far kerb, where a route would end on a crossing."""
    if not last.on_road:
        return []
    (ax, ay), (bx, by) = last.a, last.b
    share = _STEPS_ON_M / max(math.dist(last.a, last.b), 1e-6)
    return [_Edge(last.b, (bx + share * (bx - ax), by + share * (by - ay)), None, False)]


def _next(layout: Layout, last: _Edge, rng: np.random.Generator) -> list[_Edge] | None:
    """Where one may go from the end of an edge: another pavement, a crosswalk, or across the road."""
    here = last.b
    choices: list[list[_Edge]] = []
    for a, b in layout.walkways:
        for start, end in ((a, b), (b, a)):
            away = math.dist(here, start)
            if away < _CORNER_M and (start, end) != (last.b, last.a) and {start, end} != {last.a, last.b}:
                corner = [_Edge(here, start, None, False)] if away > 0.3 else []
                if not corner or not _crosses_road(layout, here, start):
                    choices.append([*corner, _Edge(start, end, None, False)])
    if last.on_road:
        for a, b in layout.walkways:
            foot = _foot(a, b, here)
            if math.dist(here, foot) < _NEAR_M and not _crosses_road(layout, here, foot):
                choices += [[_Edge(here, foot, None, False), _Edge(foot, end, None, False)] for end in (a, b)]
    else:
        for number, crosswalk in enumerate(layout.crosswalks):
            for start, end in (crosswalk.path, crosswalk.path[::-1]):
                away = math.dist(here, start)
                if away < _CORNER_M and not _crosses_road(layout, here, start):
                    back = _before(start, end)
                    over = [_Edge(here, back, None, False), _Edge(back, start, None, False)]
                    over.append(_Edge(start, end, number, True))
                    choices += [over, over]
    if not choices:
        return None
    return choices[int(rng.integers(len(choices)))]


def _before(start: Point, end: Point) -> Point:
    """Where one waits to cross: on the pavement, in line with the crosswalk."""
    share = _WAITS_M / max(math.dist(start, end), 1e-6)
    return (start[0] - share * (end[0] - start[0]), start[1] - share * (end[1] - start[1]))


def _beside(edges: list[_Edge], side_m: float) -> Route:
    """The edges as one line, to the right of which people keep."""
    points: list[Point] = [edges[0].a]
    length = 0.0
    crossings: list[Crossing] = []
    for edge in edges:
        step = math.dist(points[-1], edge.b)
        if step < 0.05:
            continue
        if edge.on_road:
            crossings.append(Crossing(length, length + step, edge.crosswalk))
        points.append(edge.b)
        length += step
    shifted = [_shifted(points, i, side_m) for i in range(len(points))]
    # A shift changes lengths a little; the crossings move with their points.
    scale = _length(shifted) / max(length, 1e-6)
    return Route(tuple(shifted), tuple(Crossing(c.start_m * scale, c.end_m * scale, c.crosswalk) for c in crossings))


def _shifted(points: list[Point], i: int, side_m: float) -> Point:
    a, b = points[max(i - 1, 0)], points[min(i + 1, len(points) - 1)]
    length = max(math.dist(a, b), 1e-6)
    return (points[i][0] + (b[1] - a[1]) / length * side_m, points[i][1] - (b[0] - a[0]) / length * side_m)


def _length(points: list[Point]) -> float:
    return sum(math.dist(a, b) for a, b in pairwise(points))


def _foot(a: Point, b: Point, p: Point) -> Point:
    """The point of a segment that is nearest to another point."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    along = ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / max(dx * dx + dy * dy, 1e-9)
    along = min(max(along, 0.0), 1.0)
    return (a[0] + along * dx, a[1] + along * dy)


def _crosses_road(layout: Layout, a: Point, b: Point) -> bool:
    """Whether the straight way between two points leads over a carriageway."""
    for step in np.linspace(0.1, 0.9, 9).tolist():
        x, y = a[0] + step * (b[0] - a[0]), a[1] + step * (b[1] - a[1])
        if layout.on_road(x, y):
            return True
    return False
