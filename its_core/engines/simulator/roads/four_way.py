"""A signalised crossing of two streets, one or two lanes each way, with a crosswalk over every arm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from its_core.engines.simulator.randomness import rng_of
from its_core.engines.simulator.roads.layouts import Building, Crosswalk, Lane, Layout, Marking, Point, Rect, SignalHead
from its_core.engines.simulator.roads.paths import arc, joined, straight
from its_core.engines.simulator.roads.roadside import (
    corner_block,
    double_yellow,
    edge_line,
    lane_line,
    row,
    stop_line,
)
from its_core.taxonomy import RoadLayout

EXTENT_M = 90.0
REACH_M = 260.0  # lanes run this far out
GUTTER_M = 0.3
PAVEMENT_M = 4.0
HEAD_HEIGHT_M = 5.2
_SHARES = {"straight": 0.68, "left": 0.32, "right": 0.32}
# Arms in the order of their signal heads; the heading of traffic that comes from each, in quarter turns from north
# counter-clockwise.
ARMS: dict[str, int] = {"south": 0, "west": 3, "north": 2, "east": 1}


@dataclass(frozen=True, slots=True)
class _Street:
    """One of the two streets: lanes each way, lane width, half the carriageway's width."""

    lanes: int
    lane_m: float

    @property
    def half_m(self) -> float:
        return self.lanes * self.lane_m + GUTTER_M

    def offset_m(self, lane: int) -> float:
        """Distance of a lane's middle from the street's; lane 0 is the inner one."""
        return (lane + 0.5) * self.lane_m


def four_way(camera_id: str) -> Layout:
    rng = rng_of("four_way", camera_id)
    lane_m = float(rng.choice([3.3, 3.5, 3.6]))
    north_south = _Street(int(rng.choice([2, 2, 1])), lane_m)
    east_west = _Street(2, lane_m)
    corner_m = float(rng.choice([5.5, 6.5, 7.5]))
    signals, first_head = _signals(north_south, east_west, corner_m)
    lanes = _lanes(north_south, east_west, corner_m, first_head)
    return Layout(
        name=RoadLayout.FOUR_WAY_INTERSECTION,
        lanes=lanes,
        carriageways=(
            (-north_south.half_m, -REACH_M, north_south.half_m, REACH_M),
            (-REACH_M, -east_west.half_m, REACH_M, east_west.half_m),
        ),
        corner_radius_m=corner_m,
        pavement_m=PAVEMENT_M,
        markings=tuple(_markings(north_south, east_west, corner_m)),
        crosswalks=_crosswalks(north_south, east_west, corner_m),
        signals=signals,
        buildings=_buildings(rng, north_south, east_west),
        trees=_trees(rng, north_south, east_west, corner_m),
        street_lamps=_lamps(rng, north_south, east_west, corner_m),
        barriers=(),
        focus_m=(0.0, 0.0),
        extent_m=EXTENT_M,
        walkways=_walkways(north_south, east_west, corner_m),
    )


def stop_distance_m(other: _Street, corner_m: float) -> float:
    """From the junction's middle to the near edge of the stop line, on a street that crosses ``other``."""
    return other.half_m + corner_m + 2.2


def _turned(points: list[Point], quarter_turns: int) -> list[Point]:
    for _ in range(quarter_turns % 4):
        points = [(-y, x) for x, y in points]
    return points


