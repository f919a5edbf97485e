"""A town street from west to east: a side street joins from the south, and a crosswalk lies just east of it."""

from __future__ import annotations

import numpy as np

from its_core.engines.simulator.randomness import rng_of
from its_core.engines.simulator.roads.layouts import U_TURN, Building, Crosswalk, Lane, Layout, Marking, Point
from its_core.engines.simulator.roads.paths import arc, joined, straight
from its_core.engines.simulator.roads.roadside import (
    corner_block,
    double_yellow,
    edge_line,
    lane_line,
    row,
    stop_line,
    street_front,
)
from its_core.engines.simulator.roads.u_turns import u_turn_points, wide_u_turn_points
from its_core.taxonomy import RoadLayout

EXTENT_M = 90.0
REACH_M = 260.0
LANE_M = 3.4
GUTTER_M = 0.6
PAVEMENT_M = 4.2
SIDE_X_M = -15.0  # the side street's middle
SIDE_LANE_M = 3.2
SIDE_HALF_M = SIDE_LANE_M + 0.3
CORNER_M = 5.5
CROSSWALK_HALF_M = 1.9  # the main crosswalk lies about x = 0
U_TURNS_EAST_X_M = (-38.0, -28.0)  # middles of half circles: west of the side street, and east of the crosswalk
U_TURNS_WEST_X_M = (10.0, 22.0)
STOP_GAP_M = 1.6  # from a crosswalk's edge to the stop line


def urban_street(camera_id: str) -> Layout:
    rng = rng_of("urban_street", camera_id)
    lanes = int(rng.choice([1, 1, 2]))
    half_m = lanes * LANE_M + GUTTER_M
    return Layout(
        name=RoadLayout.URBAN_STREET,
        lanes=tuple(_main_lanes(lanes, half_m) + _side_lanes(lanes, half_m) + _u_turns(camera_id, lanes)),
        carriageways=(
            (-REACH_M, -half_m, REACH_M, half_m),
            (SIDE_X_M - SIDE_HALF_M, -REACH_M, SIDE_X_M + SIDE_HALF_M, -half_m),
        ),
        corner_radius_m=CORNER_M,
        pavement_m=PAVEMENT_M,
        markings=tuple(_markings(lanes, half_m)),
        crosswalks=_crosswalks(half_m),
        signals=(),
        buildings=_buildings(rng, half_m),
        trees=_trees(rng, half_m),
        street_lamps=tuple(
            row(rng, (-EXTENT_M + float(rng.uniform(0, 10)), half_m + 0.9), (EXTENT_M, half_m + 0.9), 24.0)
            + row(rng, (16.0, -half_m - 0.9), (EXTENT_M, -half_m - 0.9), 30.0)
        ),
        barriers=(),
        focus_m=(-2.0, -0.5 * half_m),
        extent_m=EXTENT_M,
        walkways=_walkways(half_m),
    )


def _main_lanes(lanes: int, half_m: float) -> list[Lane]:
    """Straight on both ways, and the right turn into the side street."""
    found: list[Lane] = []
    stop_s = REACH_M - CROSSWALK_HALF_M - STOP_GAP_M
    for lane in range(lanes):
        y = (lane + 0.5) * LANE_M
        east = joined(straight((-REACH_M, -y), (REACH_M, -y)))
        west = joined(straight((REACH_M, y), (-REACH_M, y)))
        for way, points in (("east", east), ("west", west)):
            found.append(
                Lane(
                    f"{way}_{lane}_straight",
                    points,
                    12.5,
                    "straight",
                    stop_s,
                    left=f"{way}_{lane - 1}_straight" if lane > 0 else None,
                    right=f"{way}_{lane + 1}_straight" if lane < lanes - 1 else None,
                    share=0.8,
                )
            )
    y, x = -(lanes - 0.5) * LANE_M, SIDE_X_M - 0.5 * SIDE_LANE_M
    radius = CORNER_M + half_m + y
    centre = (x - radius, y - radius)
    turn = joined(
        straight((-REACH_M, y), (centre[0], y)), arc(centre, radius, 90, 0), straight((x, centre[1]), (x, -REACH_M))
    )
    turned = REACH_M + centre[0] + 2.0 * radius
    found.append(Lane(f"east_{lanes - 1}_right", turn, 12.5, "right", turned_s_m=turned, share=0.2))
    found.append(_forbidden_left(lanes))
    return found


