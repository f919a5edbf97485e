"""Traffic on rails: vehicles that follow their ways exactly, people who walk, no collisions. It fills the roads before
a clip, and rehearses what a clip is meant to show."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import kernel
from its_core.engines.simulator.dimensions import PEDESTRIAN_RADIUS_M, TRAILER
from its_core.engines.simulator.roads.layouts import Layout
from its_core.engines.simulator.roads.network import Network, Ways, network, place_on
from its_core.engines.simulator.roads.signals import GREEN, Programme
from its_core.engines.simulator.simulation.population import Vehicle
from its_core.engines.simulator.simulation.rules import Rules
from its_core.engines.simulator.simulation.steering import SEES_AHEAD_S, ahead_m
from its_core.engines.simulator.traffic.drivers import Driver, Situation
from its_core.engines.simulator.traffic.habits import NORMAL
from its_core.engines.simulator.traffic.making_room import make_room
from its_core.engines.simulator.traffic.perception import Bodies, Drivers, look
from its_core.engines.simulator.traffic.sidesteps import rooms
from its_core.engines.simulator.traffic.walkers import Walker
from its_core.taxonomy import ParticipantType

Floats = NDArray[np.float64]

STEEPEST = 0.4  # of the speed, sideways
_TRAILER_AXLE_M = TRAILER.kingpin_m + 0.28 * TRAILER.length_m  # from kingpin to axles


@dataclass(slots=True)
class Traffic:
    """Everyone in a place at one time. Drivers' and walkers' ``number`` are those of the road users, in any order."""

    time_s: float
    drivers: list[Driver]
    vehicles: dict[int, Vehicle]
    walkers: list[Walker]

    def copied(self) -> Traffic:
        drivers = [copy.copy(driver) for driver in self.drivers]
        return Traffic(self.time_s, drivers, dict(self.vehicles), [copy.copy(walker) for walker in self.walkers])

    def set_clock(self, time_s: float) -> None:
        """Makes it ``time_s`` now; the past and the plans of everyone keep their distance from now."""
        by_s = self.time_s - time_s
        for driver in self.drivers:
            driver.moves = tuple(replace(move, start_s=move.start_s - by_s) for move in driver.moves)
            low, high, how = driver.brakes_hard
            driver.brakes_hard = (low - by_s, high - by_s, how)
            driver.forget_times(by_s)
        for walker in self.walkers:
            walker.set_clock_back(by_s)
        self.time_s = time_s


class Rails:
    """Moves a ``Traffic`` on."""

    def __init__(self, layout: Layout, programme: Programme | None, traffic: Traffic) -> None:
        self.layout, self.programme = layout, programme
        self.roads: Network = network(layout)
        self.traffic = traffic
        self.rules = Rules(layout, self.roads, programme)
        self._bodies: Bodies | None = None  # after the last step, once asked for

    def bodies(self) -> Bodies:
        """Everyone as they are now; nobody comes or goes between this and the next step."""
        if self._bodies is None:
            self._bodies = packed(self.roads, self.traffic)
        return self._bodies

    def step(self, step_s: float) -> None:
        traffic, bodies = self.traffic, self.bodies()
        self._bodies = None
        make_room(bodies, traffic.drivers, traffic.time_s)
        junctions = self.rules.junctions(traffic.time_s, traffic.drivers, traffic.walkers)
        seen = look(self.roads.ways, bodies, table_of(traffic.drivers, bodies, traffic.time_s))
        allows, gaps, dangers = seen.allows.tolist(), seen.gap_m.tolist(), seen.danger_s.tolist()
        no_room = seen.no_room.tolist()
        for i, driver in enumerate(traffic.drivers):
            driver.decide(Situation(traffic.time_s, step_s, allows[i], gaps[i], dangers[i], no_room[i]), junctions)
        for walker, room in zip(traffic.walkers, rooms(bodies).tolist(), strict=True):
            walker.control(self.rules.around(traffic.time_s, step_s, walker, traffic.drivers, tuple(room)))
        for driver in traffic.drivers:
            _advance(driver, traffic.time_s, step_s)
        for walker in traffic.walkers:
            walker.moved(walker.x + walker.vx * step_s, walker.y + walker.vy * step_s)
        traffic.time_s += step_s

    def signals(self) -> NDArray[np.int8]:
        heads = self.layout.signals
        if self.programme is None:
            return np.full(len(heads), GREEN, np.int8)
        return np.array([self.programme.aspect(head.phase, self.traffic.time_s) for head in heads], np.int8)


def _advance(driver: Driver, time_s: float, step_s: float) -> None:
    before = driver.speed
    speed = before + driver.command.acceleration_mps2 * step_s
    driver.speed = speed if speed > 0.0 else 0.0
    driver.s_m += 0.5 * (before + driver.speed) * step_s
    if time_s < driver.intent.skids_s:
        wish = driver.meant_aside_m(time_s + SEES_AHEAD_S) - driver.aside_m
        if wish == driver.slides_mps == 0.0:
            return
        # What pure pursuit makes of a step to the side: an oscillation with 0.7 of the critical damping.
        rate = driver.speed / ahead_m(driver.speed, driver.body.wheelbase_m)
        driver.slides_mps += (2.0 * rate * rate * wish - 2.0 * rate * driver.slides_mps) * step_s
        limit = STEEPEST * driver.speed
        if driver.slides_mps > limit:
            driver.slides_mps = limit
        elif driver.slides_mps < -limit:
            driver.slides_mps = -limit
    driver.aside_m += driver.slides_mps * step_s


def packed(roads: Network, traffic: Traffic) -> Bodies:
    """The bodies of everyone on rails: vehicles in the drivers' order, then trailers, then people."""
    drivers, walkers = traffic.drivers, traffic.walkers
    trailers = [driver for driver in drivers if driver.type is ParticipantType.ARTICULATED_TRUCK]
    bodies = Bodies.of(len(drivers) + len(trailers) + len(walkers))
    if drivers:
        numbers: list[float] = []  # one flat list: NumPy reads it much faster than many short ones
        for each in drivers:
            numbers += (
                each.way, each.s_m, each.aside_m, each.speed, each.half_length_m, each.half_width_m, each.number,
                each.slides_mps,
            )  # fmt: skip
        rows = np.array(numbers, np.float64).reshape(len(drivers), 8)
        _on_rails(
            roads.ways, rows, bodies.x, bodies.y, bodies.vx, bodies.vy, bodies.fx, bodies.fy, bodies.front_m,
            bodies.rear_m, bodies.half_m, bodies.unit,
        )  # fmt: skip
    for i, driver in enumerate(trailers, start=len(drivers)):
        at, ahead = trailer_on_rails(roads, driver)
        half = TRAILER.length_m / 2
        velocity = (ahead[0] * driver.speed, ahead[1] * driver.speed)
        set_body(bodies, i, at, velocity, ahead, (half, half), TRAILER.width_m / 2)
        bodies.unit[i] = driver.number
    if walkers:
        people = slice(len(drivers) + len(trailers), None)
        bodies.x[people], bodies.y[people] = [each.x for each in walkers], [each.y for each in walkers]
        bodies.vx[people], bodies.vy[people] = [each.vx for each in walkers], [each.vy for each in walkers]
        bodies.fy[people] = 1.0
        bodies.front_m[people] = bodies.rear_m[people] = bodies.half_m[people] = PEDESTRIAN_RADIUS_M
        bodies.unit[people], bodies.walks[people] = [each.number for each in walkers], True
    return bodies


