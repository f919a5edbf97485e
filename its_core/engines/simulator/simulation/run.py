"""Runs a staged try through the physics, frame by frame, and hands back its trace."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from its_core.clip import Geometry
from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.dimensions import PEDESTRIAN_RADIUS_M
from its_core.engines.simulator.physics.contacts import ContactLog, Episode
from its_core.engines.simulator.physics.world import TICKS_HZ, Touch, Vehicle, Walking, World
from its_core.engines.simulator.roads.layouts import SignalHead
from its_core.engines.simulator.roads.paths import Floats, Path, meeting
from its_core.engines.simulator.roads.signals import GREEN
from its_core.engines.simulator.simulation.recording import Recorder
from its_core.engines.simulator.simulation.staging import Staging
from its_core.engines.simulator.trace import Trace
from its_core.engines.simulator.traffic.drivers import Driver
from its_core.engines.simulator.traffic.perception import Surroundings
from its_core.engines.simulator.traffic.walkers import Walker
from its_core.taxonomy import RoadLayout

CONTROL_TICKS = 10  # drivers and pedestrians decide 24 times a second
STUNNED_S = 0.4  # after a crash nobody touches a pedal for so long; then the wheels lock
SHAKEN_NS = 150.0  # a knock harder than this ends a vehicle's drive
JUNCTION_RADIUS_M = 17.0


@dataclass(frozen=True, slots=True)
class Run:
    """A finished try: what judges read. ``paths`` are the vehicles'; ``arcs`` and ``asides`` F×V: where on them each
    was, metres."""

    staging: Staging
    trace: Trace
    paths: tuple[Path, ...]
    arcs: Floats
    asides: Floats
    episodes: tuple[Episode, ...]


def simulate(staging: Staging, geometry: Geometry) -> Run:
    """Physics for the whole clip."""
    return _Simulation(staging, geometry).run()


class _Simulation:
    def __init__(self, staging: Staging, geometry: Geometry) -> None:
        if TICKS_HZ % geometry.fps:
            raise ValueError(f"{geometry.fps} frames a second do not divide the physics' {TICKS_HZ} ticks")
        self.staging = staging
        self.geometry = geometry
        self.world = World(staging.layout, staging.surface)
        self.drivers: list[Driver] = []
        for number, staged in enumerate(staging.vehicles):
            path = Path(staged.lane.points)
            forward = path.direction(staged.s_m)
            at = path.at(staged.s_m) + staged.manner.aside_m * np.array([-forward[1], forward[0]])
            heading = pm.atan2(-forward[0], forward[1])
            vehicle = self.world.add_vehicle(number, staged.actor.type, at, heading, staged.speed_mps)
            crosswalks = staging.layout.crosswalks
            self.drivers.append(Driver(vehicle, staged.lane, staged.manner, staged.intent, crosswalks, self.world.grip))
        self.walkers: list[Walker] = []
        for number, walker in enumerate(staging.walkers, start=len(self.drivers)):
            at = Path(walker.walk.points).at(walker.walk.s_m)
            self.walkers.append(Walker(self.world.add_pedestrian(number, at), walker.walk))
        self.bodies: list[Vehicle | Walking] = [driver.vehicle for driver in self.drivers]
        self.bodies += [walker.body for walker in self.walkers]
        self.log = ContactLog(self.bodies)
        self.wrecked_at: dict[int, int] = {}
        self.meetings = _meetings(self.drivers)

    def run(self) -> Run:
        frames, ticks_a_frame = self.geometry.frames, TICKS_HZ // self.geometry.fps
        recorder = Recorder(self.drivers, self.walkers, self.geometry)
        self.world.tick()  # before it, wheel transforms are garbage
        for tick in range((frames - 1) * ticks_a_frame + 1):
            if tick % CONTROL_TICKS == 0:
                self._control(tick)
            if tick % ticks_a_frame == 0:
                recorder.record(tick // ticks_a_frame, self._signals(tick / TICKS_HZ))
            for touch in self.world.tick():
                self._touched(tick + 1, touch)
        trace = recorder.trace(
            self.staging.actors, self.log.contacts(self.geometry.fps), self.log.dents(self.geometry.fps)
        )
        return Run(
            self.staging,
            trace,
            tuple(driver.path for driver in self.drivers),
            recorder.arcs,
            recorder.asides,
            tuple(self.log.episodes),
        )

    def _control(self, tick: int) -> None:
        around = self._surroundings(tick / TICKS_HZ)
        step_s = CONTROL_TICKS / TICKS_HZ
        for driver in self.drivers:
            since = tick - self.wrecked_at.get(driver.vehicle.number, tick + 1)
            if since < 0:
                driver.control(around, step_s)
            elif driver.vehicle.locked:
                driver.vehicle.settle()
            elif since >= STUNNED_S * TICKS_HZ:
                driver.lock(self.world.grip)
        for walker in self.walkers:
            walker.control(around, step_s)

    def _touched(self, tick: int, touch: Touch) -> None:
        pair = [touch.first] + ([touch.second] if touch.second is not None else [])
        bodies = [self.bodies[number] for number in pair]
        if all(isinstance(body, Walking) for body in bodies):
            return  # people brush past each other, or a wall
        self.log.add(tick, touch)
        for body in bodies:
            if isinstance(body, Walking) and not body.fallen:
                away = touch.normal if body.number == touch.first else -touch.normal
                body.fall(touch.point_m, away * touch.impulse_ns)
            elif isinstance(body, Vehicle) and touch.impulse_ns > SHAKEN_NS and body.number not in self.wrecked_at:
                self.wrecked_at[body.number] = tick
                self.drivers[body.number].crash()

    def _signals(self, time_s: float) -> NDArray[np.int8]:
        """The aspect of each signal head, S int8."""
        programme = self.staging.programme
        heads = self.staging.layout.signals
        if programme is None:
            return np.full(len(heads), GREEN, np.int8)
        return np.array([programme.aspect(_north_south(head), time_s) for head in heads], np.int8)

    def _surroundings(self, time_s: float) -> Surroundings:
        positions = np.array([body.position[:2] for body in self.bodies])
        forward = np.array([body.forward for body in self.bodies])
        vehicles = len(self.drivers)
        half = np.full((len(self.bodies), 2), PEDESTRIAN_RADIUS_M)
        for i, driver in enumerate(self.drivers):
            half[i] = driver.vehicle.body.length_m / 2, driver.vehicle.body.width_m / 2
        wrecked = np.array(
            [i in self.wrecked_at or (i >= vehicles and self._fallen(i)) for i in range(len(self.bodies))]
        )
        focus = np.array(self.staging.layout.focus_m)
        in_junction = pm.norm(positions - focus) < JUNCTION_RADIUS_M
        return Surroundings(
            time_s=time_s,
            positions=positions,
            velocities=np.array([body.velocity[:2] for body in self.bodies]),
            forward=forward,
            half=half,
            walking=np.arange(len(self.bodies)) >= vehicles,
            wrecked=wrecked,
            lanes=tuple(driver.lane.name for driver in self.drivers),
            paths=tuple(driver.path for driver in self.drivers),
            arcs=np.array([driver.s_m for driver in self.drivers]),
            asides=np.array([driver.aside_now_m for driver in self.drivers]),
            accelerations=np.array([driver.command.acceleration_mps2 for driver in self.drivers]),
            meetings=self.meetings,
            signals=self._signals(time_s),
            blocked=bool((wrecked & in_junction).any()) and self.staging.layout.name is not RoadLayout.HIGHWAY,
        )

    def _fallen(self, number: int) -> bool:
        body = self.bodies[number]
        return isinstance(body, Walking) and body.fallen


def _north_south(head: SignalHead) -> bool:
    """Whether a head belongs to the north–south phase."""
    return round(head.facing_deg) % 180 == 0


def _meetings(drivers: list[Driver]) -> dict[tuple[str, str], tuple[float, float]]:
    """Where the lanes in use meet those that they give way to."""
    paths = {driver.lane.name: (driver.lane, driver.path) for driver in drivers}
    found: dict[tuple[str, str], tuple[float, float]] = {}
    for name, (lane, path) in paths.items():
        for other in lane.conflicts:
            where = meeting(path, paths[other][1]) if other in paths else None
            if where is not None:
                found[name, other] = where
    return found
