"""Traffic on rails: vehicles that follow their ways exactly, people who walk, no collisions. It fills the roads before
a clip, and rehearses what a clip is meant to show."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import kernel
from its_core.engines.simulator.dimensions import PEDESTRIAN_RADIUS_M, TRAILER
from its_core.engines.simulator.roads.layouts import Layout
from its_core.engines.simulator.roads.network import Network, Ways, network, place_on
from its_core.engines.simulator.roads.signals import Programme
from its_core.engines.simulator.simulation.population import Vehicle
from its_core.engines.simulator.simulation.rules import Rules
from its_core.engines.simulator.simulation.steering import ahead_m
from its_core.engines.simulator.traffic.driver_table import planned_drivers, table_of
from its_core.engines.simulator.traffic.drivers import Driver
from its_core.engines.simulator.traffic.making_room import make_room
from its_core.engines.simulator.traffic.perception import Bodies
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
        drivers = planned_drivers(traffic.drivers, traffic.walkers, bodies.unit, traffic.time_s)
        self.rules.decide(traffic.time_s, step_s, drivers, bodies, traffic.walkers)
        for walker, room in zip(traffic.walkers, rooms(bodies).tolist(), strict=True):
            walker.control(self.rules.around(traffic.time_s, step_s, walker, traffic.drivers, tuple(room)))
        _advance(drivers.table, step_s)
        for i, driver in enumerate(traffic.drivers):
            driver.row = drivers.row(i)
        for walker in traffic.walkers:
            walker.moved(walker.x + walker.vx * step_s, walker.y + walker.vy * step_s)
        traffic.time_s += step_s


@kernel
def _advance(drivers: NDArray[np.void], step_s: float) -> None:
    for i in range(len(drivers)):
        me = drivers[i]
        before = me.speed
        me.speed = max(before + me.acceleration * step_s, 0.0)
        me.s_m += 0.5 * (before + me.speed) * step_s
        wish = me.soon_m - me.aside_m
        if not me.skids and not (wish == 0.0 and me.slides_mps == 0.0):
            # What pure pursuit makes of a step to the side: an oscillation with 0.7 of the critical damping.
            rate = me.speed / ahead_m(me.speed, me.wheelbase_m)
            me.slides_mps += (2.0 * rate * rate * wish - 2.0 * rate * me.slides_mps) * step_s
            limit = STEEPEST * me.speed
            me.slides_mps = min(max(me.slides_mps, -limit), limit)
        me.aside_m += me.slides_mps * step_s


def packed(roads: Network, traffic: Traffic) -> Bodies:
    """The bodies of everyone on rails: vehicles in the drivers' order, then trailers, then people."""
    drivers, walkers = traffic.drivers, traffic.walkers
    trailers = [driver for driver in drivers if driver.type is ParticipantType.ARTICULATED_TRUCK]
    bodies = Bodies.of(len(drivers) + len(trailers) + len(walkers))
    if drivers:
        _on_rails(roads.ways, table_of(drivers), bodies.table)
        bodies.unit[: len(drivers)] = [driver.number for driver in drivers]
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
def _on_rails(ways: Ways, drivers: NDArray[np.void], bodies: Floats) -> None:
    x, y, vx, vy, fx, fy, front, rear, half = bodies
    for i in range(len(drivers)):
        me = drivers[i]
        x[i], y[i], tx, ty = place_on(ways, int(me.way), me.s_m, me.aside_m)
        vx[i], vy[i] = tx * me.speed - ty * me.slides_mps, ty * me.speed + tx * me.slides_mps
        lean = me.slides_mps / max(me.speed, 2.0)
        length = np.sqrt(1.0 + lean * lean)
        fx[i], fy[i] = (tx - ty * lean) / length, (ty + tx * lean) / length
        front[i], rear[i], half[i] = me.half_length_m, me.half_length_m, me.half_width_m


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
