"""The rules of the road at one moment: what the signals show, who has to give way, who is on a crosswalk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import inline
from its_core.engines.simulator.roads.lane_table import NONE, LaneTable, Record
from its_core.engines.simulator.roads.signals import GREEN

Floats = NDArray[np.float64]
Records = NDArray[np.void]

COMING_S = 4.2  # gives way to cars that are nearer than this
PASSED_M = 3.0
STARTS_M = 26.0  # and to those who may start from a line this near
GATHERS_MPS2 = 0.4  # who accelerates more than this gathers speed


People = tuple[Floats, Floats, Floats, Floats, NDArray[np.bool_]]


@dataclass(slots=True)
class Junctions:
    """``signals``: the aspect of every head. ``people``: x, y and velocities of everyone on foot who is not lying, and
    whether they wait for the traffic. ``blocked``: a wreck lies in the junction."""

    signals: NDArray[np.int64]
    people: People
    blocked: bool = False


@inline
def gives_way_at_m(drivers: Records, i: int, table: LaneTable, signals: NDArray[np.int64], patience: float) -> float:
    """The first arc length of a driver's way at which somebody with the right of way will be within a few seconds;
    infinite where nobody will. ``patience`` below 1 takes smaller gaps."""
    me, first_m = drivers[i], np.inf
    for k in range(table.first[int(me.way)], table.first[int(me.way) + 1]):
        way, own_m, other_m = table.rights[k]
        if me.s_m > own_m or own_m >= first_m:
            continue
        for j in range(len(drivers)):
            other = drivers[j]
            if other.way == way and j != i and _comes(other, other_m, table.lanes[int(way)], signals, patience):
                first_m = own_m
                break
    return first_m


@inline
def _comes(other: Record, at_m: float, lane: Record, signals: NDArray[np.int64], patience: float) -> bool:
    """Whether somebody is at an arc length of their way, or will be within a few seconds."""
    left = at_m - other.s_m
    if left <= -(other.rear_m + PASSED_M):
        return False
    if left < max(other.speed, 2.0) * COMING_S * patience + other.front_m:
        return True
    if left < STARTS_M + other.front_m and _may_start(other, lane, signals):
        return True
    gathers_speed = other.speed > 0.5 and other.acceleration > GATHERS_MPS2
    return left > 0.0 and gathers_speed and arrives_in_s(other, at_m) < COMING_S * patience


@inline
def _may_start(other: Record, lane: Record, signals: NDArray[np.int64]) -> bool:
    """Whether somebody waits at a line that the signal lets them pass."""
    if lane.signal == NONE or signals[int(lane.signal)] != GREEN:
        return False
    return -1.0 < lane.line_m - other.s_m - other.front_m < 4.0


@inline
def arrives_in_s(user: Record, s_m: float) -> float:
    """Seconds until somebody's middle is at an arc length of their way: at the present acceleration up to the speed
    that the driver wishes for."""
    left, pull = s_m - user.s_m, user.acceleration
    if left <= 0.0:
        return 0.0
    if abs(pull) < 0.15:
        return left / max(user.speed, 0.1)
    if pull < 0.0:
        root = user.speed * user.speed + 2.0 * pull * left
        return np.inf if root <= 0.0 else (user.speed - np.sqrt(root)) / -pull
    top = max(user.desired_mps, user.speed)
    reached_s = (top - user.speed) / pull
    while_m = (user.speed + top) / 2.0 * reached_s
    if while_m > left:
        return float((np.sqrt(user.speed * user.speed + 2.0 * pull * left) - user.speed) / pull)
    return reached_s + (left - while_m) / top


@inline
def next_in_zip(drivers: Records, me: Record, lane: Record, lanes: Records) -> tuple[float, float]:
    """Gap and speed of the nearest vehicle of the lane that merges with a driver's own which is to go first, being
    nearer to where the two are one; an infinite gap where there is nobody."""
    nearest_m, speed = np.inf, 0.0
    if not lane.merge_from_m < me.s_m < lane.merge_to_m:
        return nearest_m, speed
    left_m = lane.merge_to_m - me.s_m
    theirs = lanes[int(lane.merges_with)]
    if theirs.merges_with == NONE:
        return nearest_m, speed
    for j in range(len(drivers)):
        other = drivers[j]
        if other.way != lane.merges_with:
            continue
        ahead_m = left_m - (theirs.merge_to_m - other.s_m)
        gap_m = ahead_m - other.rear_m - me.front_m
        if ahead_m > 0.0 and gap_m < nearest_m:
            nearest_m, speed = gap_m, other.speed
    return nearest_m, speed
