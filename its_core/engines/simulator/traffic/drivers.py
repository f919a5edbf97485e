"""How a driver follows the road, the car ahead, the signals and the people on a crosswalk.

Car-following is the Intelligent Driver Model (Treiber, Hennecke and Helbing, Phys. Rev. E 62, 2000): a red light, a
crosswalk to yield at and a wreck are standing cars to it. A driver decides an acceleration and a place beside the
middle of the way; what moves the vehicle, rails or tyres, is not their affair.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

from its_core.engines.simulator.dimensions import VEHICLES, VehicleBody, reach_m
from its_core.engines.simulator.physics.constants import GRAVITY_MPS2
from its_core.engines.simulator.roads.layouts import Lane
from its_core.engines.simulator.roads.network import Network, Stretch
from its_core.engines.simulator.roads.signals import AMBER, RED
from its_core.engines.simulator.traffic.habits import NORMAL, Intent, Manner, Shift
from its_core.engines.simulator.traffic.junctions import Junctions
from its_core.engines.simulator.traffic.perception import HORIZON_M
from its_core.taxonomy import ParticipantType

HARDEST_STOP_MPS2 = 7.0  # brakes this hard for a red light or a person, if the tyres allow
LETS_IN_MPS2 = 2.6  # how hard drivers brake at most to let somebody in
NO_ROOM_MPS2 = 4.0  # and this hard before a junction that is not free, or for an emergency vehicle
HOLD_MPS = 0.35  # slower than this and with nowhere to go, the foot stays on the brake
HOLDING_MPS2 = -6.0
INSIDE_GAP_M, INSIDE_PATIENCE = 0.6, 0.6  # in a junction, before the lanes of others: kept, and shorter gaps taken
GATHERS_MPS2 = 0.4  # who accelerates more than this gathers speed
FOOT_S = 0.18  # a foot takes a moment to move
CALM_AFTER_DANGER_S = 0.5
ROOM_M, ROOM_OVER_S, ROOM_MPS = 1.0, 1.6, 1.8  # how far and fast drivers pull over for an emergency vehicle, then crawl


class Command(NamedTuple):
    """``aside_m``: where beside the way's middle the vehicle is meant to be, left positive. ``indicator``: −1 left,
    0 off, +1 right, 2 hazards."""

    acceleration_mps2: float
    aside_m: float
    brake_lamps: bool
    indicator: int


class Situation(NamedTuple):
    """What one driver has before them: see ``perception.Seen``."""

    time_s: float
    step_s: float
    allows: float
    leader_gap_m: float
    danger_s: float
    no_room: bool = False


class Driver:
    """One driver on one way."""

    def __init__(
        self, number: int, type_: ParticipantType, way: int, manner: Manner, intent: Intent, roads: Network, grip: float
    ) -> None:
        self.number, self.type, self.way = number, type_, way
        self.manner, self.intent = manner, intent
        self.roads, self.grip = roads, grip
        self.body: VehicleBody = VEHICLES[type_]
        self.half_length_m, self.half_width_m = self.body.length_m / 2, self.body.width_m / 2
        self.front_m, self.rear_m = reach_m(type_)
        self.hardest_mps2 = hardest_braking_mps2(grip)
        self.s_m, self.aside_m, self.speed = 0.0, manner.aside_m, 0.0
        self.command = Command(0.0, manner.aside_m, False, 0)
        self.slides_mps = 0.0  # sideways, on rails
        self.moves: tuple[Shift, ...] = ()  # of one's own will: changes of lane, room for a cyclist
        self._take(way)
        self._danger_since: float | None = None
        self._danger_until = -math.inf
        self._committed = False  # goes through the amber light
        self._waited_s = 0.0
        self.caution_mps = math.inf  # no faster than this, for something one wants to look at
        self.makes_room_since: float | None = None  # for an emergency vehicle
        self.lets_by = False  # one that comes from the side
        self.crawls: tuple[float, float] = (math.inf, math.inf)  # beyond this arc length traffic crawls, at this speed
        self.brakes_hard: tuple[float, float, float] = (math.inf, math.inf, 0.0)  # an ordinary hard stop: from, to, how

    def __copy__(self) -> Driver:
        """As ``copy.copy`` makes it, in a tenth of the time: timelines and rehearsals copy all traffic."""
        other = object.__new__(Driver)
        other.__dict__ = self.__dict__.copy()
        return other

    def _take(self, way: int) -> None:
        self.way = way
        self.lane: Lane = self.roads.lanes[way]
        self.line_m = math.inf if self.lane.stop_s_m is None else self.lane.stop_s_m
        self.exit_m = self.roads.exits_m[way]
        self.stretches: tuple[Stretch, ...] = self.roads.stretches[way]
        self._caps: list[float] = self.roads.caps(way, self.manner.bend_mps2)

    def go_by(self, way: int) -> None:
        """Takes another of the ways that part from the same lane."""
        self._take(way)

    def change_way(self, way: int, s_m: float, shift_m: float, time_s: float, over_s: float) -> None:
        """Goes on along a neighbouring way, whose middle is ``shift_m`` to the left of the one followed so far."""
        self._take(way)
        self.s_m = s_m
        self.aside_m -= shift_m
        self.moves = (*self.moves, Shift(-math.inf, -shift_m, 1.0), Shift(time_s, shift_m, over_s))

    def make_room(self, time_s: float, comes: bool) -> None:
        """Pulls over to the right, or goes on where one was, as an emergency vehicle ``comes`` or has passed."""
        if comes is (self.makes_room_since is not None):
            return
        aside_m = 0.0 if self.type is ParticipantType.BICYCLE else ROOM_M
        start_s = time_s + 0.4 * self.manner.reaction_s
        self.moves = (*self.moves, Shift(start_s, -aside_m if comes else aside_m, ROOM_OVER_S))
        self.makes_room_since = start_s if comes else None

    def meant_aside_m(self, time_s: float) -> float:
        meant = self.manner.aside_m
        if not self.moves and self.intent is NORMAL:
            return meant
        for move in self.moves:
            meant += _shift_at(move, time_s)
        for move in self.intent.shifts:
            meant += move.at(time_s)
        return meant

    @property
    def gathers_speed(self) -> bool:
        return self.speed > 0.5 and self.command.acceleration_mps2 > GATHERS_MPS2

    def arrives_s(self, s_m: float) -> float:
        """Seconds until the middle is at an arc length of the way: at the present acceleration up to the speed that the
        driver wishes for."""
        left, pull = s_m - self.s_m, self.command.acceleration_mps2
        if left <= 0.0:
            return 0.0
        if abs(pull) < 0.15:
            return left / max(self.speed, 0.1)
        if pull < 0.0:
            root = self.speed * self.speed + 2.0 * pull * left
            return math.inf if root <= 0.0 else (self.speed - math.sqrt(root)) / -pull
        top = max(self.manner.desired_mps, self.speed)
        reached_s = (top - self.speed) / pull
        while_m = (self.speed + top) / 2 * reached_s
        if while_m > left:
            return (math.sqrt(self.speed * self.speed + 2.0 * pull * left) - self.speed) / pull
        return reached_s + (left - while_m) / top

    def span_m(self, time_s: float) -> tuple[float, float]:
        """Between which distances to the left of the way's middle the vehicle is now and is going to be."""
        meant = self.meant_aside_m(time_s + 1.2)
        return (self.aside_m, meant) if self.aside_m > meant else (meant, self.aside_m)

    def decide(self, situation: Situation, junctions: Junctions) -> Command:
        """What to do for the next ``step_s`` seconds."""
        wanted = self._wanted(situation, junctions)
        acceleration = self.command.acceleration_mps2
        if self.speed < HOLD_MPS and wanted < (0.4 if acceleration == HOLDING_MPS2 else 0.1):
            acceleration = HOLDING_MPS2
        else:
            share = situation.step_s / FOOT_S
            acceleration += (wanted - acceleration) * (share if share < 1.0 else 1.0)
        lamps = acceleration < (-0.35 if self.command.brake_lamps else -0.7)
        aside = self.meant_aside_m(situation.time_s)
        self.command = Command(acceleration, aside, lamps, self._indicator(situation.time_s))
        return self.command

    def _wanted(self, now: Situation, junctions: Junctions) -> float:
        intent, time_s = self.intent, now.time_s
        blind = False
        if intent is not NORMAL:
            for brake in intent.brakes:
                if brake.from_s <= time_s < brake.to_s:
                    return -min(brake.mps2, self.hardest_mps2)
            blind = intent.is_blind(time_s)
            if blind and intent.chase is None:
                return 0.0 if self.speed > 1.0 else -0.5  # the foot stays where it is
        wanted = self._free()
        if not blind:
            if now.allows < wanted:
                wanted = now.allows
            if self.lane.merge is not None:
                first = junctions.next_in_zip(self)
                if first is not None:
                    wanted = min(wanted, max(self._following(*first), -LETS_IN_MPS2))
            stop_m = self._must_stop_in(now, junctions)
            if stop_m is not None:
                wanted = min(wanted, self._following(stop_m + self.manner.gap_m - 0.8))
            if now.danger_s < math.inf or self._danger_since is not None:
                wanted = min(wanted, self._before_danger(now))
            if self.brakes_hard[0] <= time_s < self.brakes_hard[1]:
                wanted = min(wanted, -self.brakes_hard[2])
        chase = intent.chase
        if chase is not None and chase.from_s <= time_s < chase.to_s:
            wanted = min(max(junctions.chased_mps2(self, chase), -chase.mps2), chase.mps2)
        return wanted if wanted > -self.hardest_mps2 else -self.hardest_mps2

    def _free(self) -> float:
        at = int(self.s_m)
        if at >= len(self._caps):
            at = len(self._caps) - 1
        desired, cap = self.manner.desired_mps, self._caps[at] if at > 0 else self._caps[0]
        if cap < desired:
            desired = cap
        if self.caution_mps < desired:
            desired = self.caution_mps
        if self.makes_room_since is not None and desired > ROOM_MPS:
            desired = ROOM_MPS
        if self.s_m > self.crawls[0] and self.crawls[1] < desired:
            desired = self.crawls[1]
        ratio = self.speed / (desired if desired > 0.5 else 0.5)
        square = ratio * ratio
        pull = self.manner.pulls_mps2 * (1.0 - square * square)
        if self.caution_mps < 0.5:
            return min(pull, -1.5)
        floor = -3.0 if self.caution_mps == math.inf else -4.5
        return pull if pull > floor else floor

    def _following(self, gap_m: float, lead_mps: float = 0.0) -> float:
        return follows_mps2(self.manner, self.speed, gap_m, lead_mps)

    def _before_danger(self, now: Situation) -> float:
        """Brakes for somebody who is about to cut across, once the driver has understood."""
        reaction = self.manner.reaction_s if self.intent.reaction_s is None else self.intent.reaction_s
        if now.danger_s < math.inf:
            if self._danger_since is None:
                self._danger_since = now.time_s
            if now.time_s - self._danger_since >= reaction:
                self._danger_until = now.time_s + CALM_AFTER_DANGER_S
        elif now.time_s > self._danger_until:
            self._danger_since = None
        return -self.hardest_mps2 if now.time_s < self._danger_until else math.inf

    def _must_stop_in(self, now: Situation, junctions: Junctions) -> float | None:
        """Distance from the front bumper to the nearest line that the driver must and can stop at, metres."""
        time_s, line = now.time_s, self.line_m
        front, square = self.s_m + self.front_m, self.speed * self.speed
        careless = self.intent.ignores_others and self.intent.errs(time_s)
        stop_m: float | None = None
        if front < line + 0.5:
            if line - front < HORIZON_M:
                hardest = self._hardest_for_line(time_s, junctions, line - front)
                if (now.no_room or self.lets_by) and not careless:
                    hardest = max(hardest, NO_ROOM_MPS2)
                if hardest > 0 and square < 2 * hardest * max(line - front, 0.3):
                    stop_m = line - front
        elif self.lane.conflicts and not careless:
            stop_m = self._waits_inside(junctions, front)
        if careless:
            return stop_m
        for stretch in self.stretches:
            if front > stretch.start_m + 0.8:
                continue
            before = stretch.start_m - 1.2 - front
            if before > 45.0:
                break
            if 0 < stretch.start_m - line < 5.0:
                before = min(before, line - front)
            nearer = stop_m is None or before < stop_m
            if nearer and square < 2 * HARDEST_STOP_MPS2 * max(before, 0.3) and junctions.claimed(stretch):
                stop_m = before
        return stop_m

    def _patience(self) -> float:
        return max(0.55, 1.0 - 0.03 * max(self._waited_s - 6.0, 0.0))

    def _waits_inside(self, junctions: Junctions, front: float) -> float | None:
        """Distance to the place in the junction at which a driver who has passed the line lets others by."""
        at_m = junctions.gives_way_at_m(self, INSIDE_PATIENCE * self._patience())
        if at_m is None:
            return None
        left_m = at_m - INSIDE_GAP_M - front
        can_stop = self.speed * self.speed < 2 * HARDEST_STOP_MPS2 * left_m
        return left_m if can_stop else None

    def _hardest_for_line(self, time_s: float, junctions: Junctions, left_m: float) -> float:
        """How hard the driver would brake to stop at the lane's line; 0 when nothing asks for it."""
        errs = self.intent.errs(time_s)
        if self.lane.signal is not None and not (self.intent.ignores_signal and errs):
            aspect = junctions.aspect(self.lane.signal)
            if aspect == RED:
                return 0.0 if self._committed and left_m < 6.0 else HARDEST_STOP_MPS2
            if aspect == AMBER:
                if self.speed * self.speed > 2 * self.manner.amber_mps2 * max(left_m, 0.3):
                    self._committed = True
                return 0.0 if self._committed else self.manner.amber_mps2
            self._committed = False
            if junctions.blocked:
                return HARDEST_STOP_MPS2
        if self.lane.conflicts and not (self.intent.ignores_others and errs):
            if junctions.gives_way_at_m(self, self._patience()) is not None:
                self._waited_s += 0.1 if self.speed < 1.0 else 0.0
                return HARDEST_STOP_MPS2
            self._waited_s = 0.0
        return 0.0

    def _indicator(self, time_s: float) -> int:
        if time_s >= self.intent.hazards_s:
            return 2
        if self.makes_room_since is not None:
            return 1
        for move in (*self.moves, *self.intent.shifts):
            if abs(move.by_m) > 2.0 and move.start_s - 0.6 <= time_s < move.start_s + move.over_s:
                return -1 if move.by_m > 0 else 1
        lane = self.lane
        if lane.merge is not None and lane.merge.joins and lane.merge.from_m < self.s_m < lane.merge.to_m:
            return -1
        if lane.movement == "straight":
            return 0
        far = lane.stop_s_m is not None and self.s_m < lane.stop_s_m - 45.0
        far = far or (lane.turns_from_m is not None and self.s_m < lane.turns_from_m)
        if far or (lane.turned_s_m is not None and self.s_m > lane.turned_s_m):
            return 0
        return 1 if lane.movement == "right" else -1

    def forget_times(self, start_s: float) -> None:
        """The driver's clock is set back by ``start_s``."""
        self._danger_until -= start_s
        if self._danger_since is not None:
            self._danger_since -= start_s


