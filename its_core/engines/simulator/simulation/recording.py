"""Writes down, frame by frame, what a trace keeps."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from its_core.clip import Geometry
from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.trace import Actor, Dent, Trace, TraceContact
from its_core.engines.simulator.traffic.drivers import Driver
from its_core.engines.simulator.traffic.walkers import Walker


class Recorder:
    """Arrays of F frames; actors are the drivers' vehicles, then the walkers."""

    def __init__(self, drivers: Sequence[Driver], walkers: Sequence[Walker], geometry: Geometry) -> None:
        self._drivers, self._walkers = drivers, walkers
        self._fps = geometry.fps
        frames, actors = geometry.frames, len(drivers) + len(walkers)
        self._positions = np.zeros((frames, actors, 3))
        self._rotations = np.zeros((frames, actors, 4))
        self._rotations[..., 0] = 1.0
        self._speeds, self._steer, self._spin = (np.zeros((frames, actors)) for _ in range(3))
        self._suspension = np.zeros((frames, actors, 4))
        self._braking = np.zeros((frames, actors), np.bool_)
        self._indicator = np.zeros((frames, actors), np.int8)
        self._stride, self._startle = (np.zeros((frames, actors)) for _ in range(2))
        self._signals: list[NDArray[np.int8]] = []
        self.arcs, self.asides = (np.zeros((frames, len(drivers))) for _ in range(2))

    def record(self, frame: int, signals: NDArray[np.int8]) -> None:
        self._signals.append(signals)
        for i, driver in enumerate(self._drivers):
            self._record_vehicle(frame, i, driver)
        for i, walker in enumerate(self._walkers, start=len(self._drivers)):
            self._record_walker(frame, i, walker)

    def _record_vehicle(self, frame: int, i: int, driver: Driver) -> None:
        vehicle = driver.vehicle
        velocity = vehicle.velocity
        self._positions[frame, i] = vehicle.position
        self._rotations[frame, i] = vehicle.rotation
        self._speeds[frame, i] = math.hypot(velocity[0], velocity[1])
        self._steer[frame, i] = vehicle.steer_rad
        self._suspension[frame, i] = vehicle.suspension
        self._braking[frame, i] = driver.command.brake_lamps
        self._indicator[frame, i] = driver.command.indicator
        if frame > 0:
            rolled = 0.0 if vehicle.locked else float(pm.dot(velocity[:2], vehicle.forward)) / self._fps
            self._spin[frame, i] = self._spin[frame - 1, i] + rolled / vehicle.body.wheel_radius_m
        s, aside = driver.path.project(vehicle.position[None, :2], driver.s_m - 15.0, driver.s_m + 30.0)
        self.arcs[frame, i], self.asides[frame, i] = s[0], aside[0]

    def _record_walker(self, frame: int, i: int, walker: Walker) -> None:
        velocity = walker.body.velocity
        self._positions[frame, i] = walker.body.position
        if walker.body.fallen:
            self._rotations[frame, i] = walker.body.rotation
        else:
            half = walker.heading_rad / 2
            self._rotations[frame, i] = pm.cos(half), 0.0, 0.0, pm.sin(half)
        self._speeds[frame, i] = math.hypot(velocity[0], velocity[1])
        self._stride[frame, i] = walker.stride_rad
        self._startle[frame, i] = walker.startle

    def trace(self, actors: tuple[Actor, ...], contacts: tuple[TraceContact, ...], dents: tuple[Dent, ...]) -> Trace:
        """Everything recorded."""
        return Trace(
            fps=self._fps,
            actors=actors,
            positions=self._positions,
            rotations=self._rotations,
            speeds=self._speeds,
            steer=self._steer,
            spin=self._spin,
            suspension=self._suspension,
            braking=self._braking,
            indicator=self._indicator,
            stride=self._stride,
            startle=self._startle,
            signals=np.array(self._signals, np.int8),
            contacts=contacts,
            dents=dents,
        )