def _forbidden_left(lanes: int) -> Lane:
    """From the east into the side street, across the oncoming traffic."""
    y, x = 0.5 * LANE_M, SIDE_X_M - 0.5 * SIDE_LANE_M
    radius = 7.5
    centre = (x + radius, y - radius)
    points = joined(
        straight((REACH_M, y), (centre[0], y)), arc(centre, radius, 90, 180), straight((x, centre[1]), (x, -REACH_M))
    )
    oncoming = (*(f"east_{lane}_straight" for lane in range(lanes)), f"east_{lanes - 1}_right")
    return Lane(
        "west_0_wrongleft",
        points,
        12.5,
        "left",
        conflicts=oncoming,
        turned_s_m=REACH_M - centre[0] + 12.0,
        forbidden=True,
    )


def _u_turns(camera_id: str, lanes: int) -> list[Lane]:
    """Between the kerbs of a street of two lanes each way; by the mouth of the side street where there is one."""
    if lanes == 1:
        points = wide_u_turn_points(0.5 * LANE_M, -SIDE_X_M + 0.5, REACH_M)
        return [_u_turn("west_0", [(-y, x) for x, y in points], REACH_M - SIDE_X_M + 14.0)]
    rng = rng_of("u_turns", camera_id)
    west_x = float(rng.uniform(*U_TURNS_WEST_X_M))
    east_x = float(rng.uniform(*(U_TURNS_EAST_X_M if rng.random() < 0.5 else U_TURNS_WEST_X_M)))
    aside_m = 1.5 * LANE_M
    east, west = u_turn_points(aside_m, east_x, REACH_M), u_turn_points(aside_m, -west_x, REACH_M)
    return [
        _u_turn("east_1", [(y, -x) for x, y in east], REACH_M + east_x + 3.2 * aside_m),
        _u_turn("west_1", [(-y, x) for x, y in west], REACH_M - west_x + 3.2 * aside_m),
    ]


def _u_turn(approach: str, points: list[Point], turned_m: float) -> Lane:
    return Lane(f"{approach}_around", tuple(points), 12.5, U_TURN, turned_s_m=turned_m, forbidden=True)


def _side_lanes(lanes: int, half_m: float) -> list[Lane]:
    """Out of the side street to either side; it gives way to all of the main street's traffic."""
    x, y = SIDE_X_M + 0.5 * SIDE_LANE_M, -(lanes - 0.5) * LANE_M
    radius = CORNER_M + half_m + y
    centre = (x + radius, y - radius)
    points = joined(
        straight((x, -REACH_M), (x, centre[1])), arc(centre, radius, 180, 90), straight((centre[0], y), (REACH_M, y))
    )
    stop_s = REACH_M - _side_crosswalk_far_m(half_m) - STOP_GAP_M
    main = f"east_{lanes - 1}_straight"
    turned = stop_s + 12.0
    left_radius = 7.5
    left_centre = (x - left_radius, 0.5 * LANE_M - left_radius)
    left = joined(
        straight((x, -REACH_M), (x, left_centre[1])),
        arc(left_centre, left_radius, 0, 90),
        straight((left_centre[0], 0.5 * LANE_M), (-REACH_M, 0.5 * LANE_M)),
    )
    every = tuple(f"{way}_{lane}_straight" for way in ("east", "west") for lane in range(lanes))
    return [
        Lane("side_0_right", points, 9.0, "right", stop_s, conflicts=(main,), turned_s_m=turned, share=0.6),
        Lane("side_0_left", left, 9.0, "left", stop_s, conflicts=every, turned_s_m=stop_s + 16.0, share=0.4),
    ]


def _side_crosswalk_far_m(half_m: float) -> float:
    return half_m + CORNER_M + 2.6


def _crosswalks(half_m: float) -> tuple[Crosswalk, ...]:
    """Over the main street, then over the side street."""
    far = -_side_crosswalk_far_m(half_m)
    near = far + 3.2
    middle = (near + far) / 2
    left, right = SIDE_X_M - SIDE_HALF_M, SIDE_X_M + SIDE_HALF_M
    return (
        Crosswalk((-CROSSWALK_HALF_M, -half_m, CROSSWALK_HALF_M, half_m), ((0.0, -half_m), (0.0, half_m))),
        Crosswalk((left, far, right, near), ((left, middle), (right, middle))),
    )


