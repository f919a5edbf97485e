"""A roundabout of one lane: three or four arms, whoever enters gives way, a planted island in the middle."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.randomness import rng_of
from its_core.engines.simulator.roads.junction import EXTENT_M, REACH_M, Street, turned
from its_core.engines.simulator.roads.layouts import Building, Crosswalk, Disc, Lane, Layout, Marking, Point, Rect
from its_core.engines.simulator.roads.paths import Path, arc, joined, straight
from its_core.engines.simulator.roads.roadside import LINE_M, corner_block, double_yellow, edge_line, row
from its_core.taxonomy import RoadLayout

PAVEMENT_M = 3.6
CIRCLE_LANE_M = 5.4
FLARE_M = 9.0  # radius of the kerbs between the arms and the circle
SETBACK_M = 6.0  # from the circle to the crosswalks
CROSSWALK_M = 3.0
APPROACH_MPS = 12.5
_ORDER = ("south", "east", "north", "west")  # the way traffic goes round
_MOVEMENTS = {1: "right", 2: "straight", 3: "left"}
_SHARES = {"right": 0.3, "straight": 0.45, "left": 0.25}


@dataclass(frozen=True, slots=True)
class _Circle:
    """``radius_m`` of the lane's middle; ``entry_m`` that of the bend by which one enters."""

    street: Street
    radius_m: float
    entry_m: float
    arms: tuple[str, ...]

    @property
    def outer_m(self) -> float:
        return self.radius_m + CIRCLE_LANE_M / 2

    @property
    def inner_m(self) -> float:
        return self.radius_m - CIRCLE_LANE_M / 2

    @property
    def entry_centre(self) -> Point:
        """Of the bend to the right by which traffic from the south enters: it touches the circle from outside."""
        x = self.street.offset_m(0) + self.entry_m
        return (x, -math.sqrt((self.radius_m + self.entry_m) ** 2 - x * x))

    @property
    def entry_deg(self) -> float:
        """Where the lane from the south meets the circle."""
        x, y = self.entry_centre
        return math.degrees(float(pm.atan2(y, x)))


def roundabout(camera_id: str) -> Layout:
    rng = rng_of("roundabout", camera_id)
    street = Street(1, float(rng.choice([3.4, 3.6, 3.8])))
    arms = _ORDER if rng.random() < 0.7 else _ORDER[:2] + _ORDER[3:]
    circle = _Circle(street, float(rng.uniform(11.0, 14.5)), 7.5, arms)
    half = street.half_m
    rects = {
        "south": (-half, -REACH_M, half, 0.0),
        "east": (0.0, -half, REACH_M, half),
        "north": (-half, 0.0, half, REACH_M),
        "west": (-REACH_M, -half, 0.0, half),
    }
    buildings = _buildings(rng, circle)
    return Layout(
        name=RoadLayout.ROUNDABOUT,
        lanes=tuple(_lanes(circle)),
        carriageways=tuple(rects[arm] for arm in arms),
        corner_radius_m=FLARE_M,
        pavement_m=PAVEMENT_M,
        markings=tuple(_markings(circle)),
        crosswalks=tuple(_crosswalks(circle)),
        signals=(),
        buildings=buildings,
        trees=_trees(rng, circle),
        street_lamps=_lamps(rng, circle),
        barriers=(),
        focus_m=(0.0, 0.0),
        extent_m=EXTENT_M,
        walkways=tuple(_walkways(circle)),
        discs=(Disc((0.0, 0.0), circle.outer_m),),
        islands=(Disc((0.0, 0.0), circle.inner_m),),
    )


