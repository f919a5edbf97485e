"""Runs a staged try through the physics, frame by frame, and hands back its trace."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from its_core.clip import Geometry
from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.dimensions import PEDESTRIAN_RADIUS_M, TRAILER, TWO_WHEELERS
from its_core.engines.simulator.physics.constants import TICKS_HZ
from its_core.engines.simulator.physics.contacts import ContactLog, Episode, velocity_of
from its_core.engines.simulator.physics.limp_body import walking
from its_core.engines.simulator.physics.person import TwoWheeler, Walking
from its_core.engines.simulator.physics.vehicle import Vehicle
from its_core.engines.simulator.physics.world import Body, Touch, World
from its_core.engines.simulator.randomness import rng_of
from its_core.engines.simulator.roads.network import Network, network, project_on
from its_core.engines.simulator.simulation.crushed_posts import gives_way
from its_core.engines.simulator.simulation.onlookers import UNDERSTANDS_S, come_upon, drawn_onlooker
from its_core.engines.simulator.simulation.population import OPEN_ROADS
from its_core.engines.simulator.simulation.quiet import all_stay_apart
from its_core.engines.simulator.simulation.rails import set_body, trailer_on_rails
from its_core.engines.simulator.simulation.rebound import Rebounds
from its_core.engines.simulator.simulation.recording import Recorder
from its_core.engines.simulator.simulation.rules import Rules
from its_core.engines.simulator.simulation.staging import Staging
from its_core.engines.simulator.simulation.steering import (
    STEER_LIMIT_RAD,
    STEER_RATE_RADPS,
    pursuits_rad,
)
from its_core.engines.simulator.simulation.swerves import (
    BRAKE_SHARE,
    BRAKES_MPS2,
    DEMANDS,
    ENDS_S,
    HARDEST_MPS,
    STARTS_S,
    Swerve,
    swerve_of,
)
from its_core.engines.simulator.trace import Trace
from its_core.engines.simulator.traffic.driver_table import planned_drivers
from its_core.engines.simulator.traffic.drivers import Command, Driver
from its_core.engines.simulator.traffic.habits import Brake
from its_core.engines.simulator.traffic.making_room import make_room
from its_core.engines.simulator.traffic.perception import Bodies
from its_core.engines.simulator.traffic.sidesteps import rooms
from its_core.engines.simulator.traffic.walkers import Walker
from its_core.taxonomy import ParticipantType

CONTROL_TICKS = 10  # drivers and pedestrians decide 24 times a second
STEP_S = CONTROL_TICKS / TICKS_HZ
SHAKEN_MPS = 0.7  # a blow that changes the speed by more than this ends a vehicle's drive
RESTITUTION = (0.30, 0.55)  # of each body; the product of two gives back 10 to 25 % of the closing speed
JUNCTION_RADIUS_M = 17.0
ROLLS_S = 1.0  # even who did not reach the pedal at once brakes then
LATE_BRAKE_SHARE = 0.5
DRAGS_MPS2 = 1.6  # of a wreck that nobody brakes: bent bodywork and a stalled engine hold wheels
HALTS_MPS2 = 7.0  # of a driver who has hit somebody
STRIKES_MPS = 0.8  # a vehicle slower than this knocks nobody over
HAZARDS_AFTER_S = 2.0
WARNS_S = (0.7, 3.2)  # of a wreck's driver: from being stunned no more to the hazard lights


@dataclass(frozen=True, slots=True)
class Run:
    """A finished try: what judges read. ``arcs`` and ``asides`` F×V: where on their ways vehicles were, metres."""

    staging: Staging
    trace: Trace
    roads: Network
    arcs: NDArray[np.float64]
    asides: NDArray[np.float64]
    episodes: tuple[Episode, ...]


def simulate(staging: Staging, geometry: Geometry, until_touch: bool = False) -> Run:
    """Physics for the whole clip; ``until_touch``: at most to the first touch, frames after which stay zero."""
    return _Simulation(staging, geometry).run(until_touch)


class _Simulation:
    def __init__(self, staging: Staging, geometry: Geometry) -> None:
        if TICKS_HZ % geometry.fps:
            raise ValueError(f"{geometry.fps} frames a second do not divide the physics' {TICKS_HZ} ticks")
        self.staging, self.geometry = staging, geometry
        self.roads = network(staging.layout)
        self.world = World(staging.layout, staging.surface)
        self.rules = Rules(staging.layout, self.roads, staging.programme)
        self.rng = rng_of("physics", *(actor.track_id for actor in staging.actors))
        self.drivers: list[Driver] = [copy.copy(staged.driver) for staged in staging.vehicles]
        self.walkers: list[Walker] = [copy.copy(staged.walker) for staged in staging.walkers]
        self.bodies: list[Body] = [self._vehicle(i, driver) for i, driver in enumerate(self.drivers)]
        self.bodies += self._parked()
        self.vehicles = len(self.bodies)
        for number, walker in enumerate(self.walkers, start=self.vehicles):
            walker.number = number
            self.bodies.append(self.world.add_pedestrian(number, (walker.x, walker.y)))
        self.log = ContactLog(self.bodies)
        self.rebounds = Rebounds(self.bodies, [float(self.rng.uniform(*RESTITUTION)) for _ in self.bodies])
        self.wrecked_at: dict[int, int] = {}
        self.before = {number: velocity_of(body) for number, body in enumerate(self.bodies)}
        self.onlookers = [drawn_onlooker(self.rng) for _ in self.drivers]
        self.demands = [float(self.rng.uniform(*DEMANDS)) for _ in self.drivers]
        self._warns_s = [float(self.rng.uniform(*WARNS_S)) for _ in self.drivers]
        self._swerves: dict[int, tuple[Swerve, NDArray[np.float64]]] = {}  # and the velocity before the touch
        self._skidding: set[int] = set()
        self._brushed_ones: set[int] = set()
        self.seen = self._table()
        self._things = np.array(self.world.outlines + self._parked_outlines()).reshape(-1, 6)

    def _vehicle(self, number: int, driver: Driver) -> Vehicle | TwoWheeler:
        driver.number = number
        x, y, tx, ty = self.roads.place(driver.way, driver.s_m, driver.aside_m)
        heading = float(pm.atan2(-tx, ty))
        if driver.type in TWO_WHEELERS:
            return self.world.add_two_wheeler(number, driver.type, (x, y), heading, driver.speed)
        trailer = None
        if driver.type is ParticipantType.ARTICULATED_TRUCK:
            at, ahead = trailer_on_rails(self.roads, driver)
            trailer = (at, float(pm.atan2(-ahead[0], ahead[1])))
        return self.world.add_vehicle(number, driver.type, (x, y), heading, driver.speed, trailer)

    def _parked(self) -> list[Body]:
        found: list[Body] = []
        for number, parked in enumerate(self.staging.parked, start=len(self.drivers)):
            vehicle = self.world.add_vehicle(number, parked.actor.type, parked.bay.at, parked.bay.heading_rad, 0.0)
            vehicle.drive(-4.0, 0.0)
            vehicle.locked = True
            found.append(vehicle)
        return found

    def _parked_outlines(self) -> list[tuple[float, ...]]:
        """As ``surroundings.outline`` tells them."""
        found: list[tuple[float, ...]] = []
        for body in self.bodies[len(self.drivers) : self.vehicles]:
            assert isinstance(body, Vehicle)
            x, y, _ = body.chassis.position.tolist()
            found.append((x, y, *body.chassis.forward, body.body.length_m / 2, body.body.width_m / 2))
        return found

    def run(self, until_touch: bool) -> Run:
        frames, ticks_a_frame = self.geometry.frames, TICKS_HZ // self.geometry.fps
        recorder = Recorder(self.bodies, self.vehicles, self.geometry)
        self.world.tick()  # before it, wheel transforms are garbage
        tick, end, quiet = 0, (frames - 1) * ticks_a_frame + 1, False
        while tick < end:
            if tick % CONTROL_TICKS == 0:
                self._control(tick)
                quiet = self._is_quiet()
            if tick % ticks_a_frame == 0:
                self._record(recorder, tick // ticks_a_frame, tick / TICKS_HZ)
            until_due = min(CONTROL_TICKS - tick % CONTROL_TICKS, ticks_a_frame - tick % ticks_a_frame, end - tick)
            ticks = until_due if quiet else 1
            tick += ticks
            for touch in self.world.tick(ticks):
                self._touched(tick, touch)
            self.rebounds.tick(tick)
            self.log.settle(tick)
            if until_touch and self.log.episodes:
                break
        fps = self.geometry.fps
        trace = recorder.trace(self.staging.actors, self.log.contacts(fps), self.log.dents(fps))
        return Run(self.staging, trace, self.roads, recorder.arcs, recorder.asides, tuple(self.log.episodes))

    def _is_quiet(self) -> bool:
        """Whether nothing happens before drivers decide anew, neither a touch nor what follows from one."""
        return not self.log.episodes and not self._skidding and all_stay_apart(self.seen, self._things, STEP_S)

    def _record(self, recorder: Recorder, frame: int, time_s: float) -> None:
        recorder.signals(self.rules.signals(time_s))
        for i, driver in enumerate(self.drivers):
            recorder.vehicle(frame, i, driver.command, driver.way, driver.s_m, driver.aside_m)
        for i in range(len(self.drivers), self.vehicles):
            recorder.vehicle(frame, i, None, -1, 0.0, 0.0)
        for i, walker in enumerate(self.walkers, start=self.vehicles):
            recorder.walker(frame, i, walker)

    def _table(self) -> Bodies:
        """The bodies that drivers see: vehicles, trailers, people. Vehicles come in the drivers' order."""
        self.trailers = [i for i, d in enumerate(self.drivers) if d.type is ParticipantType.ARTICULATED_TRUCK]
        seen = Bodies.of(len(self.drivers) + len(self.trailers) + len(self.walkers))
        for i in range(len(self.drivers)):
            seen.unit[i] = i
        for i, number in enumerate(self.trailers, start=len(self.drivers)):
            seen.unit[i] = number
        for i in range(len(self.walkers)):
            at = len(self.drivers) + len(self.trailers) + i
            seen.unit[at], seen.walks[at] = self.vehicles + i, True
        return seen

    def _look_around(self) -> None:
        """Reads every body into the table that drivers see."""
        seen = self.seen
        for i, driver in enumerate(self.drivers):
            body = self.bodies[i]
            part = body.chassis if isinstance(body, Vehicle) else body
            assert not isinstance(part, Walking | Vehicle)
            if isinstance(body, TwoWheeler) and body.rider is not None:
                body.rider.settle()
            velocity, ahead = part.velocity, part.forward
            (x, y, _), (vx, vy, _) = part.position.tolist(), velocity.tolist()
            half = driver.half_length_m
            set_body(seen, i, (x, y), (vx, vy), ahead, (half, half), driver.half_width_m)
            seen.wrecked[i] = i in self.wrecked_at
            driver.speed = max(vx * ahead[0] + vy * ahead[1], 0.0)
            driver.s_m, driver.aside_m = project_on(
                self.roads.ways, driver.way, x, y, driver.s_m - 10.0, driver.s_m + 25.0
            )
            self.before[i] = velocity
        for i, number in enumerate(self.trailers, start=len(self.drivers)):
            body = self.bodies[number]
            assert isinstance(body, Vehicle) and body.trailer is not None
            at, velocity = body.trailer.position, body.trailer.velocity
            half = TRAILER.length_m / 2
            set_body(
                seen, i, (float(at[0]), float(at[1])), (float(velocity[0]), float(velocity[1])), body.trailer.forward,
                (half, half), TRAILER.width_m / 2,
            )  # fmt: skip
        for i, walker in enumerate(self.walkers):
            body = self.bodies[self.vehicles + i]
            assert isinstance(body, Walking)
            at, velocity = body.position, body.velocity
            walker.moved(float(at[0]), float(at[1]))
            if body.limp is not None:
                body.limp.settle()
            radius = PEDESTRIAN_RADIUS_M if not body.fallen else 0.8
            set_body(
                seen, len(self.drivers) + len(self.trailers) + i, (walker.x, walker.y),
                (float(velocity[0]), float(velocity[1])), (0.0, 1.0), (radius, radius), radius,
            )  # fmt: skip
            self.before[self.vehicles + i] = velocity
        for i in range(len(self.drivers), self.vehicles):
            self.before[i] = velocity_of(self.bodies[i])

    def _control(self, tick: int) -> None:
        time_s = tick / TICKS_HZ
        self._look_around()
        make_room(self.seen, self.drivers, time_s)
        steers = [self._steers(i, tick) for i in range(len(self.drivers))]
        for i, driver in enumerate(self.drivers):
            if steers[i]:
                self._come_upon(i, driver, time_s)
        drivers = planned_drivers(self.drivers, self.walkers, self.seen.unit, time_s)
        blocked = self._blocked()
        for i, driver in enumerate(self.drivers):
            if not steers[i]:
                if i in self.wrecked_at:
                    self._after_crash(i, tick - self.wrecked_at[i])
                drivers.table["acts"][i], drivers.table["then_mps2"][i] = 0.0, driver.acceleration
        self.rules.decide(time_s, STEP_S, drivers, self.seen, self.walkers, blocked)
        wishes = pursuits_rad(self.roads.ways, drivers.table, self.seen.table).tolist()
        for i, driver in enumerate(self.drivers):
            if steers[i]:
                driver.row = drivers.row(i)
                self._steer(i, driver, time_s, wishes[i])
        for walker, room in zip(self.walkers, rooms(self.seen).tolist(), strict=True):
            walker.control(self.rules.around(time_s, STEP_S, walker, self.drivers, tuple(room)))
            body = self.bodies[walker.number]
            assert isinstance(body, Walking)
            body.walk(walker.vx, walker.vy)

    def _steers(self, i: int, tick: int) -> bool:
        """Whether a driver is still at the wheel, or is so again after a crash."""
        body = self.bodies[i]
        if isinstance(body, TwoWheeler) and body.fallen:
            return False
        at = self.wrecked_at.get(i)
        return at is None or (self.drivers[i].intent.goes_on and tick - at > 0.7 * TICKS_HZ)

    def _come_upon(self, i: int, driver: Driver, time_s: float) -> None:
        """Drivers slow down for a crash, a moment after it happened."""
        at, since = self.rules.crash_at, time_s - self.rules.crash_s
        driver.caution_mps = math.inf
        if at is None or since < UNDERSTANDS_S + driver.manner.reaction_s or driver.intent.goes_on:
            return
        dx, dy = at[0] - self.seen.x[i], at[1] - self.seen.y[i]
        ahead = dx * self.seen.fx[i] + dy * self.seen.fy[i]
        beside = abs(dx * self.seen.fy[i] - dy * self.seen.fx[i])
        come_upon(driver, self.onlookers[i], float(ahead), float(beside), time_s)

    def _steer(self, i: int, driver: Driver, time_s: float, wish: float) -> None:
        """``wish``: the steering angle that would take them where they mean to be."""
        body = self.bodies[i]
        acceleration = driver.acceleration
        assert isinstance(body, Vehicle | TwoWheeler)
        if time_s >= driver.intent.skids_s and isinstance(body, Vehicle):
            if i not in self._skidding:
                self._skidding.add(i)
                body.skid(driver.intent.skid_share, driver.intent.skid_radps)
            wish, acceleration = 0.0, 0.0
        limit = STEER_RATE_RADPS * STEP_S * (2.0 if isinstance(body, TwoWheeler) else 1.0)
        change = min(max(wish - body.steer_rad, -limit), limit)
        steer = min(max(body.steer_rad + change, -STEER_LIMIT_RAD), STEER_LIMIT_RAD)
        if isinstance(body, TwoWheeler):
            body.ride(acceleration, steer, STEP_S)
            return
        body.drive(acceleration, steer)
        if driver.speed < 0.35 and acceleration < -3.0:
            body.settle()

    def _after_crash(self, i: int, since_ticks: int) -> None:
        body, crash = self.bodies[i], self.staging.vehicles[i].crash
        if not isinstance(body, Vehicle):
            return
        driver = self.drivers[i]
        if i in self._swerves and not body.locked and self._swerved(i, body, since_ticks / TICKS_HZ):
            return
        if body.locked:
            body.settle()
        elif since_ticks < crash.stunned_s * TICKS_HZ:
            body.drive(-DRAGS_MPS2, body.steer_rad)
        else:
            if crash.brake_share > 0.05:
                body.lock_wheels(crash.brake_share)
            elif since_ticks >= (crash.stunned_s + ROLLS_S) * TICKS_HZ:
                body.lock_wheels(LATE_BRAKE_SHARE)
            else:
                body.drive(-DRAGS_MPS2, body.steer_rad)
                body.settle()
            driver.command = Command(-6.0, crash.brake_share > 0.05, 0)
        if (
            since_ticks > (crash.stunned_s + self._warns_s[i]) * TICKS_HZ
            and self.rules.crash_s < math.inf
            and i % 3 != 0
        ):
            driver.command = Command(-6.0, driver.command.brake_lamps, 2)

    def _swerved(self, i: int, body: Vehicle, since_s: float) -> bool:
        """Whether a driver who has been scraped still has a way to steer; takes them on it."""
        swerve, before = self._swerves[i]
        driver = self.drivers[i]
        if float(pm.norm((body.chassis.velocity - before)[:2])) > HARDEST_MPS and since_s < STARTS_S:
            del self._swerves[i]
            return False
        if since_s >= ENDS_S:
            body.lock_wheels(max(self.staging.vehicles[i].crash.brake_share, BRAKE_SHARE))
            return True
        wish = swerve.steer_rad(since_s, driver.speed, body.body.wheelbase_m, body.grip)
        limit = STEER_RATE_RADPS * STEP_S
        brakes = since_s >= STARTS_S
        body.drive(-BRAKES_MPS2 if brakes else -0.3, body.steer_rad + min(max(wish - body.steer_rad, -limit), limit))
        driver.command = Command(-BRAKES_MPS2, brakes, 0)
        return True

    def _touched(self, tick: int, touch: Touch) -> None:
        numbers = [touch.first] + ([touch.second] if touch.second is not None else [])
        bodies = [self.bodies[number] for number in numbers]
        if all(isinstance(body, Walking) for body in bodies):
            return  # people brush past each other, or a wall
        if any(isinstance(body, Walking) and not body.fallen for body in bodies) and not self._runs_into(numbers):
            return  # somebody walks up to what stands
        if touch.thing is not None and isinstance(bodies[0], TwoWheeler) and bodies[0].fallen:
            return
        episode = self.log.add(tick, touch, self.before)
        if not gives_way(self.world, bodies[0], tick, touch, episode, self.before[touch.first]):
            self.rebounds.begun(episode)
        for body in bodies:
            if isinstance(body, Walking):
                if not body.fallen:
                    walker = self.walkers[body.number - self.vehicles]
                    walker.fallen = True
                    posture = walking(walker.stride_rad, walker.speed_mps)
                    edge_m = next(each.edge_m for each in bodies if not isinstance(each, Walking))
                    body.fall(walker.heading_rad, posture, self.before[body.number], edge_m)
                    self._crashed(tick, touch)
                continue
            if isinstance(body, TwoWheeler):
                if not body.fallen and episode.impulse_ns > 0.25 * body.mass_kg:
                    away = touch.normal if body.number == touch.first else -touch.normal
                    body.fall(self.before[body.number], away)
                    self.wrecked_at[body.number] = tick
                    self._crashed(tick, touch)
                continue
            mass = sum(part.mass_kg for part in body.parts)
            if body.number in self.wrecked_at:
                continue
            shaken = all(isinstance(each, Vehicle) for each in bodies) and episode.impulse_ns > SHAKEN_MPS * mass
            if shaken:
                self._wreck(tick, body, touch)
            else:
                self._brushed(tick, body.number)

    def _runs_into(self, numbers: list[int]) -> bool:
        """Whether a vehicle among these moves."""
        moving = (self.before[number] for number in numbers if number < self.vehicles)
        return any(float(pm.norm(velocity[:2])) > STRIKES_MPS for velocity in moving)

    def _wreck(self, tick: int, body: Vehicle, touch: Touch) -> None:
        number = body.number
        self.wrecked_at[number] = tick
        self._crashed(tick, touch)
        body.set_grip(body.grip)
        driver = self.drivers[number] if number < len(self.drivers) else None
        if number in self.staging.rolls:
            body.trip(self.staging.rolls[number], 1.6)
        elif driver is None or not driver.intent.goes_on:
            body.loosen()
        if driver is None:
            return
        x, y = (float(value) for value in (touch.normal if number == touch.first else -touch.normal)[:2])
        swerve = swerve_of((x, y), body.chassis.forward, driver.speed, self.demands[number])
        if swerve is not None and number not in self.staging.rolls:
            self._swerves[number] = swerve, self.before[number].copy()
        driver.command = Command(0.0, driver.command.brake_lamps, 0)
        if not driver.intent.goes_on:
            body.drive(0.0, body.steer_rad)

    def _brushed(self, tick: int, number: int) -> None:
        """A driver who has hit somebody, or has been brushed against, stops, however little the vehicle felt of it."""
        if number >= len(self.drivers) or number in self._brushed_ones or self.drivers[number].intent.goes_on:
            return
        self._brushed_ones.add(number)
        driver, time_s = self.drivers[number], tick / TICKS_HZ
        stops_s = time_s + 0.35 * driver.manner.reaction_s
        brake = Brake(stops_s, math.inf, HALTS_MPS2)
        driver.intent = replace(
            driver.intent, brakes=(*driver.intent.brakes, brake), hazards_s=time_s + HAZARDS_AFTER_S, chase=None
        )

    def _crashed(self, tick: int, touch: Touch) -> None:
        if self.rules.crash_at is None:
            self.rules.crash_at = (float(touch.point_m[0]), float(touch.point_m[1]))
            self.rules.crash_s = tick / TICKS_HZ

    def _blocked(self) -> bool:
        if not self.wrecked_at or self.staging.layout.name in OPEN_ROADS:
            return False
        fx, fy = self.staging.layout.focus_m
        for number in self.wrecked_at:
            body = self.bodies[number]
            at = body.chassis.position if isinstance(body, Vehicle) else None
            if at is not None and (at[0] - fx) * (at[0] - fx) + (at[1] - fy) * (at[1] - fy) < JUNCTION_RADIUS_M**2:
                return True
        return False
