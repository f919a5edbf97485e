"""A signalised crossing of two streets, one or two lanes each way, with a crosswalk over every arm."""

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
from its_core.engines.simulator.roads.roadside import corner_block, row
from its_core.taxonomy import RoadLayout

LIMIT_MPS = 13.9
_SHARES = {"straight": 0.68, "left": 0.32, "right": 0.32}


def four_way(camera_id: str) -> Layout:
    rng = rng_of("four_way", camera_id)
    lane_m = float(rng.choice([3.3, 3.5, 3.6]))
    north_south = Street(int(rng.choice([2, 2, 1])), lane_m)
    east_west = Street(2, lane_m)
    corner_m = float(rng.choice([5.5, 6.5, 7.5]))
    junction = Junction(north_south, east_west, corner_m)
    signals, first_head = junction.signal_heads()
    lanes = (
        *_lanes(north_south, east_west, corner_m, first_head),
        *junction.u_turns(camera_id, LIMIT_MPS, first_head),
    )
    return Layout(
        name=RoadLayout.FOUR_WAY_INTERSECTION,
        lanes=lanes,
        carriageways=(
            (-north_south.half_m, -REACH_M, north_south.half_m, REACH_M),
            (-REACH_M, -east_west.half_m, REACH_M, east_west.half_m),
        ),
        corner_radius_m=corner_m,
        pavement_m=PAVEMENT_M,
        markings=tuple(junction.markings()),
        crosswalks=junction.crosswalks(),
        signals=signals,
        buildings=_buildings(rng, north_south, east_west),
        trees=_trees(rng, junction),
        street_lamps=_lamps(rng, junction),
        barriers=(),
        focus_m=(0.0, 0.0),
        extent_m=EXTENT_M,
        walkways=tuple(junction.roadside_lines(corner_m + 1.0, 0.5 * PAVEMENT_M)),
    )


def _lanes(north_south: Street, east_west: Street, corner_m: float, first_head: dict[str, int]) -> tuple[Lane, ...]:
    """Every way through the junction, drawn for traffic from the south and turned to the other arms."""
    lanes: list[Lane] = []
    for arm, turns in ARMS.items():
        own, other = (north_south, east_west) if turns % 2 == 0 else (east_west, north_south)
        stop_s = REACH_M - stop_distance_m(other, corner_m)
        for lane in range(own.lanes):
            ways: dict[str, tuple[Point, ...]] = {"straight": straight_way(own, lane)}
            if lane == own.lanes - 1:
                ways["right"] = right_way(own, other, corner_m)
            if lane == 0:
                ways["left"] = left_way(own, other, 0)
            elif lane == 1:
                ways["wrongleft"] = left_way(own, other, 1)
            for name, points in ways.items():
                forbidden = name == "wrongleft"
                movement = "left" if forbidden else name
                lanes.append(
                    Lane(
                        name=f"{arm}_{lane}_{name}",
                        points=tuple(turned(list(points), turns)),
                        speed_limit_mps=LIMIT_MPS,
                        movement=movement,
                        stop_s_m=stop_s,
                        signal=first_head[arm],
                        conflicts=() if forbidden else _conflicts(arm, movement),
                        left=f"{arm}_0_straight" if name == "straight" and lane == 1 else None,
                        right=f"{arm}_1_straight" if name == "straight" and lane == 0 and own.lanes == 2 else None,
                        turned_s_m=None if movement == "straight" else stop_s + 2 * other.half_m + corner_m,
                        share=_SHARES[movement],
                        forbidden=forbidden,
                    )
                )
    return tuple(lanes)


def _conflicts(arm: str, movement: str) -> tuple[str, ...]:
    """The ways that cross or join this one with the right of way over it: oncoming traffic, for a left turn."""
    if movement != "left":
        return ()
    opposite = {"south": "north", "north": "south", "east": "west", "west": "east"}[arm]
    return tuple(f"{opposite}_{lane}_{way}" for lane in range(2) for way in ("straight", "right"))


def _buildings(rng: np.random.Generator, north_south: Street, east_west: Street) -> tuple[Building, ...]:
    found = []
    for away in ((1, 1), (-1, 1), (-1, -1)):
        setback = float(rng.uniform(1.5, 4.0))
        corner = (
            away[0] * (north_south.half_m + PAVEMENT_M + setback),
            away[1] * (east_west.half_m + PAVEMENT_M + setback),
        )
        found += corner_block(rng, corner, away, EXTENT_M)
    # The south-east corner is a square that cameras look across; its buildings stand back.
    open_corner = (north_south.half_m + 30.0, -(east_west.half_m + 30.0))
    return tuple(found + corner_block(rng, open_corner, (1, -1), EXTENT_M, tallest_m=13.0))


def _trees(rng: np.random.Generator, junction: Junction) -> tuple[Point, ...]:
    north_south, east_west = junction.north_south, junction.east_west
    lines = junction.roadside_lines(junction.corner_m + 10.0, PAVEMENT_M - 1.0)
    spacing = float(rng.uniform(9, 13))
    found = [tree for a, b in lines for tree in row(rng, a, b, spacing, 1.5, kept=0.7)]
    square = row(
        rng,
        (north_south.half_m + 26.0, -east_west.half_m - 14.0),
        (north_south.half_m + 14.0, -east_west.half_m - 42.0),
        6.0,
        1.0,
        0.6,
    )
    return tuple(tree for tree in found if not _in_open_corner(tree, north_south, east_west)) + tuple(square)


def _in_open_corner(tree: Point, north_south: Street, east_west: Street) -> bool:
    """Near the square in the south-east, where a crown would stand in the picture."""
    return 0 < tree[0] < north_south.half_m + 24 and -east_west.half_m - 24 < tree[1] < 0


def _lamps(rng: np.random.Generator, junction: Junction) -> tuple[Point, ...]:
    lines = junction.roadside_lines(junction.corner_m + 5.0 + float(rng.uniform(0, 3)), 0.9)
    # Every other line: lamps stand on one side of an arm.
    return tuple(lamp for a, b in lines[::2] for lamp in row(rng, a, b, 26.0))
