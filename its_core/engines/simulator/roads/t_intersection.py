"""A side street that ends at a main street from west to east, with signals or giving way to it."""

from __future__ import annotations

import numpy as np

from its_core.engines.simulator.randomness import rng_of
from its_core.engines.simulator.roads.junction import (
    ARMS,
    EXTENT_M,
    PAVEMENT_M,
    REACH_M,
    Junction,
    Street,
    left_way,
    right_way,
    stop_distance_m,
    straight_way,
    turned,
)
from its_core.engines.simulator.roads.layouts import Building, Lane, Layout, Point
from its_core.engines.simulator.roads.roadside import corner_block, edge_line, row, street_front
from its_core.taxonomy import RoadLayout

SIGNALS_SHARE = 0.5
_ARMS = ("south", "west", "east")
_SHARES = {"straight": 0.72, "left": 0.28, "right": 0.28}


def t_intersection(camera_id: str) -> Layout:
    """The side street comes from the south. A street of one lane each way meets one of two, so that there always is a
    lane from which one may not turn left."""
    rng = rng_of("t_intersection", camera_id)
    lane_m = float(rng.choice([3.2, 3.4, 3.6]))
    main = Street(int(rng.choice([2, 2, 1])), lane_m)
    side = Street(2 if main.lanes == 1 else int(rng.choice([1, 1, 2])), lane_m)
    # Buses turn into a single lane on wide corners only.
    corner_m = float(rng.choice([5.5, 6.5, 8.0])) + (2.5 if main.lanes == 1 else 0.0)
    junction = Junction(side, main, corner_m, _ARMS)
    signals, first_head = junction.signal_heads() if rng.random() < SIGNALS_SHARE else ((), {})
    limit_mps = float(rng.choice([12.5, 13.9]))
    kerb_y = main.half_m
    north_y = kerb_y + 0.5 * PAVEMENT_M
    return Layout(
        name=RoadLayout.T_INTERSECTION,
        lanes=(*_lanes(junction, first_head, limit_mps), *junction.u_turns(camera_id, limit_mps, first_head)),
        carriageways=((-REACH_M, -kerb_y, REACH_M, kerb_y), (-side.half_m, -REACH_M, side.half_m, -kerb_y)),
        corner_radius_m=corner_m,
        pavement_m=PAVEMENT_M,
        markings=(*junction.markings(), edge_line(*_past_junction(junction))),
        crosswalks=junction.crosswalks(signals=bool(signals)),
        signals=signals,
        buildings=_buildings(rng, junction),
        trees=_trees(rng, junction),
        street_lamps=_lamps(rng, junction),
        barriers=(),
        focus_m=(0.0, -1.0),
        extent_m=EXTENT_M,
        walkways=(
            ((-EXTENT_M, north_y), (EXTENT_M, north_y)),
            *(line for line in junction.roadside_lines(corner_m + 1.0, 0.5 * PAVEMENT_M) if line[0][1] < 0.0),
        ),
    )


def _lanes(junction: Junction, first_head: dict[str, int], limit_mps: float) -> list[Lane]:
    found: list[Lane] = []
    for arm in _ARMS:
        own, other = junction.streets(arm)
        stop_s = REACH_M - stop_distance_m(other, junction.corner_m)
        for lane in range(own.lanes):
            for name, points in _ways(junction, arm, lane).items():
                forbidden = name == "wrongleft"
                movement = "left" if forbidden else name
                beside = own.lanes == 2 and name == "straight"
                found.append(
                    Lane(
                        name=f"{arm}_{lane}_{name}",
                        points=tuple(turned(list(points), ARMS[arm])),
                        speed_limit_mps=limit_mps,
                        movement=movement,
                        stop_s_m=stop_s,
                        signal=first_head.get(arm),
                        conflicts=() if forbidden else _conflicts(arm, movement, signals=bool(first_head)),
                        left=f"{arm}_0_straight" if beside and lane == 1 else None,
                        right=f"{arm}_1_straight" if beside and lane == 0 else None,
                        turned_s_m=None if movement == "straight" else stop_s + 2 * other.half_m + junction.corner_m,
                        share=_SHARES[movement],
                        forbidden=forbidden,
                    )
                )
    return found


def _ways(junction: Junction, arm: str, lane: int) -> dict[str, tuple[Point, ...]]:
    """From a lane of an arm, drawn for traffic from the south: the right turn from the outer lane, the left turn from
    the inner one (against the rules also from the outer one)."""
    own, other = junction.streets(arm)
    ways: dict[str, tuple[Point, ...]] = {}
    if arm != "south":
        ways["straight"] = straight_way(own, lane)
    if arm != "east" and lane == own.lanes - 1:
        ways["right"] = right_way(own, other, junction.corner_m)
    if arm != "west":
        ways["left" if lane == 0 else "wrongleft"] = left_way(own, other, lane)
    return ways


def _conflicts(arm: str, movement: str, signals: bool) -> tuple[str, ...]:
    """Left turns give way to oncoming traffic; the side street, where there are no signals, to the main street's."""
    west = tuple(f"west_{lane}_{way}" for lane in range(2) for way in ("straight", "right"))
    if arm == "east" and movement == "left":
        return west
    if arm != "south" or signals:
        return ()
    if movement == "right":
        return tuple(f"west_{lane}_straight" for lane in range(2))
    return (*west, *(f"east_{lane}_straight" for lane in range(2)), "east_0_left")


def _past_junction(junction: Junction) -> tuple[Point, Point]:
    """The edge line opposite the side street."""
    reach = stop_distance_m(junction.north_south, junction.corner_m)
    y = junction.east_west.half_m - 0.25
    return (-reach, y), (reach, y)


def _buildings(rng: np.random.Generator, junction: Junction) -> tuple[Building, ...]:
    """A closed row in the north, a block west of the side street, and a square with buildings behind it in the east."""
    side, main = junction.north_south, junction.east_west
    found = street_front(rng, main.half_m + PAVEMENT_M, EXTENT_M)
    setback = float(rng.uniform(1.0, 4.0))
    west = (-(side.half_m + PAVEMENT_M + setback), -(main.half_m + PAVEMENT_M + setback))
    found += corner_block(rng, west, (-1, -1), EXTENT_M, tallest_m=20.0)
    back = float(rng.uniform(20.0, 30.0))
    east = (side.half_m + PAVEMENT_M + back, -(main.half_m + PAVEMENT_M + back))
    found += corner_block(rng, east, (1, -1), EXTENT_M, tallest_m=14.0)
    return tuple(found)


def _trees(rng: np.random.Generator, junction: Junction) -> tuple[Point, ...]:
    """Along the arms, but not where the square in the south-east is looked across."""
    spacing = float(rng.uniform(9.0, 14.0))
    lines = junction.roadside_lines(junction.corner_m + 9.0, PAVEMENT_M - 1.0)
    found = [tree for a, b in lines for tree in row(rng, a, b, spacing, 1.5, 0.65)]
    return tuple((x, y) for x, y in found if not (0.0 < x < 42.0 and -42.0 < y < 0.0))


def _lamps(rng: np.random.Generator, junction: Junction) -> tuple[Point, ...]:
    start = junction.corner_m + 5.0 + float(rng.uniform(0.0, 3.0))
    lines = junction.roadside_lines(start, 0.9)
    opposite = junction.east_west.half_m + 0.9
    found = [lamp for a, b in lines[::2] for lamp in row(rng, a, b, 27.0)]
    return ((round(float(rng.uniform(-4.0, 4.0)), 2), opposite), *found)
