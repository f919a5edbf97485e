"""What drivers see at one moment, computed for all of them at once: who is in their way, who is about to be, who is on
the crosswalk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import kernel
from its_core.engines.simulator.dimensions import PEDESTRIAN_RADIUS_M
from its_core.engines.simulator.roads.network import Ways, nearest_on

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

ELBOW_ROOM_M = 0.3  # kept clear on either side of one's own width
HORIZON_M = 90.0
DANGER_S = 2.0  # dangers further off than this are left to car-following
DANGER_STEP_S = 0.1
CLAIM_M = 1.0  # a person this close to a car's way over a crosswalk has claimed it
NONE = -1
STANDS_MPS = 1.5  # slower vehicles behind a junction stand in a queue
BOX_M = 30.0  # drivers this close to a stop line look for room behind the junction
QUEUE_GAP_M = 2.0  # that vehicles leave between them in a queue


@dataclass(slots=True)
class Bodies:
    """N rigid bodies as they are now: vehicles, their trailers, people. ``unit`` is the number of the road user that a
    body belongs to. ``front_m`` and ``rear_m`` reach from a body's origin, ``half_m`` is half its width."""

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

    @classmethod
    def of(cls, count: int) -> Bodies:
        x, y, vx, vy, fx, fy, front, rear, half = (np.zeros(count) for _ in range(9))
        unit, walks, wrecked = np.zeros(count, np.int64), np.zeros(count, np.bool_), np.zeros(count, np.bool_)
        return cls(x, y, vx, vy, fx, fy, front, rear, half, unit, walks, wrecked)


@dataclass(slots=True)
class Drivers:
    """D drivers: the body that each steers, the way it follows and where on it, between which distances to the left it
    is and will be, its speed, who it looks out for, the Intelligent Driver Model's numbers, and where the stop line and
    the end of the junction behind it are on the way (infinite: there is none)."""

    body: Ints
    way: Ints
    s_m: Floats
    left_m: Floats
    right_m: Floats
    speed: Floats
    sees_cars: Flags
    sees_people: Flags
    overlooks: Flags  # D×N bodies that are not seen
    headway_s: Floats
    gap_m: Floats
    pulls: Floats
    brakes: Floats
    line_m: Floats
    exit_m: Floats


@dataclass(slots=True)
class Seen:
    """Of D drivers: the acceleration that the road users ahead allow, the nearest one's body (``NONE``), gap and speed
    along the way, the seconds until a collision with somebody who is not in the way yet (infinite without one), and
    whether there is no room behind the junction ahead."""

    allows: Floats
    leader: Ints
    gap_m: Floats
    lead_mps: Floats
    danger_s: Floats
    danger_body: Ints
    no_room: Flags


def look(ways: Ways, bodies: Bodies, drivers: Drivers) -> Seen:
    count = len(drivers.body)
    seen = Seen(
        np.full(count, 1e9), np.full(count, NONE, np.int64), np.full(count, np.inf), np.zeros(count),
        np.full(count, np.inf), np.full(count, NONE, np.int64), np.zeros(count, np.bool_),
    )  # fmt: skip
    if count:
        _look(
            ways, bodies.x, bodies.y, bodies.vx, bodies.vy, bodies.fx, bodies.fy, bodies.front_m, bodies.rear_m,
            bodies.half_m, bodies.unit, bodies.walks, drivers.body, drivers.way, drivers.s_m, drivers.left_m,
            drivers.right_m, drivers.speed, drivers.sees_cars, drivers.sees_people, drivers.overlooks,
            drivers.headway_s, drivers.gap_m, drivers.pulls, drivers.brakes, seen.allows, seen.leader, seen.gap_m,
            seen.lead_mps, seen.danger_s, seen.danger_body,
        )  # fmt: skip
        _look_for_room(
            ways, bodies.x, bodies.y, bodies.vx, bodies.vy, bodies.fx, bodies.fy, bodies.front_m, bodies.rear_m,
            bodies.half_m, bodies.unit, bodies.walks, drivers.body, drivers.way, drivers.s_m, drivers.left_m,
            drivers.right_m, drivers.sees_cars, drivers.gap_m, drivers.line_m, drivers.exit_m, seen.no_room,
        )  # fmt: skip
    return seen


