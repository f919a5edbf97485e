"""The traffic of a place, flowing in along all its roads: what every clip starts from, whatever happens in it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import kernel
from its_core.engines.simulator.dimensions import HEAVY
from its_core.engines.simulator.physics.constants import TYRE_GRIP
from its_core.engines.simulator.portable_math import log
from its_core.engines.simulator.randomness import rng_of
from its_core.engines.simulator.roads.layouts import Lane, Layout
from its_core.engines.simulator.roads.network import Network, Ways, network
from its_core.engines.simulator.roads.signals import Programme
from its_core.engines.simulator.simulation.footways import drawn_route, to_and_fro
from its_core.engines.simulator.simulation.population import (
    OPEN_ROADS,
    Vehicle,
    drawn_colour,
    drawn_person,
    drawn_vehicle,
    flow_per_s,
    people_count,
    recast,
)
from its_core.engines.simulator.simulation.rails import Rails, Traffic
from its_core.engines.simulator.traffic.driver_table import table_of
from its_core.engines.simulator.traffic.drivers import Driver, follows_mps2
from its_core.engines.simulator.traffic.habits import NORMAL, Shift
from its_core.engines.simulator.traffic.walkers import Walker
from its_core.taxonomy import ParticipantType, RoadLayout, RoadSurface, TrafficDensity

STEP_S = 0.125
SHORTEST_HEADWAY_S = 1.5
WARM_UP_S = 20.0
STUCK_S = 3.5
CRAWLS_BEYOND_M = 25.0
CRAWLS_SHARE = (0.5, 1.5)  # of a jam's speed, at which one driver or another goes on: the others stop and go
JAM_M = (130.0, 60.0)  # before and behind the place, that a jam is as long when it is first looked at
LONGEST_M = 7.0  # kept free before and behind a junction
LANE_CHANGES_A_KM = 0.25
HARD_STOPS_A_MINUTE = 0.25  # of a driver
CAUSE_AHEAD_M, CAUSE_BESIDE_M = 32.0, 7.0  # where there is somebody for whom one may brake hard
_TWINS_AMONG, _DRAWN_ANEW = 6, 3
_STAND_AT_WORK = 0.5  # of the people at road works
PASSING_M = 0.95  # how far drivers move over for a cyclist
PASSES_FROM_M, PASSES_FROM_S = 14.0, 2.2  # before a cyclist: so early that nobody has to slow down much for it
PASSES_MPS, PASSED_BY_M, PASSES_SLOWER = 1.5, 9.0, 1.4
FARTHEST_LANE_M = 5.0  # a lane that one can change to
_GOES_ON, _ENDS, _STANDS = 0, 1, 2
FIRST_NUMBER = 1000  # of road users, so that nobody takes one for a track's


@dataclass(slots=True)
class Entrance:
    """Where vehicles come from: the ways that part from one lane, and when the next vehicle comes."""

    ways: list[int]
    shares: list[float]
    rate_per_s: float
    next_s: float


@dataclass(frozen=True, slots=True)
class Demand:
    """``scale`` multiplies how many vehicles come, ``boosts`` the shares of types. ``crawls_mps``: how fast traffic
    goes on once it has passed the place (None: freely)."""

    scale: float = 1.0
    boosts: Mapping[ParticipantType, float] = field(default_factory=dict)
    crawls_mps: float | None = None


class Flow:
    """Runs a place's traffic on and on. ``rails.traffic`` is who is there now."""

    def __init__(
        self,
        layout: Layout,
        density: TrafficDensity,
        surface: RoadSurface,
        rng: np.random.Generator,
        programme: Programme | None,
        types: Mapping[int, ParticipantType] | None = None,
        demand: Demand | None = None,
    ) -> None:
        """``types``: of road users, by their numbers, whatever else would have come."""
        self.layout, self.density, self.rng, self.types = layout, density, rng, types or {}
        self.demand = demand or Demand()
        self.grip = TYRE_GRIP[surface]
        self.roads: Network = network(layout)
        self.rails = Rails(layout, programme, Traffic(0.0, [], {}, []))
        self._number = FIRST_NUMBER
        self._stuck: dict[int, float] = {}
        self.entrances = self._entrances()
        self._jammed = self._jammed_ways()
        for entrance in self.entrances:
            if entrance.ways[0] in self._jammed:
                self._fill_with_jam(entrance)
            else:
                self._fill(entrance)
        for _ in range(people_count(rng, layout.name, density)):
            self._add_walker()

    @property
    def traffic(self) -> Traffic:
        return self.rails.traffic

    def run(self, until_s: float) -> None:
        while self.traffic.time_s < until_s - 1e-9:
            self.step()

    def step(self) -> None:
        traffic = self.traffic
        for entrance in self.entrances:
            if traffic.time_s >= entrance.next_s:
                self._enter(entrance)
        self._habits()
        self.rails.step(STEP_S)
        self._let_go()

    def new_number(self) -> int:
        self._number += 1
        return self._number

    def driver_of(self, number: int, vehicle: Vehicle, way: int) -> Driver:
        return Driver(number, vehicle.type, way, vehicle.manner, NORMAL, self.roads, self.grip)

    def _entrances(self) -> list[Entrance]:
        found: dict[str, list[int]] = {}
        for way, lane in enumerate(self.roads.lanes):
            if not lane.forbidden:
                found.setdefault(lane.approach, []).append(way)
        entrances = []
        for ways in found.values():
            lanes = [self.roads.lanes[way] for way in ways]
            rate = self.demand.scale * flow_per_s(self.layout, lanes[0], self.density)
            entrances.append(Entrance(ways, [lane.share for lane in lanes], rate, self._headway_s(rate)))
        return entrances

    def _headway_s(self, rate_per_s: float) -> float:
        """Shifted exponential: nobody follows closer than a second and a half, on average as many as the rate says."""
        mean = max(1.0 / rate_per_s - SHORTEST_HEADWAY_S, 0.2)
        return SHORTEST_HEADWAY_S + mean * _exponential(float(self.rng.random()))

    def _fill(self, entrance: Entrance) -> None:
        """Vehicles on the road already, up to the stop line."""
        lane = self.roads.lanes[entrance.ways[0]]
        end = lane.stop_s_m - 14.0 if lane.stop_s_m is not None else self.roads.length_m(entrance.ways[0]) - 10.0
        if lane.merge is not None and lane.merge.joins:
            end = lane.merge.from_m
        s = end - float(self.rng.random()) * lane.speed_limit_mps / max(entrance.rate_per_s, 1e-3)
        while s > 4.0:
            way = self._drawn_way(entrance)
            driver = self._add(way, s)
            s -= driver.front_m + driver.rear_m + driver.speed * self._headway_s(entrance.rate_per_s)

    def _jammed_ways(self) -> set[int]:
        if self.demand.crawls_mps is None:
            return set()
        arms = jammed_arms(self.layout, self.roads)
        return {way for way, lane in enumerate(self.roads.lanes) if lane.arm in arms}

    def _fill_with_jam(self, entrance: Entrance) -> None:
        """Vehicles close behind one another about the place, none of them in a junction."""
        assert self.demand.crawls_mps is not None
        straight = [way for way in entrance.ways if self.roads.lanes[way].movement == "straight"]
        way = (straight or entrance.ways)[0]
        focus, _ = self.roads.project(way, *self.layout.focus_m)
        line, exit_m = self.roads.lanes[way].stop_s_m, self.roads.exits_m[way]
        s = min(focus + JAM_M[1], self.roads.length_m(way) - 10.0)
        merge = self.roads.lanes[way].merge
        if merge is not None and merge.joins:
            s = min(s, merge.from_m)
        while s > max(focus - JAM_M[0], 4.0):
            inside = line is not None and line - LONGEST_M < s < (exit_m if exit_m < np.inf else line) + LONGEST_M
            if inside or (line is not None and s > line and not straight):
                s -= 2.0
                continue
            before = line is None or s < line
            driver = self._add(self._drawn_way(entrance) if before else way, s)
            driver.speed = min(driver.speed, self.demand.crawls_mps * float(self.rng.uniform(0.2, 1.4)))
            s -= (
                driver.front_m
                + driver.rear_m
                + driver.manner.gap_m
                + 1.2 * driver.speed
                + LONGEST_M * (driver.type in HEAVY)
            )

    def _drawn_way(self, entrance: Entrance) -> int:
        at = float(self.rng.random()) * sum(entrance.shares)
        for way, share in zip(entrance.ways, entrance.shares, strict=True):
            at -= share
            if at < 0.0:
                return way
        return entrance.ways[-1]

    def _add(self, way: int, s_m: float) -> Driver:
        lane: Lane = self.roads.lanes[way]
        number = self.new_number()
        vehicle = drawn_vehicle(self.rng, self.layout.name, lane, self.grip, self.demand.boosts)
        if number in self.types:
            own = rng_of("type", number, self.types[number].value)
            vehicle = recast(vehicle, own, self.types[number], lane, self.grip)
        vehicle = self._unlike_neighbours(vehicle, number)
        driver = self.driver_of(number, vehicle, way)
        driver.s_m = s_m
        if self.demand.crawls_mps is not None:
            focus, _ = self.roads.project(way, *self.layout.focus_m)
            if way in self._jammed:
                own_mps = self.demand.crawls_mps * float(self.rng.uniform(*CRAWLS_SHARE))
                driver.crawls = (focus + CRAWLS_BEYOND_M, own_mps)
        caps = self.roads.caps(way, vehicle.manner.bend_mps2)
        cap = float(caps[min(max(int(s_m), 0), len(caps) - 1)])
        driver.speed = 0.97 * min(vehicle.manner.desired_mps, cap)
        self.traffic.drivers.append(driver)
        self.traffic.vehicles[number] = vehicle
        return driver

    def _unlike_neighbours(self, vehicle: Vehicle, number: int) -> Vehicle:
        """In another colour where it would be the twin of one of the last few that came."""
        recent = [(each.type, each.colour) for each in list(self.traffic.vehicles.values())[-_TWINS_AMONG:]]
        rng = rng_of("unlike", number, vehicle.colour.value)
        for _ in range(_DRAWN_ANEW):
            if (vehicle.type, vehicle.colour) not in recent:
                break
            vehicle = replace(vehicle, colour=drawn_colour(rng, vehicle.type))
        return vehicle

    def _add_walker(self) -> None:
        found = drawn_route(self.layout, self.rng)
        if found is None:
            return
        route, s_m = found
        stands = False
        if self.layout.name is RoadLayout.WORK_ZONE:
            stands = bool(self.rng.random() < _STAND_AT_WORK)
            route, s_m = to_and_fro(route, s_m, self.rng)
        walker = Walker(self.new_number(), drawn_person(self.rng), route, s_m, int(self.rng.integers(3)))
        if self.layout.name is RoadLayout.WORK_ZONE:
            _put_to_work(walker, stands, self.rng)
        self.traffic.walkers.append(walker)

    def _enter(self, entrance: Entrance) -> None:
        """A vehicle at the beginning of a lane, if the one before has moved on far enough."""
        names = {self.roads.lanes[way].approach for way in entrance.ways}
        last = min(
            (each for each in self.traffic.drivers if each.lane.approach in names),
            key=lambda each: each.s_m,
            default=None,
        )
        rear = last.s_m - last.rear_m if last is not None else 1e9
        if rear < 6.0:
            entrance.next_s = self.traffic.time_s + 0.5
            return
        driver = self._add(self._drawn_way(entrance), 0.0)
        if last is not None:
            # Those who come up to a queue have slowed down for it.
            manner = driver.manner
            habits = manner.pulls_mps2, manner.brakes_mps2, manner.gap_m, manner.headway_s
            while driver.speed > 0.5 and (
                follows_mps2(*habits, driver.speed, rear - driver.front_m, last.speed) < -1.5
            ):
                driver.speed -= 0.5
            if rear - driver.front_m < 2.0:
                self.traffic.drivers.remove(driver)
                entrance.next_s = self.traffic.time_s + 1.0
                return
        entrance.next_s = self.traffic.time_s + self._headway_s(entrance.rate_per_s)

    def _let_go(self) -> None:
        """Of those at the end of their way, and those who are stuck for good."""
        traffic = self.traffic
        fates = _fates(self.roads.ways, self.roads.table.lanes, table_of(traffic.drivers)).tolist()
        stuck: dict[int, float] = {}
        stay = []
        for driver, fate in zip(traffic.drivers, fates, strict=True):
            if fate == _STANDS:
                stuck[driver.number] = self._stuck.get(driver.number, traffic.time_s)
            if fate == _GOES_ON or (fate == _STANDS and traffic.time_s - stuck[driver.number] <= STUCK_S):
                stay.append(driver)
        traffic.drivers, self._stuck = stay, stuck

    def _habits(self) -> None:
        """What drivers do now and then of their own will: brake hard for somebody ahead, change lanes, move over
        for a cyclist."""
        time_s = self.traffic.time_s
        cyclists = [driver for driver in self.traffic.drivers if driver.type is ParticipantType.BICYCLE]
        for driver in self.traffic.drivers:
            speed = driver.speed
            if driver.type is ParticipantType.BICYCLE or speed < 4.0:
                continue
            if self.rng.random() < HARD_STOPS_A_MINUTE * STEP_S / 60.0:
                length, how_mps2 = float(self.rng.uniform(0.5, 1.3)), float(self.rng.uniform(4.5, 7.0))
                if self._has_cause(driver):
                    driver.brakes_hard = (time_s, time_s + length, how_mps2)
            if self.rng.random() < LANE_CHANGES_A_KM * speed * STEP_S / 1000.0:
                self._change_lane(driver)
            if cyclists:
                self._pass_cyclist(driver, cyclists)

    def _has_cause(self, driver: Driver) -> bool:
        """Whether somebody drives or walks before a driver, for whom one may brake hard: a viewer sees why."""
        roads = self.roads
        x, y, tx, ty = roads.place(driver.way, driver.s_m)
        places = [roads.place(each.way, each.s_m)[:2] for each in self.traffic.drivers if each is not driver]
        places += [(walker.x, walker.y) for walker in self.traffic.walkers]
        for other_x, other_y in places:
            ahead, beside = (other_x - x) * tx + (other_y - y) * ty, abs((other_y - y) * tx - (other_x - x) * ty)
            if driver.front_m < ahead < CAUSE_AHEAD_M and beside < CAUSE_BESIDE_M:
                return True
        return False

    def _change_lane(self, driver: Driver) -> None:
        lane = driver.lane
        names = [name for name in (lane.left, lane.right) if name is not None]
        if not names or driver.moves or (lane.stop_s_m is not None and driver.s_m > lane.stop_s_m - 70.0):
            return
        target = self.roads.index[names[int(self.rng.integers(len(names)))]]
        change_lane(self.roads, driver, target, self.traffic, float(self.rng.uniform(2.6, 4.2)))

    def _pass_cyclist(self, driver: Driver, cyclists: Sequence[Driver]) -> None:
        if driver.moves or driver.lane.movement != "straight":
            return
        for other in cyclists:
            if other.way != driver.way:
                continue
            gap, closing = other.s_m - driver.s_m, driver.speed - other.speed
            if 0.0 < gap < PASSES_FROM_M + PASSES_FROM_S * closing and closing > PASSES_MPS:
                time_s = self.traffic.time_s
                back = time_s + PASSES_SLOWER * (gap + PASSED_BY_M) / closing
                driver.moves = (Shift(time_s, PASSING_M, 1.4), Shift(back, -PASSING_M, 2.0))
                return