def _lanes(north_south: _Street, east_west: _Street, corner_m: float, first_head: dict[str, int]) -> tuple[Lane, ...]:
    """Every way through the junction, drawn for traffic from the south and turned to the other arms."""
    lanes: list[Lane] = []
    for arm, turns in ARMS.items():
        own, other = (north_south, east_west) if turns % 2 == 0 else (east_west, north_south)
        stop_s = REACH_M - stop_distance_m(other, corner_m)
        for lane in range(own.lanes):
            ways: dict[str, tuple[Point, ...]] = {"straight": _straight(own, lane)}
            if lane == own.lanes - 1:
                ways["right"] = _right(own, other, corner_m)
            if lane == 0:
                ways["left"] = _left(own, other, 0)
            elif lane == 1:
                ways["wrongleft"] = _left(own, other, 1)
            for name, points in ways.items():
                movement = "left" if name == "wrongleft" else name
                lanes.append(
                    Lane(
                        name=f"{arm}_{lane}_{name}",
                        points=tuple(_turned(list(points), turns)),
                        speed_limit_mps=13.9,
                        movement=movement,
                        stop_s_m=stop_s,
                        signal=first_head[arm],
                        conflicts=_conflicts(arm, movement),
                        left=f"{arm}_0_straight" if name == "straight" and lane == 1 else None,
                        right=f"{arm}_1_straight" if name == "straight" and lane == 0 and own.lanes == 2 else None,
                        turned_s_m=None if movement == "straight" else stop_s + 2 * other.half_m + corner_m,
                        share=_SHARES[movement],
                        forbidden=name == "wrongleft",
                    )
                )
    return tuple(lanes)


def _straight(own: _Street, lane: int) -> tuple[Point, ...]:
    x = own.offset_m(lane)
    return joined(straight((x, -REACH_M), (x, REACH_M)))


def _right(own: _Street, other: _Street, corner_m: float) -> tuple[Point, ...]:
    x, y = own.offset_m(own.lanes - 1), -other.offset_m(other.lanes - 1)
    radius = corner_m + own.half_m - x
    centre = (x + radius, y - radius)
    return joined(
        straight((x, -REACH_M), (x, centre[1])), arc(centre, radius, 180, 90), straight((centre[0], y), (REACH_M, y))
    )


def _left(own: _Street, other: _Street, lane: int) -> tuple[Point, ...]:
    x, y = own.offset_m(lane), other.offset_m(min(lane, other.lanes - 1))
    radius = min(own.half_m, other.half_m) + 2.5 + 3.0 * lane
    centre = (x - radius, y - radius)
    return joined(
        straight((x, -REACH_M), (x, centre[1])), arc(centre, radius, 0, 90), straight((centre[0], y), (-REACH_M, y))
    )


def _conflicts(arm: str, movement: str) -> tuple[str, ...]:
    """The ways that cross or join this one with the right of way over it: oncoming traffic, for a left turn."""
    if movement != "left":
        return ()
    opposite = {"south": "north", "north": "south", "east": "west", "west": "east"}[arm]
    return tuple(f"{opposite}_{lane}_{way}" for lane in range(2) for way in ("straight", "right"))


def _signals(
    north_south: _Street, east_west: _Street, corner_m: float
) -> tuple[tuple[SignalHead, ...], dict[str, int]]:
    """One head a lane over the far side of each approach, and the number of each arm's first head."""
    heads: list[SignalHead] = []
    first_head: dict[str, int] = {}
    for arm, turns in ARMS.items():
        own, other = (north_south, east_west) if turns % 2 == 0 else (east_west, north_south)
        first_head[arm] = len(heads)
        setback = 0.3 * corner_m + 1.0
        mast = (own.half_m + setback, other.half_m + setback)
        for lane in range(own.lanes):
            (x, y), foot = _turned([(own.offset_m(lane), mast[1]), mast], turns)
            heads.append(SignalHead((x, y, HEAD_HEIGHT_M), (180.0 + 90.0 * turns) % 360.0, foot, turns % 2))
    return tuple(heads), first_head


def _crosswalks(north_south: _Street, east_west: _Street, corner_m: float) -> tuple[Crosswalk, ...]:
    """Over the south, west, north and east arm, in the order of ``ARMS``."""
    found: list[Crosswalk] = []
    for turns in ARMS.values():
        own, other = (north_south, east_west) if turns % 2 == 0 else (east_west, north_south)
        near = other.half_m + corner_m * 0.6
        far = near + 3.2
        (ax, ay), (bx, by), start, end = _turned(
            [
                (-own.half_m, -far),
                (own.half_m, -near),
                (-own.half_m, -(near + far) / 2),
                (own.half_m, -(near + far) / 2),
            ],
            turns,
        )
        rect: Rect = (min(ax, bx), min(ay, by), max(ax, bx), max(ay, by))
        found.append(Crosswalk(rect, (start, end), turns % 2))
    return tuple(found)


