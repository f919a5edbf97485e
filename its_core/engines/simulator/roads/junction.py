"""What junctions of two streets that cross at right angles share: ways through them, signals, crosswalks, paint.

Everything is drawn for the arm in the south and turned to the others.
"""

from __future__ import annotations

from dataclasses import dataclass

from its_core.engines.simulator.randomness import rng_of
from its_core.engines.simulator.roads.layouts import U_TURN, Crosswalk, Lane, Marking, Point, Rect, SignalHead
from its_core.engines.simulator.roads.paths import arc, joined, straight
from its_core.engines.simulator.roads.roadside import double_yellow, edge_line, lane_line, stop_line
from its_core.engines.simulator.roads.u_turns import u_turn_points

EXTENT_M = 90.0
REACH_M = 260.0  # lanes run this far out
GUTTER_M = 0.3
PAVEMENT_M = 4.0
HEAD_HEIGHT_M = 5.2
# Arms in the order of their signal heads; the heading of traffic that comes from each, in quarter turns from north
# counter-clockwise.
ARMS: dict[str, int] = {"south": 0, "west": 3, "north": 2, "east": 1}
U_TURN_BEFORE_M = (8.0, 22.0)  # the stop line, to the middle of the half circle
U_TURN_INSIDE_M = 0.8  # likewise, behind the edge of the street that crosses


@dataclass(frozen=True, slots=True)
class Street:
    """One of the two streets: lanes each way and their width."""

    lanes: int
    lane_m: float

    @property
    def half_m(self) -> float:
        return self.lanes * self.lane_m + GUTTER_M

    def offset_m(self, lane: int) -> float:
        """Distance of a lane's middle from the street's; lane 0 is the inner one."""
        return (lane + 0.5) * self.lane_m


def stop_distance_m(other: Street, corner_m: float) -> float:
    """From the junction's middle to the near edge of the stop line, on a street that crosses ``other``."""
    return other.half_m + corner_m + 2.2


def turned(points: list[Point], quarter_turns: int) -> list[Point]:
    for _ in range(quarter_turns % 4):
        points = [(-y, x) for x, y in points]
    return points


def straight_way(own: Street, lane: int) -> tuple[Point, ...]:
    x = own.offset_m(lane)
    return joined(straight((x, -REACH_M), (x, REACH_M)))


def right_way(own: Street, other: Street, corner_m: float) -> tuple[Point, ...]:
    x, y = own.offset_m(own.lanes - 1), -other.offset_m(other.lanes - 1)
    radius = corner_m + own.half_m - x
    centre = (x + radius, y - radius)
    return joined(
        straight((x, -REACH_M), (x, centre[1])), arc(centre, radius, 180, 90), straight((centre[0], y), (REACH_M, y))
    )


def left_way(own: Street, other: Street, lane: int) -> tuple[Point, ...]:
    x, y = own.offset_m(lane), other.offset_m(min(lane, other.lanes - 1))
    radius = min(own.half_m, other.half_m) + 2.5 + 3.0 * lane
    centre = (x - radius, y - radius)
    return joined(
        straight((x, -REACH_M), (x, centre[1])), arc(centre, radius, 0, 90), straight((centre[0], y), (-REACH_M, y))
    )