@kernel
def _on_rails(
    ways: Ways, rows: Floats, x: Floats, y: Floats, vx: Floats, vy: Floats, fx: Floats, fy: Floats, front: Floats,
    rear: Floats, half: Floats, unit: NDArray[np.int64],
) -> None:  # fmt: skip
    for i in range(len(rows)):
        x[i], y[i], tx, ty = place_on(ways, int(rows[i, 0]), rows[i, 1], rows[i, 2])
        slides = rows[i, 7]
        vx[i], vy[i] = tx * rows[i, 3] - ty * slides, ty * rows[i, 3] + tx * slides
        lean = slides / max(rows[i, 3], 2.0)
        length = np.sqrt(1.0 + lean * lean)
        fx[i], fy[i] = (tx - ty * lean) / length, (ty + tx * lean) / length
        front[i], rear[i], half[i], unit[i] = rows[i, 4], rows[i, 4], rows[i, 5], int(rows[i, 6])


def set_body(
    bodies: Bodies,
    i: int,
    at: tuple[float, float],
    velocity: tuple[float, float],
    ahead: tuple[float, float],
    reach_m: tuple[float, float],
    half_m: float,
) -> None:
    bodies.x[i], bodies.y[i] = at
    bodies.vx[i], bodies.vy[i] = velocity
    bodies.fx[i], bodies.fy[i] = ahead
    bodies.front_m[i], bodies.rear_m[i] = reach_m
    bodies.half_m[i] = half_m


def trailer_on_rails(roads: Network, driver: Driver) -> tuple[tuple[float, float], tuple[float, float]]:
    """Middle and heading of a trailer whose axles follow the way."""
    pin_x, pin_y, _, _ = place_on(roads.ways, driver.way, driver.s_m + TRAILER.coupling_m, driver.aside_m)
    axle_x, axle_y, _, _ = place_on(
        roads.ways, driver.way, driver.s_m + TRAILER.coupling_m - _TRAILER_AXLE_M, driver.aside_m
    )
    dx, dy = pin_x - axle_x, pin_y - axle_y
    length = max(math.sqrt(dx * dx + dy * dy), 1e-6)
    ahead = (dx / length, dy / length)
    return (pin_x - TRAILER.kingpin_m * ahead[0], pin_y - TRAILER.kingpin_m * ahead[1]), ahead


def table_of(drivers: Sequence[Driver], bodies: Bodies, time_s: float) -> Drivers:
    """What ``perception.look`` needs of the drivers, each of whom steers the body of the same place in order."""
    count = len(drivers)
    blind, careless = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    overlooks = np.zeros((count, len(bodies.x)), np.bool_)
    numbers: list[float] = []  # one flat list: NumPy reads it much faster than many short ones
    for i, driver in enumerate(drivers):
        intent, manner = driver.intent, driver.manner
        if intent is not NORMAL:
            blind[i] = intent.is_blind(time_s)
            errs = intent.errs(time_s)
            careless[i] = intent.ignores_others and errs
            if intent.overlooks and errs:
                overlooks[i] = np.isin(bodies.unit, list(intent.overlooks))
        numbers += (
            driver.way, driver.s_m, driver.speed, manner.headway_s, manner.gap_m, manner.pulls_mps2,
            manner.brakes_mps2, *driver.span_m(time_s), driver.line_m, driver.exit_m,
        )  # fmt: skip
    table = np.array(numbers, np.float64).reshape(count, 11)
    return Drivers(table, ~blind, ~(blind | careless), overlooks)
