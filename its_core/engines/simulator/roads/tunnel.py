"""The inside of a straight road tunnel of one lane each way."""

from __future__ import annotations

from its_core.engines.simulator.randomness import rng_of
from its_core.engines.simulator.roads.highway import lanes_both_ways
from its_core.engines.simulator.roads.layouts import Layout, Marking, Tube
from its_core.engines.simulator.roads.roadside import double_yellow, edge_line, lane_line
from its_core.taxonomy import RoadLayout

EXTENT_M = 150.0
REACH_M = 320.0
MIDDLE_M = 0.12  # from the middle of the road to the lane


def tunnel(camera_id: str) -> Layout:
    """Traffic runs north at x > 0 and south at x < 0. Vehicles run into the walls, which barriers stand for."""
    rng = rng_of("tunnel", camera_id)
    lane_m = float(rng.choice([3.5, 3.75]))
    edge_m = float(rng.choice([0.5, 1.0, 1.6]))  # from the lane to the road's edge
    limit_mps = float(rng.choice([16.7, 19.4, 22.2]))
    half_m = round(MIDDLE_M + lane_m + edge_m, 2)
    tube = Tube(
        wall_m=float(rng.choice([1.3, 1.45, 1.6])),
        roof_m=round(float(rng.uniform(7.0, 8.4)), 1),
        vaulted=bool(rng.random() < 0.6),
        rows=int(rng.choice([1, 2, 2])),
        lamps_m=float(rng.choice([6.0, 8.0, 12.0])),
        warm=bool(rng.random() < 0.45),
    )
    wall_x = half_m + tube.wall_m
    return Layout(
        name=RoadLayout.TUNNEL,
        lanes=tuple(lanes_both_ways(1, MIDDLE_M, lane_m, limit_mps, REACH_M)),
        carriageways=((-half_m, -REACH_M, half_m, REACH_M),),
        corner_radius_m=0.0,
        pavement_m=0.0,
        markings=tuple(_markings(bool(rng.random() < 0.5), lane_m)),
        crosswalks=(),
        signals=(),
        buildings=(),
        trees=(),
        street_lamps=(),
        barriers=tuple(((x, -REACH_M), (x, REACH_M)) for x in (wall_x, -wall_x)),
        focus_m=(round(MIDDLE_M + 0.5 * lane_m, 2), 0.0),
        extent_m=EXTENT_M,
        tube=tube,
    )


def _markings(double: bool, lane_m: float) -> list[Marking]:
    south, north = (0.0, -REACH_M), (0.0, REACH_M)
    found = double_yellow(south, north) if double else [lane_line(south, north, dash_m=6.0, gap_m=3.0)]
    for x in (MIDDLE_M + lane_m + 0.05, -MIDDLE_M - lane_m - 0.05):
        found.append(edge_line((x, -REACH_M), (x, REACH_M)))
    return found
