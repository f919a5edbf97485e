"""A straight road of two lanes each way on a bridge between steel railings, high above a river or a valley."""

from __future__ import annotations

from its_core.engines.simulator.randomness import rng_of
from its_core.engines.simulator.roads.highway import lanes_both_ways, lines_of_one_way
from its_core.engines.simulator.roads.layouts import Deck, Layout, Marking
from its_core.engines.simulator.roads.roadside import double_yellow, row
from its_core.taxonomy import RoadLayout

EXTENT_M = 150.0
REACH_M = 320.0
LANES = 2  # each way
MIDDLE_M = 0.35  # from the middle of the road to the first lane
RAILING_M = 0.35  # from the road's edge to the middle of the railing
DECK_EDGE_M = 0.75  # from the road's edge to where the deck ends


def bridge(camera_id: str) -> Layout:
    """Traffic runs north at x > 0 and south at x < 0, with nothing but paint between the directions."""
    rng = rng_of("bridge", camera_id)
    lane_m = float(rng.choice([3.25, 3.5]))
    edge_m = float(rng.choice([0.5, 0.8, 1.8]))  # from the outer lane to the road's edge
    limit_mps = float(rng.choice([16.7, 19.4, 22.2]))
    half_m = round(MIDDLE_M + LANES * lane_m + edge_m, 2)
    deck = Deck(
        drop_m=round(float(rng.uniform(9.0, 26.0)), 1),
        shore_m=round(float(rng.uniform(70.0, 190.0)), 1) if rng.random() < 0.75 else 0.0,
        arched=bool(rng.random() < 0.4),
        joint_m=float(rng.choice([24.0, 32.0, 45.0])),
    )
    lamps_x = half_m + RAILING_M
    spacing_m = float(rng.uniform(28.0, 40.0))
    sides = ((-1.0,), (1.0,), (-1.0, 1.0))[int(rng.integers(3))]
    lamps = [row(rng, (x * lamps_x, 5.0 - EXTENT_M), (x * lamps_x, EXTENT_M - 5.0), spacing_m) for x in sides]
    return Layout(
        name=RoadLayout.BRIDGE,
        lanes=tuple(lanes_both_ways(LANES, MIDDLE_M, lane_m, limit_mps, REACH_M)),
        carriageways=((-half_m, -REACH_M, half_m, REACH_M),),
        corner_radius_m=0.0,
        pavement_m=0.0,
        markings=tuple(_markings(lane_m)),
        crosswalks=(),
        signals=(),
        buildings=(),
        trees=(),
        street_lamps=tuple(lamp for each in lamps for lamp in each),
        barriers=tuple(((x, -REACH_M), (x, REACH_M)) for x in (lamps_x, -lamps_x)),
        focus_m=(round(MIDDLE_M + 0.5 * LANES * lane_m, 2), 0.0),
        extent_m=EXTENT_M,
        deck=deck,
    )


def _markings(lane_m: float) -> list[Marking]:
    found = double_yellow((0.0, -REACH_M), (0.0, REACH_M))
    for sign in (1, -1):
        found += lines_of_one_way(sign, LANES, MIDDLE_M, lane_m, REACH_M, gap_m=6.0)
    return found