def _markings(north_south: _Street, east_west: _Street, corner_m: float) -> list[Marking]:
    found: list[Marking] = []
    for turns in ARMS.values():
        own, other = (north_south, east_west) if turns % 2 == 0 else (east_west, north_south)
        line = -stop_distance_m(other, corner_m)
        turned = [_turned([a, b], turns) for a, b in _approach_lines(own, line)]
        middle, kerb_in, kerb_out, stop = turned[:4]
        found += double_yellow(middle[0], middle[1])
        found += [edge_line(kerb_in[0], kerb_in[1]), edge_line(kerb_out[0], kerb_out[1])]
        found.append(stop_line(stop[0], stop[1]))
        for solid, dashed in zip(turned[4::2], turned[5::2], strict=True):
            found += [edge_line(solid[0], solid[1]), lane_line(dashed[0], dashed[1])]
    return found


def _approach_lines(own: _Street, line: float) -> list[tuple[Point, Point]]:
    """Of the south arm: middle, both edges, stop line, then for each lane divider a solid and a dashed stretch."""
    edge = own.half_m - 0.25
    found = [
        ((0.0, line), (0.0, -REACH_M)),
        ((edge, line), (edge, -REACH_M)),
        ((-edge, line), (-edge, -REACH_M)),
        ((0.2, line - 0.22), (own.half_m - 0.2, line - 0.22)),
    ]
    for lane in range(1, own.lanes):
        for x in (lane * own.lane_m, -lane * own.lane_m):
            found += [((x, line), (x, line - 18.0)), ((x, line - 20.0), (x, -REACH_M))]
    return found


def _buildings(rng: np.random.Generator, north_south: _Street, east_west: _Street) -> tuple[Building, ...]:
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


def _roadside_lines(
    north_south: _Street, east_west: _Street, start_m: float, back_m: float
) -> list[tuple[Point, Point]]:
    """Eight lines, either side of each arm, ``back_m`` behind the kerb, from ``start_m`` behind the crossing kerb
    on."""
    found: list[tuple[Point, Point]] = []
    for turns in ARMS.values():
        own, other = (north_south, east_west) if turns % 2 == 0 else (east_west, north_south)
        for side in (-1, 1):
            x = side * (own.half_m + back_m)
            a, b = _turned([(x, -(other.half_m + start_m)), (x, -EXTENT_M)], turns)
            found.append((a, b))
    return found


def _trees(rng: np.random.Generator, north_south: _Street, east_west: _Street, corner_m: float) -> tuple[Point, ...]:
    lines = _roadside_lines(north_south, east_west, corner_m + 10.0, PAVEMENT_M - 1.0)
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


def _in_open_corner(tree: Point, north_south: _Street, east_west: _Street) -> bool:
    """Near the square in the south-east, where a crown would stand in the picture."""
    return 0 < tree[0] < north_south.half_m + 24 and -east_west.half_m - 24 < tree[1] < 0


def _lamps(rng: np.random.Generator, north_south: _Street, east_west: _Street, corner_m: float) -> tuple[Point, ...]:
    lines = _roadside_lines(north_south, east_west, corner_m + 5.0 + float(rng.uniform(0, 3)), 0.9)
    # Every other line: lamps stand on one side of an arm.
    return tuple(lamp for a, b in lines[::2] for lamp in row(rng, a, b, 26.0))


def _walkways(north_south: _Street, east_west: _Street, corner_m: float) -> tuple[tuple[Point, Point], ...]:
    return tuple(_roadside_lines(north_south, east_west, corner_m + 1.0, 0.5 * PAVEMENT_M))