@kernel
def _look(
    ways: Ways, x: Floats, y: Floats, vx: Floats, vy: Floats, fx: Floats, fy: Floats, front: Floats, rear: Floats,
    half: Floats, unit: Ints, walks: Flags, body: Ints, way: Ints, s_m: Floats, left: Floats, right: Floats,
    speed: Floats, sees_cars: Flags, sees_people: Flags, overlooks: Flags, headway: Floats, own_gap: Floats,
    pulls: Floats, brakes: Floats, allows: Floats, leader: Ints, gap_m: Floats, lead_mps: Floats, danger_s: Floats,
    danger_body: Ints,
) -> None:  # fmt: skip
    for i in range(len(body)):
        me = body[i]
        if not (sees_cars[i] or sees_people[i]):
            continue
        room = half[me] + ELBOW_ROOM_M
        high, low = left[i] + room, right[i] - room
        for other in range(len(x)):
            if unit[other] == unit[me] or overlooks[i, other]:
                continue
            if (walks[other] and not sees_people[i]) or (not walks[other] and not sees_cars[i]):
                continue
            dx, dy = x[other] - x[me], y[other] - y[me]
            square = dx * dx + dy * dy
            if square > (HORIZON_M + 12.0) * (HORIZON_M + 12.0):
                continue
            s, aside, tx, ty = nearest_on(ways, way[i], x[other], y[other], s_m[i] - 12.0, s_m[i] + HORIZON_M + 12.0)
            along = abs(fx[other] * tx + fy[other] * ty)
            across = abs(fx[other] * ty - fy[other] * tx)
            ahead_reach = along * rear[other] + across * half[other]  # its end that is nearer to me when we go alike
            if fx[other] * tx + fy[other] * ty < 0.0:
                ahead_reach = along * front[other] + across * half[other]
            side_reach = along * half[other] + across * max(front[other], rear[other])
            lead = vx[other] * tx + vy[other] * ty
            if aside - side_reach < high and aside + side_reach > low and s > s_m[i]:
                gap = s - ahead_reach - s_m[i] - front[me]
                if gap < HORIZON_M and s - s_m[i] > 0.5:
                    ahead_mps = max(lead, 0.0)
                    closing = speed[i] * (speed[i] - ahead_mps) / (2.0 * np.sqrt(pulls[i] * brakes[i]))
                    wished = own_gap[i] + max(0.0, speed[i] * headway[i] + closing)
                    ratio = wished / max(gap, 0.3)
                    allowed = pulls[i] * (1.0 - ratio * ratio)
                    if allowed < allows[i]:
                        allows[i] = allowed
                    if gap < gap_m[i]:
                        gap_m[i], lead_mps[i], leader[i] = gap, ahead_mps, other
                continue
            if speed[i] < 1.0 or square > 45.0 * 45.0:
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
                mine = s_m[i] + speed[i] * t
                if (
                    beside - side_reach < high - ELBOW_ROOM_M
                    and beside + side_reach > low + ELBOW_ROOM_M
                    and there - ahead_reach < mine + front[me]
                    and there + ahead_reach > mine - rear[me]
                ):
                    danger_s[i], danger_body[i] = t, other
                    break


@kernel
def _look_for_room(
    ways: Ways, x: Floats, y: Floats, vx: Floats, vy: Floats, fx: Floats, fy: Floats, front: Floats, rear: Floats,
    half: Floats, unit: Ints, walks: Flags, body: Ints, way: Ints, s_m: Floats, left: Floats, right: Floats,
    sees_cars: Flags, own_gap: Floats, line_m: Floats, exit_m: Floats, no_room: Flags,
) -> None:  # fmt: skip
    """Whether whoever drives up to a stop line would come to stand in the junction: behind what stands there already
    and all who still drive between."""
    behind = np.empty(len(x))
    length = np.empty(len(x))
    for i in range(len(body)):
        me = body[i]
        ahead_m = line_m[i] - s_m[i] - front[me]
        if not sees_cars[i] or not -0.5 < ahead_m < BOX_M or exit_m[i] == np.inf:
            continue
        high, low = left[i] + half[me] + ELBOW_ROOM_M, right[i] - half[me] - ELBOW_ROOM_M
        last = exit_m[i] + BOX_M
        stands = np.inf
        for other in range(len(x)):
            behind[other], length[other] = np.inf, 0.0
            if unit[other] == unit[me] or walks[other]:
                continue
            dx, dy = x[other] - x[me], y[other] - y[me]
            reach = last - s_m[i] + 12.0
            if dx * dx + dy * dy > reach * reach:
                continue
            s, aside, tx, ty = nearest_on(ways, way[i], x[other], y[other], s_m[i], last + 6.0)
            along = abs(fx[other] * tx + fy[other] * ty)
            across = abs(fx[other] * ty - fy[other] * tx)
            side_reach = along * half[other] + across * max(front[other], rear[other])
            if not (aside - side_reach < high and aside + side_reach > low and s > line_m[i] and s < last):
                continue
            behind[other] = s - along * rear[other] - across * half[other]
            length[other] = along * (front[other] + rear[other]) + across * 2.0 * half[other]
            if vx[other] * vx[other] + vy[other] * vy[other] < STANDS_MPS * STANDS_MPS:
                stands = min(stands, behind[other])
        if stands == np.inf:
            continue
        taken = front[me] + rear[me] + own_gap[i]
        for other in range(len(x)):
            if behind[other] < stands:
                taken += length[other] + QUEUE_GAP_M
        no_room[i] = stands - taken < exit_m[i]


@kernel
def crosswalk_claimed(
    ways: Ways, way: int, start_m: float, end_m: float, half_m: float, x: Floats, y: Floats, vx: Floats, vy: Floats,
    standing: Flags,
) -> bool:  # fmt: skip
    """Whether one of the people at (x, y) is on the stretch of a crosswalk that a car would drive over, or about to
    step into its way. ``standing``: those who wait for the car."""
    reach = half_m + CLAIM_M + PEDESTRIAN_RADIUS_M
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
