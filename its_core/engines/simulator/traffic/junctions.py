"""The rules of the road at one moment: what the signals show, who has to give way, who is on a crosswalk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.roads.layouts import Lane
from its_core.engines.simulator.roads.network import Network, Stretch
from its_core.engines.simulator.roads.signals import GREEN
from its_core.engines.simulator.traffic.habits import Chase
from its_core.engines.simulator.traffic.perception import crosswalks_claimed

Floats = NDArray[np.float64]

COMING_S = 4.2  # gives way to cars that are nearer than this
PASSED_M = 3.0
STARTS_M = 26.0  # and to those who may start from a line this near


class OnTheRoad(Protocol):
    """What the rules ask of a road user."""

    number: int
    way: int
    s_m: float
    speed: float
    front_m: float
    rear_m: float

    @property
    def lane(self) -> Lane: ...

    @property
    def gathers_speed(self) -> bool:
        """Whether it sets off, or drives faster and faster."""
        ...

    def arrives_s(self, s_m: float) -> float:
        """Seconds until its middle is at an arc length of its way, going on as it does."""
        ...


class OnFoot(Protocol):
    number: int

    def arrives_s(self, s_m: float) -> float: ...


@dataclass(slots=True)
class Junctions:
    """``signals``: the aspect of every head. ``people``: x, y and velocities of everyone on foot who is not lying, and
    whether they wait for the traffic. ``blocked``: a wreck lies in the junction."""

    roads: Network
    users: Sequence[OnTheRoad]
    signals: NDArray[np.int8]
    people: tuple[Floats, Floats, Floats, Floats, NDArray[np.bool_]]
    walkers: Sequence[OnFoot] = ()
    blocked: bool = False
    _claims: list[bool] = field(default_factory=list)  # of all stretches, once one is asked for
    _by_lane: dict[str, list[OnTheRoad]] = field(default_factory=dict)  # the users, likewise

    def aspect(self, head: int) -> int:
        return int(self.signals[head])

    def gives_way_at_m(self, user: OnTheRoad, patience: float) -> float | None:
        """The first arc length of a way at which somebody with the right of way will be within a few seconds; None
        where nobody will. ``patience`` below 1 takes smaller gaps."""
        conflicts, first_m = user.lane.conflicts, None
        if not self._by_lane:
            for other in self.users:
                self._by_lane.setdefault(other.lane.name, []).append(other)
        for name in conflicts:
            others = self._by_lane.get(name)
            if others is None:
                continue
            meeting = self.roads.meeting(user.way, others[0].way)  # of all in a lane: it is one way
            if meeting is None or user.s_m > meeting[0] or (first_m is not None and meeting[0] >= first_m):
                continue
            if any(other is not user and self._comes(other, meeting[1], patience) for other in others):
                first_m = meeting[0]
        return first_m

    def _comes(self, other: OnTheRoad, at_m: float, patience: float) -> bool:
        """Whether somebody is at an arc length of their way, or will be within a few seconds."""
        left = at_m - other.s_m
        if left <= -(other.rear_m + PASSED_M):
            return False
        if left < max(other.speed, 2.0) * COMING_S * patience + other.front_m:
            return True
        if left < STARTS_M + other.front_m and self._may_start(other):
            return True
        return left > 0.0 and other.gathers_speed and other.arrives_s(at_m) < COMING_S * patience

    def next_in_zip(self, user: OnTheRoad) -> tuple[float, float] | None:
        """Gap and speed of the nearest vehicle of the lane that merges with the user's own which is to go first, being
        nearer to where the two are one; None where there is nobody."""
        merge = user.lane.merge
        if merge is None or not merge.from_m < user.s_m < merge.to_m:
            return None
        left_m = merge.to_m - user.s_m
        nearest: tuple[float, float] | None = None
        for other in self.users:
            theirs = other.lane.merge
            if theirs is None or other.lane.name != merge.other:
                continue
            ahead_m = left_m - (theirs.to_m - other.s_m)
            gap_m = ahead_m - other.rear_m - user.front_m
            if ahead_m > 0.0 and (nearest is None or gap_m < nearest[0]):
                nearest = (gap_m, other.speed)
        return nearest

    def _may_start(self, user: OnTheRoad) -> bool:
        """Whether somebody waits at a line that the signal lets them pass."""
        lane = user.lane
        if lane.signal is None or lane.stop_s_m is None or self.signals[lane.signal] != GREEN:
            return False
        return -1.0 < lane.stop_s_m - user.s_m - user.front_m < 4.0

    def claimed(self, stretch: Stretch) -> bool:
        if not self._claims:
            self._claims = crosswalks_claimed(self.roads.ways, self.roads.stretch_rows, *self.people).tolist()
        return self._claims[stretch.number]

    def chased_mps2(self, user: OnTheRoad, chase: Chase) -> float:
        """The acceleration that brings a driver to the point of a chase when the other one is there."""
        other: OnTheRoad | OnFoot | None
        other = next((each for each in self.users if each.number == chase.other), None)
        if other is None:
            other = next((each for each in self.walkers if each.number == chase.other), None)
        if other is None:
            return 0.0
        arrives_s = other.arrives_s(chase.other_s_m)
        left = chase.own_s_m - user.s_m
        if not 0.15 < arrives_s < 30.0 or left < 0.5:
            return 0.0
        # Constant acceleration over the time that is left.
        return 2.0 * (left - user.speed * arrives_s) / (arrives_s * arrives_s)
