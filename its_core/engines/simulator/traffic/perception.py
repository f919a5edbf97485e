"""What drivers see at one moment, computed for all of them at once: who is in their way, who is about to be, who is on
the crosswalk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import inline, kernel
from its_core.engines.simulator.dimensions import PEDESTRIAN_RADIUS_M
from its_core.engines.simulator.roads.network import Network, Ways, nearest_on
from its_core.engines.simulator.traffic.driver_table import Drivers
from its_core.engines.simulator.traffic.drivers import follows_mps2

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Records = NDArray[np.void]

ELBOW_ROOM_M = 0.3  # kept clear on either side of one's own width
HORIZON_M = 90.0
DANGER_S = 2.0  # dangers further off than this are left to car-following
DANGER_STEP_S = 0.1
DANGER_M = 45.0  # and those further away
HALF_CAR_M = 1.0
CLAIM_M = 1.0  # a person this close to a car on a crosswalk has claimed it
STANDS_MPS = 1.5  # slower vehicles behind a junction stand in a queue
BOX_M = 30.0  # drivers this close to a stop line look for room behind the junction
QUEUE_GAP_M = 2.0  # that vehicles leave between them in a queue


@dataclass(slots=True)
class Bodies:
    """N rigid bodies as they are now: vehicles, their trailers, people. ``unit`` is the number of the road user that a
    body belongs to. ``front_m`` and ``rear_m`` reach from a body's origin, ``half_m`` is half its width. The first nine
    are the rows of ``table``, which compiled code takes faster than nine arrays."""

    x: Floats
    y: Floats
    vx: Floats
    vy: Floats
    fx: Floats
    fy: Floats
    front_m: Floats
    rear_m: Floats
    half_m: Floats
    unit: Ints
    walks: Flags
    wrecked: Flags
    table: Floats

    @classmethod
    def of(cls, count: int) -> Bodies:
        table = np.zeros((9, count))
        unit, walks, wrecked = np.zeros(count, np.int64), np.zeros(count, np.bool_), np.zeros(count, np.bool_)
        x, y, vx, vy, fx, fy, front, rear, half = table
        return cls(x, y, vx, vy, fx, fy, front, rear, half, unit, walks, wrecked, table)


@dataclass(slots=True)
class Seen:
    """Of D drivers: the acceleration that the road users ahead allow, the seconds until a collision with somebody who
    is not in the way yet (infinite without one), and whether there is no room behind the junction ahead."""

    allows: Floats
    danger_s: Floats
    no_room: Flags


def look(roads: Network, bodies: Bodies, drivers: Drivers) -> Seen:
    seen = _look(
        roads.ways, roads.table.lanes, bodies.table, bodies.unit, bodies.walks, drivers.table, drivers.overlooks
    )
    return Seen(*seen)


@inline
def _box(ways: Ways, way: int, from_m: float, to_m: float) -> tuple[float, float, float, float]:
    """Least and most of x and y of a way between two arc lengths; behind its end it goes straight on."""
    first, last = ways.first[way], ways.first[way + 1] - 1
    low = min(max(first + int(from_m), first), last - 1)
    high = min(max(first + int(to_m) + 1, low + 1), last)
    x_low, x_high, y_low, y_high = ways.x[low], ways.x[low], ways.y[low], ways.y[low]
    for i in range(low + 1, high + 1):
        x_low, x_high = min(x_low, ways.x[i]), max(x_high, ways.x[i])
        y_low, y_high = min(y_low, ways.y[i]), max(y_high, ways.y[i])
    beyond_m = to_m - (last - first)
    if beyond_m > 0.0:
        x, y = ways.x[last] + beyond_m * ways.tx[last], ways.y[last] + beyond_m * ways.ty[last]
        x_low, x_high, y_low, y_high = min(x_low, x), max(x_high, x), min(y_low, y), max(y_high, y)
    return x_low, x_high, y_low, y_high


@inline
def _is_outside(box: tuple[float, float, float, float], x: float, y: float, reach_m: float) -> bool:
    """Whether somebody is farther than ``reach_m`` from a box about a way. The reach counts across and along the way,
    which together is up to √2 times as far; the rest of the half more, and the metre, are for bends."""
    return _is_farther(box, x, y, 1.5 * reach_m + 1.0)


@inline
def _is_farther(box: tuple[float, float, float, float], x: float, y: float, far_m: float) -> bool:
    x_low, x_high, y_low, y_high = box
    dx, dy = max(x_low - x, x - x_high, 0.0), max(y_low - y, y - y_high, 0.0)
    return dx * dx + dy * dy > far_m * far_m


@inline
def _in_way_m(aside_m: float, front_m: float, rear_m: float, half_m: float) -> float:
    """How far from a way's box somebody in the way can be. Whoever's nearest vertex is between the ends is as far from
    it as beside the way, but for half a metre and, a bend turning less than a quarter rad in a metre, an eighth as much
    ahead: together less than 1.01 times as far and 0.55 m. Behind the end, no farther than one's own length counts."""
    return 1.01 * (aside_m + half_m + max(front_m, rear_m)) + 0.55


