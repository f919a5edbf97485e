"""How drivers follow the road, the car ahead, the signals and the people on a crosswalk, decided for all of them at
once.

Car-following is the Intelligent Driver Model (Treiber, Hennecke and Helbing, Phys. Rev. E 62, 2000): a red light, a
crosswalk to yield at and a wreck are standing cars to it. A driver decides an acceleration and the lamps; what moves
the vehicle, rails or tyres, is not their affair.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import inline, kernel
from its_core.engines.simulator.roads.lane_table import NONE, STRAIGHT, LaneTable, Record
from its_core.engines.simulator.roads.network import Network, Ways
from its_core.engines.simulator.roads.signals import AMBER, RED
from its_core.engines.simulator.traffic.driver_table import Drivers
from its_core.engines.simulator.traffic.drivers import follows_mps2
from its_core.engines.simulator.traffic.junctions import Junctions, People, arrives_in_s, gives_way_at_m, next_in_zip
from its_core.engines.simulator.traffic.perception import HORIZON_M, Seen, is_claimed

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Records = NDArray[np.void]

HARDEST_STOP_MPS2 = 7.0  # brakes this hard for a red light or a person, if the tyres allow
LETS_IN_MPS2 = 2.6  # how hard drivers brake at most to let somebody in
NO_ROOM_MPS2 = 4.0  # and this hard before a junction that is not free, or for an emergency vehicle
HOLD_MPS = 0.35  # slower than this and with nowhere to go, the foot stays on the brake
HOLDING_MPS2 = -6.0
INSIDE_GAP_M, INSIDE_PATIENCE = 0.6, 0.6  # in a junction, before the lanes of others: kept, and shorter gaps taken
FOOT_S = 0.18  # a foot takes a moment to move
CALM_AFTER_DANGER_S = 0.5
ROOM_MPS = 1.8  # who has pulled over for an emergency vehicle crawls
HAZARDS = 2


class _Now(NamedTuple):
    """What drivers have before them: D numbers of each as ``Seen`` has them; then the lanes, the stretches over
    crosswalks, the speeds that bends allow, and who is there on foot (as ``Junctions`` has them)."""

    time_s: float
    step_s: float
    allows: Floats
    danger_s: Floats
    no_room: Flags
    ways: Ways
    lanes: LaneTable
    first_stretch: Ints
    stretches: Floats
    caps: Floats
    signals: Ints
    blocked: bool
    people: People
    claims: Ints  # of each stretch: whether somebody claims it, −1 until one asks


def decide(roads: Network, drivers: Drivers, seen: Seen, junctions: Junctions, time_s: float, step_s: float) -> None:
    """What all do for the next ``step_s`` seconds, one after the other: who comes later knows what those before have
    decided. ``acts`` of a record says whether its driver does."""
    now = _Now(
        time_s, step_s, seen.allows, seen.danger_s, seen.no_room, roads.ways, roads.table, roads.first_stretch,
        roads.stretch_rows, roads.flat_caps, junctions.signals, junctions.blocked, junctions.people,
        np.full(len(roads.stretch_rows), -1),
    )  # fmt: skip
    _decide(drivers.table, now)


@kernel
def _decide(drivers: Records, now: _Now) -> None:
    for i in range(len(drivers)):
        me = drivers[i]
        if not me.acts:
            me.acceleration = me.then_mps2
            continue
        lane = now.lanes.lanes[int(me.way)]
        wanted = me.forced_mps2
        if np.isnan(wanted):
            wanted = _wanted(drivers, i, me, lane, now)
        if me.speed < HOLD_MPS and wanted < (0.4 if me.acceleration == HOLDING_MPS2 else 0.1):
            me.acceleration = HOLDING_MPS2
        else:
            me.acceleration += (wanted - me.acceleration) * min(now.step_s / FOOT_S, 1.0)
        me.brake_lamps = 1.0 if me.acceleration < (-0.35 if me.brake_lamps else -0.7) else 0.0
        me.indicator = _indicator(me, lane, now.time_s)


@inline
def _following(me: Record, gap_m: float, lead_mps: float) -> float:
    return follows_mps2(me.pulls_mps2, me.brakes_mps2, me.gap_m, me.headway_s, me.speed, gap_m, lead_mps)


@inline
def _wanted(drivers: Records, i: int, me: Record, lane: Record, now: _Now) -> float:
    wanted = _free(me, now.caps)
    if not me.is_blind:
        wanted = min(wanted, now.allows[i])
        if lane.merges_with != NONE:
            gap_m, lead_mps = next_in_zip(drivers, me, lane, now.lanes.lanes)
            if gap_m < np.inf:
                wanted = min(wanted, max(_following(me, gap_m, lead_mps), -LETS_IN_MPS2))
        stop_m = _must_stop_in(drivers, i, me, lane, now)
        if stop_m < np.inf:
            wanted = min(wanted, _following(me, stop_m + me.gap_m - 0.8, 0.0))
        if now.danger_s[i] < np.inf or me.danger_since_s < np.inf:
            wanted = min(wanted, _before_danger(me, now.danger_s[i], now.time_s))
        if me.hard_from_s <= now.time_s < me.hard_to_s:
            wanted = min(wanted, -me.hard_mps2)
    if me.chased >= -1.0:
        wanted = min(max(_chasing_mps2(drivers, me), -me.chase_mps2), me.chase_mps2)
    return max(wanted, -me.hardest_mps2)


@inline
def _free(me: Record, caps: Floats) -> float:
    cap = caps[int(me.first_cap) + min(max(int(me.s_m), 0), int(me.caps) - 1)]
    desired = min(me.desired_mps, cap, me.caution_mps)
    if me.makes_room and desired > ROOM_MPS:
        desired = ROOM_MPS
    if me.s_m > me.crawls_from_m and me.crawls_mps < desired:
        desired = me.crawls_mps
    ratio = me.speed / max(desired, 0.5)
    square = ratio * ratio
    pull = me.pulls_mps2 * (1.0 - square * square)
    if me.caution_mps < 0.5:
        return float(min(pull, -1.5))
    return float(max(pull, -3.0 if me.caution_mps == np.inf else -4.5))


@inline
def _before_danger(me: Record, danger_s: float, time_s: float) -> float:
    """Brakes for somebody who is about to cut across, once the driver has understood."""
    if danger_s < np.inf:
        if me.danger_since_s == np.inf:
            me.danger_since_s = time_s
        if time_s - me.danger_since_s >= me.reaction_s:
            me.danger_until_s = time_s + CALM_AFTER_DANGER_S
    elif time_s > me.danger_until_s:
        me.danger_since_s = np.inf
    return -me.hardest_mps2 if time_s < me.danger_until_s else np.inf


@inline
def _must_stop_in(drivers: Records, i: int, me: Record, lane: Record, now: _Now) -> float:
    """Distance from the front bumper to the nearest line that the driver must and can stop at, metres; infinite where
    there is none."""
    front, square, line = me.s_m + me.front_m, me.speed * me.speed, lane.line_m
    stop_m = np.inf
    if front < line + 0.5:
        if line - front < HORIZON_M:
            hardest = _hardest_for_line(drivers, i, me, lane, now, line - front)
            if (now.no_room[i] or me.lets_by > 0.0) and not me.is_careless:
                hardest = max(hardest, NO_ROOM_MPS2)
            if hardest > 0.0 and square < 2.0 * hardest * max(line - front, 0.3):
                stop_m = line - front
    elif lane.gives_way and not me.is_careless:
        stop_m = _waits_inside(drivers, i, me, now, front)
    if me.is_careless:
        return stop_m
    for k in range(now.first_stretch[int(me.way)], now.first_stretch[int(me.way) + 1]):
        start_m = now.stretches[k, 1]
        if front > start_m + 0.8:
            continue
        before = start_m - 1.2 - front
        if before > 45.0:
            break
        if 0.0 < start_m - line < 5.0:
            before = min(before, line - front)
        if before < stop_m and square < 2.0 * HARDEST_STOP_MPS2 * max(before, 0.3) and _claimed(now, k):
            stop_m = before
    return stop_m


@inline
def _claimed(now: _Now, k: int) -> bool:
    if now.claims[k] < 0:
        way, start_m, end_m = now.stretches[k]
        now.claims[k] = is_claimed(now.ways, int(way), start_m, end_m, *now.people)
    return bool(now.claims[k] > 0)


@inline
def _patience(me: Record) -> float:
    return max(0.55, 1.0 - 0.03 * max(me.waited_s - 6.0, 0.0))


@inline
def _waits_inside(drivers: Records, i: int, me: Record, now: _Now, front: float) -> float:
    """Distance to the place in the junction at which a driver who has passed the line lets others by."""
    left_m = gives_way_at_m(drivers, i, now.lanes, now.signals, INSIDE_PATIENCE * _patience(me)) - INSIDE_GAP_M - front
    return left_m if me.speed * me.speed < 2.0 * HARDEST_STOP_MPS2 * left_m else np.inf


@inline
def _hardest_for_line(drivers: Records, i: int, me: Record, lane: Record, now: _Now, left_m: float) -> float:
    """How hard the driver would brake to stop at the lane's line; 0 when nothing asks for it."""
    if lane.signal != NONE and not me.ignores_signal:
        aspect = now.signals[int(lane.signal)]
        if aspect == RED:
            return 0.0 if me.is_committed > 0.0 and left_m < 6.0 else HARDEST_STOP_MPS2
        if aspect == AMBER:
            if me.speed * me.speed > 2.0 * me.amber_mps2 * max(left_m, 0.3):
                me.is_committed = 1.0
            return 0.0 if me.is_committed else me.amber_mps2
        me.is_committed = 0.0
        if now.blocked:
            return HARDEST_STOP_MPS2
    if lane.gives_way and not me.is_careless:
        if gives_way_at_m(drivers, i, now.lanes, now.signals, _patience(me)) < np.inf:
            me.waited_s += 0.1 if me.speed < 1.0 else 0.0
            return HARDEST_STOP_MPS2
        me.waited_s = 0.0
    return 0.0


@inline
def _chasing_mps2(drivers: Records, me: Record) -> float:
    """The acceleration that brings a driver to the point of a chase when the other one is there."""
    arrives_s = me.chased_s
    if me.chased >= 0.0:
        arrives_s = arrives_in_s(drivers[int(me.chased)], me.chased_m)
    left = me.chase_m - me.s_m
    if not 0.15 < arrives_s < 30.0 or left < 0.5:
        return 0.0
    # Constant acceleration over the time that is left.
    return 2.0 * (left - me.speed * arrives_s) / (arrives_s * arrives_s)


@inline
def _indicator(me: Record, lane: Record, time_s: float) -> float:
    if time_s >= me.hazards_s:
        return HAZARDS
    if me.makes_room:
        return 1.0
    if me.shift != 0.0:
        return me.shift
    if lane.joins and lane.merge_from_m < me.s_m < lane.merge_to_m:
        return -1.0
    if lane.movement == STRAIGHT:
        return 0.0
    far = lane.line_m < np.inf and me.s_m < lane.line_m - 45.0
    if far or me.s_m < lane.turns_from_m or me.s_m > lane.turned_m:
        return 0.0
    return lane.movement
