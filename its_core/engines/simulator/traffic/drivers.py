"""A driver: habits, plans, where on which way, what they do and mean to do. What drivers decide: ``decisions``."""

from __future__ import annotations

import math
from array import array
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from its_core.engines.simulator.compilation import kernel
from its_core.engines.simulator.dimensions import VEHICLES, VehicleBody, reach_m
from its_core.engines.simulator.physics.constants import GRAVITY_MPS2
from its_core.engines.simulator.roads.layouts import Lane
from its_core.engines.simulator.roads.network import Network
from its_core.engines.simulator.traffic.driver_record import AT, NOBODY, PLANNED, cell, empty_row
from its_core.engines.simulator.traffic.habits import NORMAL, Intent, Manner, Shift
from its_core.taxonomy import ParticipantType

ROOM_M, ROOM_OVER_S = 1.0, 1.6  # how far and over how long drivers pull over for an emergency vehicle


class Command(NamedTuple):
    """``indicator``: −1 left, 0 off, +1 right, 2 hazards."""

    acceleration_mps2: float
    brake_lamps: bool
    indicator: int


class Driver:
    """One driver on one way. What changes from step to step is a number in ``row`` (``driver_record``)."""

    s_m, aside_m, speed = cell("s_m"), cell("aside_m"), cell("speed")
    caution_mps = cell("caution_mps")  # no faster than this, for something one wants to look at
    makes_room, lets_by = cell("makes_room"), cell("lets_by")  # for an emergency vehicle, one from the side
    acceleration = cell("acceleration")

    def __init__(
        self, number: int, type_: ParticipantType, way: int, manner: Manner, intent: Intent, roads: Network, grip: float
    ) -> None:
        self.number, self.type = number, type_
        self.manner, self.intent = manner, intent
        self.roads, self.grip = roads, grip
        self.body: VehicleBody = VEHICLES[type_]
        self.half_length_m, self.half_width_m = self.body.length_m / 2, self.body.width_m / 2
        self.front_m, self.rear_m = reach_m(type_)
        self.hardest_mps2 = hardest_braking_mps2(grip)
        self.moves: tuple[Shift, ...] = ()  # of one's own will: changes of lane, room for a cyclist
        self.plans = False  # as the row has it, anything out of the ordinary
        self.no_plan = _no_plan(manner)
        self.row = empty_row()
        self.row[PLANNED] = self.no_plan
        self._take(way)
        self._set(
            aside_m=manner.aside_m, danger_since_s=math.inf, danger_until_s=-math.inf, caution_mps=math.inf, acts=1.0,
            desired_mps=manner.desired_mps, headway_s=manner.headway_s, gap_m=manner.gap_m,
            pulls_mps2=manner.pulls_mps2, brakes_mps2=manner.brakes_mps2, amber_mps2=manner.amber_mps2,
            hardest_mps2=self.hardest_mps2,
            front_m=self.front_m, rear_m=self.rear_m, half_length_m=self.half_length_m, half_width_m=self.half_width_m,
            wheelbase_m=self.body.wheelbase_m,
        )  # fmt: skip
        self.crawls = (math.inf, math.inf)
        self.brakes_hard = (math.inf, math.inf, 0.0)

    def __copy__(self) -> Driver:
        """As ``copy.copy`` makes it, in a tenth of the time: timelines and rehearsals copy all traffic."""
        other = object.__new__(Driver)
        other.__dict__ = self.__dict__.copy()
        other.row = self.row[:]
        return other

    def _set(self, **numbers: float) -> None:
        for name, value in numbers.items():
            self.row[AT[name]] = value

    def _get(self, *names: str) -> tuple[float, ...]:
        return tuple(self.row[AT[name]] for name in names)

    @property
    def command(self) -> Command:
        acceleration, lamps, indicator = self._get("acceleration", "brake_lamps", "indicator")
        return Command(acceleration, lamps > 0.0, int(indicator))

    @command.setter
    def command(self, command: Command) -> None:
        acceleration, lamps, indicator = command
        self._set(acceleration=acceleration, brake_lamps=lamps, indicator=indicator)

    @property
    def crawls(self) -> tuple[float, ...]:
        """Beyond this arc length traffic crawls, at this speed."""
        return self._get("crawls_from_m", "crawls_mps")

    @crawls.setter
    def crawls(self, crawls: tuple[float, ...]) -> None:
        self._set(crawls_from_m=crawls[0], crawls_mps=crawls[1])

    @property
    def brakes_hard(self) -> tuple[float, ...]:
        """An ordinary hard stop: from, to, how."""
        return self._get("hard_from_s", "hard_to_s", "hard_mps2")

    @brakes_hard.setter
    def brakes_hard(self, hard: tuple[float, ...]) -> None:
        self._set(hard_from_s=hard[0], hard_to_s=hard[1], hard_mps2=hard[2])

    def _take(self, way: int) -> None:
        self.way = way
        self.lane: Lane = self.roads.lanes[way]
        first, count = self.roads.cap_span(way, self.manner.bend_mps2)
        self._set(way=way, first_cap=first, caps=count)

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
        if comes is bool(self.makes_room):
            return
        aside_m = 0.0 if self.type is ParticipantType.BICYCLE else ROOM_M
        start_s = time_s + 0.4 * self.manner.reaction_s
        self.moves = (*self.moves, Shift(start_s, -aside_m if comes else aside_m, ROOM_OVER_S))
        self.makes_room = comes

    def meant_aside_m(self, time_s: float) -> float:
        meant = self.manner.aside_m
        if not self.moves and self.intent is NORMAL:
            return meant
        for move in self.moves:
            meant += _shift_at(move, time_s)
        for move in self.intent.shifts:
            meant += move.at(time_s)
        return meant

    def shows_shift(self, time_s: float) -> int:
        """The indicator of a move to the side, 0 where there is none."""
        for move in (*self.moves, *self.intent.shifts):
            if abs(move.by_m) > 2.0 and move.start_s - 0.6 <= time_s < move.start_s + move.over_s:
                return -1 if move.by_m > 0 else 1
        return 0

    def forget_times(self, start_s: float) -> None:
        """The driver's clock is set back by ``start_s``."""
        since_s, until_s = self._get("danger_since_s", "danger_until_s")
        self._set(danger_since_s=since_s - start_s, danger_until_s=until_s - start_s)


def _no_plan(manner: Manner) -> array[float]:
    """``driver_record.PLAN`` of somebody who drives on."""
    aside = manner.aside_m
    return array("d", (aside, aside, math.nan, 0, 0, 0, manner.reaction_s, math.inf, 0, 0, NOBODY, 0, 0, 0, 0))


def _shift_at(move: Shift, time_s: float) -> float:
    return move.by_m if move.start_s == -math.inf else move.at(time_s)


def hardest_braking_mps2(grip: float) -> float:
    """What an emergency stop reaches on tyres of this grip."""
    return 0.85 * grip * GRAVITY_MPS2


@kernel
def follows_mps2(
    pulls_mps2: float, brakes_mps2: float, own_gap_m: float, headway_s: float, speed: float, gap_m: float,
    lead_mps: float,
) -> float:  # fmt: skip
    """The acceleration of somebody who drives so far behind a vehicle of that speed: the Intelligent Driver Model's
    (Treiber, Hennecke and Helbing, Phys. Rev. E 62, 2000)."""
    closing = speed * (speed - lead_mps) / (2.0 * np.sqrt(pulls_mps2 * brakes_mps2))
    wished = own_gap_m + max(0.0, speed * headway_s + closing)
    ratio = wished / max(gap_m, 0.3)
    return float(pulls_mps2 * (1.0 - ratio * ratio))


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