def _lanes(circle: _Circle) -> list[Lane]:
    """From every arm to every other one, drawn for traffic from the south and turned."""
    found: list[Lane] = []
    for number, arm in enumerate(_ORDER):
        if arm not in circle.arms:
            continue
        for steps, movement in _MOVEMENTS.items():
            if _ORDER[(number + steps) % 4] not in circle.arms:
                continue
            points, leaves_s = _way(circle, steps)
            found.append(
                Lane(
                    name=f"{arm}_0_{movement}",
                    points=tuple(turned(list(points), number)),
                    speed_limit_mps=APPROACH_MPS,
                    movement=movement,
                    stop_s_m=_line_s(circle, points),
                    conflicts=_conflicts(circle, number),
                    turned_s_m=leaves_s,
                    share=_SHARES[movement],
                )
            )
    return found


def _way(circle: _Circle, steps: int) -> tuple[tuple[Point, ...], float]:
    """From the south to the arm that many quarters on, and the arc length at which it leaves the circle."""
    (x, y), radius, entry_deg = circle.entry_centre, circle.entry_m, circle.entry_deg
    enters = [*straight((x - radius, -REACH_M), (x - radius, y)), *arc((x, y), radius, 180.0, 180.0 + entry_deg)]
    leaves = turned([(-a, b) for a, b in reversed(enters)], steps)
    round_ = arc((0.0, 0.0), circle.radius_m, entry_deg, -180.0 - entry_deg + 90.0 * steps)
    before = joined(enters, round_)
    return joined(before, leaves), Path(before).length_m


def _line_s(circle: _Circle, points: tuple[Point, ...]) -> float:
    """Arc length of the line at which one gives way: half a metre before the circle."""
    path = Path(points)
    inside = next(i for i, point in enumerate(points) if math.hypot(*point) < circle.outer_m + 0.5)
    return float(path.s[inside])


def _conflicts(circle: _Circle, number: int) -> tuple[str, ...]:
    """All that comes round past an arm's entry."""
    found = []
    for other, arm in enumerate(_ORDER):
        passes = (number - other) % 4
        for steps, movement in _MOVEMENTS.items():
            exits = _ORDER[(other + steps) % 4]
            if arm in circle.arms and exits in circle.arms and 0 < passes < steps:
                found.append(f"{arm}_0_{movement}")
    return tuple(found)


def _crosswalks(circle: _Circle) -> list[Crosswalk]:
    half, near = circle.street.half_m, circle.outer_m + SETBACK_M
    far = near + CROSSWALK_M
    found = []
    for arm in circle.arms:
        corners = turned([(-half, -far), (half, -near)], _ORDER.index(arm))
        (ax, ay), (bx, by) = corners
        start, end = turned([(-half, -(near + far) / 2), (half, -(near + far) / 2)], _ORDER.index(arm))
        rect: Rect = (min(ax, bx), min(ay, by), max(ax, bx), max(ay, by))
        found.append(Crosswalk(rect, (start, end)))
    return found


def _markings(circle: _Circle) -> list[Marking]:
    """The middle and edges of each arm, the give-way line before the circle, and the line about the island."""
    found: list[Marking] = []
    near = circle.outer_m + SETBACK_M - 1.0
    far = circle.outer_m + SETBACK_M + CROSSWALK_M + 1.0
    edge = circle.street.half_m - 0.25
    for arm in circle.arms:
        turns = _ORDER.index(arm)
        middle, left, right = (turned([(x, -far), (x, -REACH_M)], turns) for x in (0.0, -edge, edge))
        found += double_yellow(middle[0], middle[1])
        found += [edge_line(left[0], left[1]), edge_line(right[0], right[1])]
        splitter = turned([(0.0, -near), (0.0, -circle.outer_m - 1.0)], turns)
        found += double_yellow(splitter[0], splitter[1])
        found += _give_way(circle, turns)
    ring = arc((0.0, 0.0), circle.inner_m + 0.35, 0.0, 360.0)[::4]
    found += [Marking(a, b, LINE_M, "white") for a, b in pairwise([*ring, ring[0]]) if math.dist(a, b) > 0.01]
    return found


