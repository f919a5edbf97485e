"""A dual carriageway with road works: cones close the outer lane of one direction, traffic has merged before them."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np

from its_core.engines.simulator.randomness import rng_of
from its_core.engines.simulator.roads.highway import INNER_SHOULDER_M, LANE_M, highway
from its_core.engines.simulator.roads.layouts import Bay, Lane, Layout, Point
from its_core.taxonomy import RoadLayout

LIMIT_MPS = 16.7
TAPER_M = 60.0
CONES_EVERY_M = 6.0
_ASIDE_M = 0.14  # by how much cones stand out of line
_VEHICLES_M = (2.75, 3.4)  # from the edge of the closed lane, clear of the barrier before them
_WORKERS_M = 3.0
_LONGEST_M = 6.5  # half of the longest vehicle and some room
BARRIER_EVERY_M = 6.0


def work_zone(camera_id: str) -> Layout:
    """Traffic runs north past the works at x > 0; the closed lane is the outer one."""
    rng = rng_of("work_zone", camera_id)
    here = highway(camera_id)
    count = sum(lane.name.startswith("north_") for lane in here.lanes)
    line_x = INNER_SHOULDER_M + (count - 1) * LANE_M  # between the closed lane and its neighbour
    begins, ends = -float(rng.uniform(45.0, 80.0)), float(rng.uniform(50.0, 90.0))
    walled = (begins + 18.0, ends - float(rng.uniform(8.0, 20.0)))
    wall_x = line_x + 0.75
    vehicles = _spots(rng, walled[0] + 8.0, walled[1] - 10.0)
    return replace(
        here,
        name=RoadLayout.WORK_ZONE,
        lanes=tuple(_lane(lane, count) for lane in here.lanes if lane.name != f"north_{count - 1}_straight"),
        barriers=(*here.barriers, ((wall_x, walled[0]), (wall_x, walled[1]))),
        focus_m=(round(INNER_SHOULDER_M + 0.5 * count * LANE_M, 2), 0.0),
        bays=tuple(_bay(rng, line_x, y) for y in vehicles),
        walkways=_between(line_x, [*vehicles, vehicles[-1] + 20.0]),
        cones=_cones(rng, line_x, begins, ends),
    )


def _lane(lane: Lane, count: int) -> Lane:
    """Northbound traffic is slower, and has no lane to the right of the last open one."""
    if not lane.name.startswith("north_"):
        return lane
    right = None if lane.right == f"north_{count - 1}_straight" else lane.right
    return replace(lane, speed_limit_mps=LIMIT_MPS, right=right)


def _spots(rng: np.random.Generator, begins: float, ends: float) -> list[float]:
    """Where along the works their vehicles stand: at least one."""
    found = [begins + float(rng.uniform(0.0, 6.0))]
    while (following := found[-1] + float(rng.uniform(19.0, 30.0))) < ends:
        found.append(following)
    return found


def _bay(rng: np.random.Generator, line_x: float, y: float) -> Bay:
    turn = 0.0 if rng.random() < 0.75 else math.pi
    aside = float(rng.uniform(*_VEHICLES_M))
    return Bay((round(line_x + aside, 2), round(y, 2)), round(turn + float(rng.uniform(-0.04, 0.04)), 3))


def _between(line_x: float, vehicles: list[float]) -> tuple[tuple[Point, Point], ...]:
    """Where people work: between the vehicles, about the middle of the place."""
    x = round(line_x + _WORKERS_M, 2)
    gaps = sorted(pairwise(vehicles), key=lambda gap: abs(gap[0] + gap[1]))[:2]
    return tuple(((x, round(a + _LONGEST_M, 2)), (round(x + 0.8, 2), round(b - _LONGEST_M, 2))) for a, b in gaps)


def _cones(rng: np.random.Generator, line_x: float, begins: float, ends: float) -> tuple[Point, ...]:
    """A taper from the road's edge to the closed lane's inner edge, then along it."""
    found = [
        (line_x + 0.45 + (LANE_M - 0.3) * (1.0 - share), begins - TAPER_M * (1.0 - share))
        for share in np.linspace(0.0, 1.0, 13).tolist()
    ]
    found += [(line_x + 0.45, y) for y in np.arange(begins + CONES_EVERY_M, ends, CONES_EVERY_M).tolist()]
    return tuple(
        (round(x + float(rng.uniform(-_ASIDE_M, _ASIDE_M)), 2), round(y + float(rng.uniform(-0.6, 0.6)), 2))
        for x, y in found
    )
