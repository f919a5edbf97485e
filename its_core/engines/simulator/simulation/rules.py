"""The rules of the road for everyone in a place, on rails and in physics alike: who may cross, who is in danger."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import inline, kernel
from its_core.engines.simulator.roads.layouts import Layout, Point
from its_core.engines.simulator.roads.network import Network, Ways, nearest_on
from its_core.engines.simulator.roads.signals import GREEN, RED, Programme
from its_core.engines.simulator.traffic.decisions import decide
from its_core.engines.simulator.traffic.driver_table import Drivers
from its_core.engines.simulator.traffic.drivers import Driver
from its_core.engines.simulator.traffic.junctions import Junctions, People
from its_core.engines.simulator.traffic.perception import Bodies, look
from its_core.engines.simulator.traffic.time_to_collision import SLOWEST_MPS, first_to_reach
from its_core.engines.simulator.traffic.walkers import Around, Crossing, Threat, Walker

Floats = NDArray[np.float64]

_SAFE_S = 1.6  # kept between oneself and a car that comes, by people who cross away from a crosswalk
_STOPS_MPS2 = 2.2  # people step onto a crosswalk before a car that can stop this gently
_NEAR_M = 32.0
_DANGER_S = 2.0  # one that is later neither
_HEARS_M = 60.0  # nobody steps onto the road before an emergency vehicle


class Rules:
    """``crash_at`` and ``crash_s``: where and when a crash has happened."""

    def __init__(self, layout: Layout, roads: Network, programme: Programme | None) -> None:
        self.layout, self.roads, self.programme = layout, roads, programme
        self.crash_at: Point | None = None
        self.crash_s = math.inf
        self._over: dict[int, Floats] = {}  # by place, of each way
        self._drivers = Drivers.of([], 0)  # as they decided last

    def decide(
        self,
        time_s: float,
        step_s: float,
        drivers: Drivers,
        bodies: Bodies,
        walkers: Sequence[Walker],
        blocked: bool = False,
    ) -> None:
        """What drivers, who steer the first of the bodies, do for the next ``step_s`` seconds."""
        self._drivers = drivers
        junctions = Junctions(self.signals(time_s), _on_foot(walkers), blocked)
        decide(self.roads, drivers, look(self.roads, bodies, drivers), junctions, time_s, step_s)

    def signals(self, time_s: float) -> NDArray[np.int64]:
        """The aspect of each signal head."""
        heads = self.layout.signals
        if self.programme is None:
            return np.full(len(heads), GREEN)
        shows = [self.programme.aspect(phase, time_s) for phase in (0, 1)]
        return np.array([shows[head.phase] for head in heads], np.int64)

    def around(
        self, time_s: float, step_s: float, walker: Walker, drivers: Sequence[Driver], room: tuple[float, ...]
    ) -> Around:
        may_cross = True
        crossing = walker.crossing()
        if crossing is not None and walker.s_m <= crossing.start_m < walker.s_m + 3.0:
            may_cross = self._may_cross(time_s, walker, crossing, drivers)
        threat = None
        if crossing is not None and crossing.start_m - 1.0 < walker.s_m:
            threat = self._threat(walker)
        since = time_s - self.crash_s if self.crash_at is not None else math.inf
        return Around(time_s, step_s, may_cross, threat, self.crash_at, since, room)

    def _may_cross(self, time_s: float, walker: Walker, crossing: Crossing, drivers: Sequence[Driver]) -> bool:
        if any(self._hears(walker, driver) for driver in drivers if driver.intent.beacon):
            return False
        length = crossing.end_m - crossing.start_m
        needs_s = length / max(walker.person.speed_mps, 0.8)
        crosswalk = None if crossing.crosswalk is None else self.layout.crosswalks[crossing.crosswalk]
        if crosswalk is not None and crosswalk.phase is not None and self.programme is not None:
            shows = self.programme.aspect(crosswalk.phase, time_s)
            return shows == RED and self.programme.red_left_s(crosswalk.phase, time_s) > 0.75 * needs_s
        middle = walker.path.at((crossing.start_m + crossing.end_m) / 2)
        at = (float(middle[0]), float(middle[1]))
        key = round(at[0] * 50) * 100_000 + round(at[1] * 50)
        over = self._over.setdefault(key, np.full(len(self.roads.lanes), np.inf))
        within_m = length / 2 + 2.5
        is_crosswalk = crosswalk is not None
        return bool(_is_free(self.roads.ways, self._drivers.table, over, *at, within_m, needs_s, is_crosswalk))

    def _hears(self, walker: Walker, siren: Driver) -> bool:
        x, y, _, _ = self.roads.place(siren.way, siren.s_m)
        return siren.speed > SLOWEST_MPS and math.dist((x, y), (walker.x, walker.y)) < _HEARS_M

    def _threat(self, walker: Walker) -> Threat | None:
        """The vehicle that reaches a person first, if one is about to."""
        reach_s, beside, tangent, half = first_to_reach(
            self.roads.ways, self._drivers.table, walker.x, walker.y, walker.vx, walker.vy, _NEAR_M
        )
        if reach_s >= _DANGER_S:
            return None
        side = 1.0 if beside > 0.0 else -1.0
        return Threat(reach_s, (-tangent[1] * side, tangent[0] * side), half - abs(beside))


def _on_foot(walkers: Sequence[Walker]) -> People:
    """As ``Junctions.people``."""
    standing = [walker for walker in walkers if not walker.fallen]
    people = np.array([(each.x, each.y, each.vx, each.vy) for each in standing]).reshape(-1, 4)
    waits = np.array([walker.waits for walker in standing], np.bool_)
    x, y, vx, vy = np.ascontiguousarray(people.T)
    return x, y, vx, vy, waits


@inline
def _over_at(ways: Ways, way: int, x: float, y: float, within_m: float) -> float:
    """Where a way runs past a point, no further than ``within_m`` from it; NaN where it does not."""
    length_m = float(ways.first[way + 1] - ways.first[way] - 1)
    s, aside, _, _ = nearest_on(ways, way, x, y, 0.0, length_m)
    return s if abs(aside) < within_m and 0.0 < s < length_m else np.nan


@kernel
def _is_free(
    ways: Ways, drivers: NDArray[np.void], over: Floats, x: float, y: float, within_m: float, needs_s: float,
    is_crosswalk: bool,
) -> bool:  # fmt: skip
    """Whether somebody who needs so long may cross at a point. ``over``: where each way runs past it (``_over_at``;
    infinite until one asks)."""
    for i in range(len(drivers)):
        other = drivers[i]
        way = int(other.way)
        if over[way] == np.inf:
            over[way] = _over_at(ways, way, x, y, within_m)
        at = over[way]
        if np.isnan(at):
            continue
        left = at - other.s_m - other.front_m
        if left < -(other.rear_m + other.front_m + 1.0):
            continue
        if other.speed < 0.4:
            if left < 0.6:  # stands on it
                return False
            continue
        arrives_s = max(left, 0.0) / other.speed
        stops = other.speed * other.speed < 2.0 * _STOPS_MPS2 * max(left - 3.0, 0.1)
        if not is_crosswalk and arrives_s < needs_s + _SAFE_S:
            return False
        if is_crosswalk and not stops and arrives_s < needs_s + 0.5:
            return False
    return True