@dataclass(frozen=True, slots=True)
class Junction:
    """Two streets and the arms that they have (a T lacks one)."""

    north_south: Street
    east_west: Street
    corner_m: float
    arms: tuple[str, ...] = tuple(ARMS)

    def streets(self, arm: str) -> tuple[Street, Street]:
        """The street that an arm belongs to, and the one that crosses it."""
        pair = (self.north_south, self.east_west)
        return pair if ARMS[arm] % 2 == 0 else pair[::-1]

    def signal_heads(self) -> tuple[tuple[SignalHead, ...], dict[str, int]]:
        """One head a lane over the far side of each approach, and the number of each arm's first head."""
        heads: list[SignalHead] = []
        first_head: dict[str, int] = {}
        for arm in self.arms:
            own, other = self.streets(arm)
            turns = ARMS[arm]
            first_head[arm] = len(heads)
            setback = 0.3 * self.corner_m + 1.0
            mast = (own.half_m + setback, other.half_m + setback)
            for lane in range(own.lanes):
                (x, y), foot = turned([(own.offset_m(lane), mast[1]), mast], turns)
                heads.append(SignalHead((x, y, HEAD_HEIGHT_M), (180.0 + 90.0 * turns) % 360.0, foot, turns % 2))
        return tuple(heads), first_head

    def crosswalks(self, signals: bool = True) -> tuple[Crosswalk, ...]:
        """One over each arm, in their order."""
        found: list[Crosswalk] = []
        for arm in self.arms:
            own, other = self.streets(arm)
            turns = ARMS[arm]
            near = other.half_m + self.corner_m * 0.6
            far = near + 3.2
            (ax, ay), (bx, by), start, end = turned(
                [
                    (-own.half_m, -far),
                    (own.half_m, -near),
                    (-own.half_m, -(near + far) / 2),
                    (own.half_m, -(near + far) / 2),
                ],
                turns,
            )
            rect: Rect = (min(ax, bx), min(ay, by), max(ax, bx), max(ay, by))
            found.append(Crosswalk(rect, (start, end), turns % 2 if signals else None))
        return tuple(found)

    def u_turns(self, camera_id: str, speed_limit_mps: float, first_head: dict[str, int]) -> list[Lane]:
        """From the outer of two lanes of an arm back into its other side: one before the stop line, one in the
        junction."""
        rng, found = rng_of("u_turns", camera_id), []
        for arm in self.arms:
            own, other = self.streets(arm)
            before_m = float(rng.uniform(*U_TURN_BEFORE_M))
            if own.lanes < 2:
                continue
            aside_m, stop_m = own.offset_m(own.lanes - 1), stop_distance_m(other, self.corner_m)
            for place, turns_y in (("before", -stop_m - before_m), ("inside", U_TURN_INSIDE_M - other.half_m)):
                inside = place == "inside"
                found.append(
                    Lane(
                        name=f"{arm}_{own.lanes - 1}_{place}",
                        points=tuple(turned(list(u_turn_points(aside_m, turns_y, REACH_M)), ARMS[arm])),
                        speed_limit_mps=speed_limit_mps,
                        movement=U_TURN,
                        stop_s_m=REACH_M - stop_m if inside else None,
                        signal=first_head.get(arm) if inside else None,
                        turned_s_m=REACH_M + turns_y + 3.2 * aside_m,
                        forbidden=True,
                    )
                )
        return found

    def markings(self) -> list[Marking]:
        found: list[Marking] = []
        for arm in self.arms:
            own, other = self.streets(arm)
            line = -stop_distance_m(other, self.corner_m)
            lines = [turned([a, b], ARMS[arm]) for a, b in _approach_lines(own, line)]
            middle, kerb_in, kerb_out, stop = lines[:4]
            found += double_yellow(middle[0], middle[1])
            found += [edge_line(kerb_in[0], kerb_in[1]), edge_line(kerb_out[0], kerb_out[1])]
            found.append(stop_line(stop[0], stop[1]))
            for solid, dashed in zip(lines[4::2], lines[5::2], strict=True):
                found += [edge_line(solid[0], solid[1]), lane_line(dashed[0], dashed[1])]
        return found

    def roadside_lines(self, start_m: float, back_m: float) -> list[tuple[Point, Point]]:
        """Two lines, left and right of each arm, ``back_m`` behind the kerb, from ``start_m`` behind the crossing kerb
        on."""
        found: list[tuple[Point, Point]] = []
        for arm in self.arms:
            own, other = self.streets(arm)
            for side in (-1, 1):
                x = side * (own.half_m + back_m)
                a, b = turned([(x, -(other.half_m + start_m)), (x, -EXTENT_M)], ARMS[arm])
                found.append((a, b))
        return found


def _approach_lines(own: Street, line: float) -> list[tuple[Point, Point]]:
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
