"""A dual carriageway with road works: cones close the outer lane of one direction, traffic has merged before them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from its_core.engines.simulator.randomness import rng_of
from its_core.engines.simulator.roads.highway import INNER_SHOULDER_M, LANE_M, highway
from its_core.engines.simulator.roads.layouts import Bay, Lane, Layout, Point
from its_core.taxonomy import RoadLayout

LIMIT_MPS = 16.7
TAPER_M = 60.0
CONES_EVERY_M = 9.0
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
    vehicles = np.arange(walled[0] + 6.0, walled[1] - 10.0, float(rng.uniform(13.0, 24.0))).tolist()
    return replace(
        here,
        name=RoadLayout.WORK_ZONE,
        lanes=tuple(_lane(lane, count) for lane in here.lanes if lane.name != f"north_{count - 1}_straight"),
        barriers=(*here.barriers, ((wall_x, walled[0]), (wall_x, walled[1]))),
        focus_m=(round(INNER_SHOULDER_M + 0.5 * count * LANE_M, 2), 0.0),
        bays=tuple(Bay((round(line_x + 2.1, 2), round(y, 2)), 0.0) for y in vehicles),
        cones=_cones(line_x, begins, ends),
    )


def _lane(lane: Lane, count: int) -> Lane:
    """Northbound traffic is slower, and has no lane to the right of the last open one."""
    if not lane.name.startswith("north_"):
        return lane
    right = None if lane.right == f"north_{count - 1}_straight" else lane.right
    return replace(lane, speed_limit_mps=LIMIT_MPS, right=right)


def _cones(line_x: float, begins: float, ends: float) -> tuple[Point, ...]:
    """A taper from the road's edge to the closed lane's inner edge, then along it."""
    found = [
        (line_x + 0.45 + (LANE_M - 0.3) * (1.0 - share), begins - TAPER_M * (1.0 - share))
        for share in np.linspace(0.0, 1.0, 11).tolist()
    ]
    found += [(line_x + 0.45, y) for y in np.arange(begins + CONES_EVERY_M, ends, CONES_EVERY_M).tolist()]
    return tuple((round(x, 2), round(y, 2)) for x, y in found)