@kernel
def _look(
    ways: Ways, lanes: Records, bodies: Floats, unit: Ints, walks: Flags, drivers: Records, overlooks: Flags
) -> tuple[Floats, Floats, Flags]:  # fmt: skip
    count = len(drivers)
    allows, danger_s = np.full(count, 1e9), np.full(count, np.inf)
    no_room = np.zeros(count, np.bool_)
    x, y, vx, vy, fx, fy = bodies[0], bodies[1], bodies[2], bodies[3], bodies[4], bodies[5]
    front, rear, half = bodies[6], bodies[7], bodies[8]
    for i in range(count):
        me = drivers[i]
        if me.is_blind:
            continue
        way, s_m, speed = int(me.way), me.s_m, me.speed
        left, right = max(me.aside_m, me.later_m), min(me.aside_m, me.later_m)
        line_m, exit_m = lanes[way].line_m, lanes[way].exit_m
        room = half[i] + ELBOW_ROOM_M
        high, low = left + room, right - room
        if -0.5 < line_m - s_m - front[i] < BOX_M and exit_m < np.inf:
            no_room[i] = _has_no_room(ways, bodies, unit, walks, i, way, s_m, left, right, me.gap_m, line_m, exit_m)
        box = _box(ways, way, s_m - 12.0, s_m + HORIZON_M + 12.0)
        widest = max(abs(high), abs(low))
        for other in range(len(x)):
            if unit[other] == unit[i] or overlooks[i, other]:
                continue
            if walks[other] and me.is_careless:
                continue
            dx, dy = x[other] - x[i], y[other] - y[i]
            square = dx * dx + dy * dy
            if square > (HORIZON_M + 12.0) * (HORIZON_M + 12.0):
                continue
            may_come = speed >= 1.0 and square <= DANGER_M * DANGER_M
            if may_come or s_m < 0.0:
                reach = widest + front[i] + rear[i] + half[other] + front[other] + rear[other]
                if may_come:
                    reach += DANGER_S * (abs(vx[other]) + abs(vy[other]))
                if _is_outside(box, x[other], y[other], reach):
                    continue
            else:
                far_m = _in_way_m(widest, front[other], rear[other], half[other])
                if _is_farther(box, x[other], y[other], far_m):
                    continue
            s, aside, tx, ty = nearest_on(ways, way, x[other], y[other], s_m - 12.0, s_m + HORIZON_M + 12.0)
            along = abs(fx[other] * tx + fy[other] * ty)
            across = abs(fx[other] * ty - fy[other] * tx)
            ahead_reach = along * rear[other] + across * half[other]  # its end that is nearer to me when we go alike
            if fx[other] * tx + fy[other] * ty < 0.0:
                ahead_reach = along * front[other] + across * half[other]
            side_reach = along * half[other] + across * max(front[other], rear[other])
            lead = vx[other] * tx + vy[other] * ty
            if aside - side_reach < high and aside + side_reach > low and s > s_m:
                gap = s - ahead_reach - s_m - front[i]
                if gap < HORIZON_M and s - s_m > 0.5:
                    ahead_mps = max(lead, 0.0)
                    allowed = follows_mps2(me.pulls_mps2, me.brakes_mps2, me.gap_m, me.headway_s, speed, gap, ahead_mps)
                    if allowed < allows[i]:
                        allows[i] = allowed
                continue
            if not may_come:
                continue
            # Not in the way yet: will both be at one place within the next two seconds?
            sideways = -vx[other] * ty + vy[other] * tx
            if aside * sideways >= 0.0 and abs(aside) > 1.0:
                continue
            for step in range(1, int(DANGER_S / DANGER_STEP_S) + 1):
                t = step * DANGER_STEP_S
                if t >= danger_s[i]:
                    break
                there, beside = s + lead * t, aside + sideways * t
                mine = s_m + speed * t
                if (
                    beside - side_reach < high - ELBOW_ROOM_M
                    and beside + side_reach > low + ELBOW_ROOM_M
                    and there - ahead_reach < mine + front[i]
                    and there + ahead_reach > mine - rear[i]
                ):
                    danger_s[i] = t
                    break
    return allows, danger_s, no_room