def _shift_at(move: Shift, time_s: float) -> float:
    return move.by_m if move.start_s == -math.inf else move.at(time_s)


def hardest_braking_mps2(grip: float) -> float:
    """What an emergency stop reaches on tyres of this grip."""
    return 0.85 * grip * GRAVITY_MPS2


def follows_mps2(manner: Manner, speed: float, gap_m: float, lead_mps: float) -> float:
    closing = speed * (speed - lead_mps) / (2 * math.sqrt(manner.pulls_mps2 * manner.brakes_mps2))
    wished = manner.gap_m + max(0.0, speed * manner.headway_s + closing)
    ratio = wished / max(gap_m, 0.3)
    return manner.pulls_mps2 * (1.0 - ratio * ratio)


def careful(manner: Manner, grip: float) -> Manner:
    """The same driver on a slippery road: slower, further back, gentler; ``grip`` 0.95 is a dry road's."""
    share = min(grip / 0.95, 1.0)
    if share > 0.98:
        return manner
    slower = 0.35 + 0.65 * share if share > 0.5 else 0.45 + 0.45 * share
    return replace(
        manner,
        desired_mps=manner.desired_mps * slower,
        headway_s=manner.headway_s * (1.0 + 0.6 * (1.0 - share)),
        gap_m=manner.gap_m + 1.5 * (1.0 - share),
        pulls_mps2=max(manner.pulls_mps2 * share, 0.6),
        brakes_mps2=max(manner.brakes_mps2 * share, 0.7),
        bend_mps2=max(manner.bend_mps2 * share, 0.5),
        amber_mps2=max(manner.amber_mps2 * share, 0.9),
    )


__all__ = ["NORMAL", "Command", "Driver", "Situation", "careful", "follows_mps2", "hardest_braking_mps2"]