def _give_way(circle: _Circle, turns: int) -> list[Marking]:
    """Short dashes along the circle's edge, over the entry."""
    reach = circle.outer_m + 0.2
    first = math.degrees(float(pm.atan2(-reach, 0.4)))
    last = math.degrees(float(pm.atan2(-reach, circle.street.half_m + 3.2)))
    line = turned(arc((0.0, 0.0), reach, first, last), turns)
    return [Marking(a, b, 0.35, "white") for a, b in list(pairwise(line))[::2]]


def _walkways(circle: _Circle) -> list[tuple[Point, Point]]:
    """Along both sides of the arms, and round the circle from arm to arm."""
    aside, beyond = circle.street.half_m + 0.5 * PAVEMENT_M, circle.outer_m + FLARE_M + 1.0
    found: list[tuple[Point, Point]] = []
    for arm in circle.arms:
        for side in (-aside, aside):
            a, b = turned([(side, -beyond), (side, -EXTENT_M)], _ORDER.index(arm))
            found.append((a, b))
    for number, arm in enumerate(_ORDER):
        corner = turned([(aside, -beyond), (0.72 * beyond, -0.72 * beyond), (beyond, -aside)], number)
        following = _ORDER[(number + 1) % 4]
        if arm in circle.arms and following in circle.arms:
            found += list(pairwise(corner))
        elif arm in circle.arms:  # round the side without an arm
            opposite = turned(
                [(beyond, -aside), (beyond, aside), (0.72 * beyond, 0.72 * beyond), (aside, beyond)], number
            )
            found += [*pairwise(corner), *pairwise(opposite)]
    return found


def _buildings(rng: np.random.Generator, circle: _Circle) -> tuple[Building, ...]:
    """A block in each corner, farther back in the one that cameras look across."""
    found: list[Building] = []
    for number, away in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1))):
        back = circle.outer_m + PAVEMENT_M + float(rng.uniform(3.0, 9.0)) + (14.0 if number == 3 else 0.0)
        corner = (away[0] * back, away[1] * back)
        found += corner_block(rng, corner, away, EXTENT_M, tallest_m=20.0)
    return tuple(found)


def _trees(rng: np.random.Generator, circle: _Circle) -> tuple[Point, ...]:
    """In the island's middle, and along the arms."""
    reach = 0.5 * circle.inner_m
    count = int(rng.choice([0, 1, 3, 5]))
    first = float(rng.uniform(0.0, 360.0))
    ring = [] if count < 2 else arc((0.0, 0.0), reach, first, first + 360.0)
    found = [(0.0, 0.0)] if count == 1 else [ring[i * (len(ring) - 1) // count] for i in range(count)]
    found = [(round(float(x), 2), round(float(y), 2)) for x, y in found]
    start, aside = circle.outer_m + FLARE_M + 8.0, circle.street.half_m + PAVEMENT_M - 1.0
    spacing = float(rng.uniform(9.0, 14.0))
    for arm in circle.arms:
        for side in (-aside, aside):
            a, b = turned([(side, -start), (side, -EXTENT_M)], _ORDER.index(arm))
            found += row(rng, a, b, spacing, 1.5, 0.6)
    return tuple(found)


def _lamps(rng: np.random.Generator, circle: _Circle) -> tuple[Point, ...]:
    """Between the arms round the circle, and along one side of each arm."""
    aside, start = circle.street.half_m + 0.9, circle.outer_m + FLARE_M + 4.0
    round_ = 0.7072 * (circle.outer_m + 1.2)
    found = [turned([(round_, -round_)], number)[0] for number in range(4)]
    for arm in circle.arms:
        a, b = turned([(-aside, -start - float(rng.uniform(0.0, 3.0))), (-aside, -EXTENT_M)], _ORDER.index(arm))
        found += row(rng, a, b, 27.0)
    return tuple((round(float(x), 2), round(float(y), 2)) for x, y in found)