@kernel
def _fates(ways: Ways, lanes: NDArray[np.void], drivers: NDArray[np.void]) -> NDArray[np.int64]:
    """Of each driver: goes on, is at the end of the way, or stands behind the stop line."""
    found = np.full(len(drivers), _GOES_ON)
    for i in range(len(drivers)):
        me = drivers[i]
        way = int(me.way)
        if me.s_m > ways.first[way + 1] - ways.first[way] - 1 - 2.0:
            found[i] = _ENDS
        elif me.speed <= 0.3 and me.s_m >= lanes[way].line_m:
            found[i] = _STANDS
    return found


def jammed_arms(layout: Layout, roads: Network) -> set[str]:
    """Of a jam: all arms of a street; of a road with a barrier in its middle, those lanes that the camera looks at."""
    if layout.name not in OPEN_ROADS:
        return {lane.arm for lane in roads.lanes}
    away = [abs(roads.project(way, *layout.focus_m)[1]) for way in range(len(roads.lanes))]
    return {roads.lanes[away.index(min(away))].arm}


def change_lane(roads: Network, driver: Driver, target: int, traffic: Traffic, over_s: float) -> bool:
    """Moves a driver to a neighbouring way if there is room in it; says whether it did."""
    x, y, _, _ = roads.place(driver.way, driver.s_m)
    s, aside = roads.project(target, x, y)
    if abs(aside) > FARTHEST_LANE_M:
        return False
    for other in traffic.drivers:
        if other.way != target or other is driver:
            continue
        ahead = other.s_m - s
        room = (other.rear_m + driver.front_m if ahead > 0 else other.front_m + driver.rear_m) + 3.0
        closing = max(driver.speed - other.speed if ahead > 0 else other.speed - driver.speed, 0.0)
        if abs(ahead) < room + 2.5 * closing:
            return False
    driver.change_way(target, s, -aside, traffic.time_s, over_s)
    return True


def _exponential(uniform: float) -> float:
    """−ln(1 − u), cut off at 4.5."""
    return min(float(-log(max(1.0 - uniform, 1e-3))), 4.5)


def _put_to_work(walker: Walker, stands: bool, rng: np.random.Generator) -> None:
    """Some people at road works stand at what they do, the others go to and fro and take their time."""
    walker.pace_mps *= float(rng.uniform(0.5, 0.9))
    if stands:
        walker.stops_at_s, walker.vx, walker.vy = -math.inf, 0.0, 0.0
        walker.heading_rad = float(rng.uniform(0.0, 2.0 * math.pi))