def _markings(lanes: int, half_m: float) -> list[Marking]:
    stop_x = CROSSWALK_HALF_M + STOP_GAP_M
    junction = (SIDE_X_M - SIDE_HALF_M - CORNER_M, SIDE_X_M + SIDE_HALF_M + CORNER_M)
    edge = half_m - 0.3
    found = [
        *double_yellow((-REACH_M, 0.0), (junction[0], 0.0)),
        *double_yellow((junction[1], 0.0), (-stop_x, 0.0)),
        *double_yellow((stop_x, 0.0), (REACH_M, 0.0)),
        lane_line((junction[0], 0.0), (junction[1], 0.0), 1.0, 1.0),
        stop_line((-stop_x, -half_m + 0.3), (-stop_x, -0.2)),
        stop_line((stop_x, 0.2), (stop_x, half_m - 0.3)),
        edge_line((-REACH_M, edge), (-stop_x, edge)),
        edge_line((stop_x, edge), (REACH_M, edge)),
        edge_line((-REACH_M, -edge), (junction[0], -edge)),
        edge_line((stop_x, -edge), (REACH_M, -edge)),
    ]
    for lane in range(1, lanes):
        for y in (lane * LANE_M, -lane * LANE_M):
            found += [lane_line((-REACH_M, y), (-stop_x, y)), lane_line((stop_x, y), (REACH_M, y))]
    far = -_side_crosswalk_far_m(half_m)
    found += double_yellow((SIDE_X_M, far - STOP_GAP_M), (SIDE_X_M, -REACH_M))
    line_y = far - STOP_GAP_M - 0.22
    found.append(stop_line((SIDE_X_M + 0.2, line_y), (SIDE_X_M + SIDE_HALF_M - 0.2, line_y)))
    return found


def _buildings(rng: np.random.Generator, half_m: float) -> tuple[Building, ...]:
    """A closed row in the north, a block west of the side street, and a square with buildings behind it in the east."""
    back_m = half_m + PAVEMENT_M
    found = street_front(rng, back_m, EXTENT_M)
    west = (SIDE_X_M - SIDE_HALF_M - PAVEMENT_M - 0.5, -back_m - 0.5)
    found += corner_block(rng, west, (-1, -1), EXTENT_M, tallest_m=18.0)
    east = (SIDE_X_M + SIDE_HALF_M + PAVEMENT_M + 24.0, -back_m - 24.0)
    found += corner_block(rng, east, (1, -1), EXTENT_M, tallest_m=13.0)
    return tuple(found)


def _trees(rng: np.random.Generator, half_m: float) -> tuple[Point, ...]:
    """Along the north pavement away from the crosswalk, and further down the south side."""
    y = half_m + PAVEMENT_M - 1.2
    spacing = float(rng.uniform(9, 14))
    found = row(rng, (-EXTENT_M, y), (-14.0, y), spacing, 1.5, 0.75)
    found += row(rng, (14.0, y), (EXTENT_M, y), spacing, 1.5, 0.75)
    found += row(rng, (34.0, -y), (EXTENT_M, -y), spacing, 1.5, 0.75)
    x = SIDE_X_M - SIDE_HALF_M - 1.6
    found += row(rng, (x, -half_m - 22.0), (x, -EXTENT_M), spacing, 1.5, 0.6)
    return tuple(found)


def _walkways(half_m: float) -> tuple[tuple[Point, Point], ...]:
    y = half_m + 0.5 * PAVEMENT_M
    west, east = SIDE_X_M - SIDE_HALF_M - CORNER_M, SIDE_X_M + SIDE_HALF_M + CORNER_M
    beside_m, corner_y = SIDE_HALF_M + 0.5 * PAVEMENT_M, -half_m - CORNER_M - 1.0
    return (
        ((-EXTENT_M, y), (EXTENT_M, y)),
        ((-EXTENT_M, -y), (west, -y)),
        ((east, -y), (EXTENT_M, -y)),
        *(((SIDE_X_M + x, -EXTENT_M), (SIDE_X_M + x, corner_y)) for x in (-beside_m, beside_m)),
    )