@kernel
def _has_no_room(
    ways: Ways, bodies: Floats, unit: Ints, walks: Flags, me: int, way: int, s_m: float, left: float, right: float,
    own_gap: float, line_m: float, exit_m: float,
) -> bool:  # fmt: skip
    """Whether whoever drives up to a stop line would come to stand in the junction: behind what stands there already
    and all who still drive between."""
    x, y, vx, vy, fx, fy = bodies[0], bodies[1], bodies[2], bodies[3], bodies[4], bodies[5]
    front, rear, half = bodies[6], bodies[7], bodies[8]
    behind, length = np.full(len(x), np.inf), np.zeros(len(x))
    high, low = left + half[me] + ELBOW_ROOM_M, right - half[me] - ELBOW_ROOM_M
    last = exit_m + BOX_M
    box = _box(ways, way, s_m, last + 6.0)
    widest = max(abs(high), abs(low))
    stands = np.inf
    for other in range(len(x)):
        if unit[other] == unit[me] or walks[other]:
            continue
        dx, dy = x[other] - x[me], y[other] - y[me]
        reach = last - s_m + 12.0
        if dx * dx + dy * dy > reach * reach:
            continue
        if _is_outside(box, x[other], y[other], widest + half[other] + front[other] + rear[other]):
            continue
        s, aside, tx, ty = nearest_on(ways, way, x[other], y[other], s_m, last + 6.0)
        along = abs(fx[other] * tx + fy[other] * ty)
        across = abs(fx[other] * ty - fy[other] * tx)
        side_reach = along * half[other] + across * max(front[other], rear[other])
        if not (aside - side_reach < high and aside + side_reach > low and s > line_m and s < last):
            continue
        behind[other] = s - along * rear[other] - across * half[other]
        length[other] = along * (front[other] + rear[other]) + across * 2.0 * half[other]
        if vx[other] * vx[other] + vy[other] * vy[other] < STANDS_MPS * STANDS_MPS:
            stands = min(stands, behind[other])
    if stands == np.inf:
        return False
    taken = front[me] + rear[me] + own_gap
    for other in range(len(x)):
        if behind[other] < stands:
            taken += length[other] + QUEUE_GAP_M
    return bool(stands - taken < exit_m)


@inline
def is_claimed(
    ways: Ways, way: int, start_m: float, end_m: float, x: Floats, y: Floats, vx: Floats, vy: Floats, standing: Flags
) -> bool:
    """Whether one of the people at (x, y) is on what a car would drive over between two arc lengths of a way, where it
    runs over a crosswalk, or about to step into its way. ``standing``: those who wait for the car."""
    reach = HALF_CAR_M + CLAIM_M + PEDESTRIAN_RADIUS_M
    for i in range(len(x)):
        if standing[i]:
            continue
        s, aside, tx, ty = nearest_on(ways, way, x[i], y[i], start_m - 6.0, end_m + 6.0)
        if s < start_m - 0.8 or s > end_m + 0.8:
            continue
        sideways = -vx[i] * ty + vy[i] * tx
        inside = abs(aside) < reach
        coming = abs(aside + 1.4 * sideways) < max(abs(aside), reach)
        # One and a half seconds of walking decide whether someone will be in the way.
        crossing = (aside > 0.0) != (aside + 1.6 * sideways > 0.0)
        if (inside and coming) or crossing:
            return True
    return False
