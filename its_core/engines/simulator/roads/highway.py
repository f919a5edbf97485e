"""A straight dual carriageway with two or three lanes each way, a median barrier, guard rails and hard shoulders."""

from __future__ import annotations

import numpy as np

from its_core.engines.simulator.randomness import rng_of
from its_core.engines.simulator.roads.layouts import Building, Lane, Layout, Marking, Point
from its_core.engines.simulator.roads.paths import joined, straight
from its_core.engines.simulator.roads.roadside import BUILDING_STYLES, edge_line, lane_line, row
from its_core.taxonomy import RoadLayout

EXTENT_M = 150.0
REACH_M = 400.0
LANE_M = 3.6
INNER_SHOULDER_M = 1.6  # from the median barrier to the first lane
OUTER_SHOULDER_M = 2.8


def highway(camera_id: str) -> Layout:
    """Traffic runs north at x > 0 and south at x < 0; lane 0 is the one next to the median."""
    rng = rng_of("highway", camera_id)
    lanes = int(rng.choice([3, 3, 2]))
    limit_mps = float(rng.choice([22.2, 25.0]))
    paved_m = INNER_SHOULDER_M + lanes * LANE_M
    half_m = paved_m + OUTER_SHOULDER_M
    rail_m = half_m + 0.6
    return Layout(
        name=RoadLayout.HIGHWAY,
        lanes=tuple(lanes_both_ways(lanes, INNER_SHOULDER_M, LANE_M, limit_mps, REACH_M)),
        carriageways=((-half_m, -REACH_M, half_m, REACH_M),),
        corner_radius_m=0.0,
        pavement_m=0.0,
        markings=tuple(_markings(lanes)),
        crosswalks=(),
        signals=(),
        buildings=_buildings(rng, rail_m),
        trees=_trees(rng, rail_m),
        street_lamps=tuple(row(rng, (-rail_m - 1.0, -EXTENT_M + 5), (-rail_m - 1.0, EXTENT_M - 5), 38.0)),
        barriers=tuple(((x, -REACH_M), (x, REACH_M)) for x in (0.0, rail_m, -rail_m)),
        focus_m=(round(INNER_SHOULDER_M + 0.5 * lanes * LANE_M, 2), 0.0),
        extent_m=EXTENT_M,
    )


def lanes_both_ways(lanes: int, inner_m: float, lane_m: float, limit_mps: float, reach_m: float) -> list[Lane]:
    """Straight lanes along y, as many each way; ``inner_m``: from the middle of the road to the first one."""
    found: list[Lane] = []
    for way, sign in (("north", 1), ("south", -1)):
        for lane in range(lanes):
            x = sign * (inner_m + (lane + 0.5) * lane_m)
            points = joined(straight((x, -sign * reach_m), (x, sign * reach_m)))
            # Outer lanes run a little slower.
            found.append(
                Lane(
                    f"{way}_{lane}_straight",
                    points,
                    limit_mps - 1.2 * lane,
                    "straight",
                    left=f"{way}_{lane - 1}_straight" if lane > 0 else None,
                    right=f"{way}_{lane + 1}_straight" if lane < lanes - 1 else None,
                )
            )
    return found


def _markings(lanes: int) -> list[Marking]:
    found: list[Marking] = []
    for sign in (1, -1):
        inner = sign * (INNER_SHOULDER_M - 0.25)
        found.append(Marking((inner, -REACH_M), (inner, REACH_M), 0.15, "yellow"))
        found += lines_of_one_way(sign, lanes, INNER_SHOULDER_M, LANE_M, REACH_M, gap_m=9.0)
    return found


def lines_of_one_way(
    sign: int, lanes: int, inner_m: float, lane_m: float, reach_m: float, gap_m: float
) -> list[Marking]:
    """The outer edge line and the dashes between the lanes of ``lanes_both_ways`` that run north (1) or south (-1)."""
    outer = sign * (inner_m + lanes * lane_m + 0.1)
    between = [sign * (inner_m + lane * lane_m) for lane in range(1, lanes)]
    return [
        edge_line((outer, -reach_m), (outer, reach_m)),
        *(lane_line((x, -reach_m), (x, reach_m), dash_m=3.0, gap_m=gap_m) for x in between),
    ]


def _buildings(rng: np.random.Generator, rail_m: float) -> tuple[Building, ...]:
    """A few long, low sheds behind the trees, more of them on the west side."""
    found: list[Building] = []
    for side, set_back_m, count in ((-1, 26.0, 4), (1, 48.0, 2)):
        y = -EXTENT_M + float(rng.uniform(5, 30))
        for _ in range(count):
            wide, deep = float(rng.uniform(24, 48)), float(rng.uniform(16, 26))
            near = rail_m + set_back_m + float(rng.uniform(0, 14))
            x1, x2 = sorted((side * near, side * (near + deep)))
            found.append(
                Building(
                    (round(x1, 2), round(y, 2), round(x2, 2), round(y + wide, 2)),
                    round(float(rng.uniform(6, 14)), 1),
                    int(rng.integers(BUILDING_STYLES)),
                )
            )
            y += wide + float(rng.uniform(12, 40))
    return tuple(building for building in found if building.rect[3] < EXTENT_M)


def _trees(rng: np.random.Generator, rail_m: float) -> tuple[Point, ...]:
    west = row(rng, (-rail_m - 9.0, -EXTENT_M), (-rail_m - 9.0, EXTENT_M), 9.0, 3.0, 0.75)
    behind = row(rng, (-rail_m - 17.0, -EXTENT_M), (-rail_m - 17.0, EXTENT_M), 11.0, 4.0, 0.6)
    east = row(rng, (rail_m + 24.0, -EXTENT_M), (rail_m + 24.0, EXTENT_M), 12.0, 4.0, 0.6)
    return tuple(west + behind + east)
