"""Writes down, frame by frame, what a trace keeps."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from its_core.clip import Geometry
from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.physics.person import TwoWheeler, Walking
from its_core.engines.simulator.physics.vehicle import Vehicle
from its_core.engines.simulator.physics.world import Body
from its_core.engines.simulator.trace import Actor, Dent, Trace, TraceContact
from its_core.engines.simulator.traffic.drivers import Command
from its_core.engines.simulator.traffic.walkers import Walker
from its_core.taxonomy import ParticipantType

_SLIP_MPS = 2.2  # sideways: faster than this tyres leave marks


class Recorder:
    """Arrays of F frames; actors are the vehicles, then the people."""

    def __init__(self, bodies: Sequence[Body], vehicles: int, geometry: Geometry) -> None:
        self._bodies, self._vehicles = bodies, vehicles
        self._fps = geometry.fps
        frames, actors = geometry.frames, len(bodies)
        self._positions, self._velocities = np.zeros((frames, actors, 3)), np.zeros((frames, actors, 3))
        self._rotations = np.zeros((frames, actors, 4))
        self._rotations[..., 0] = 1.0
        self._steer, self._spin = (np.zeros((frames, actors)) for _ in range(2))
        self._suspension = np.zeros((frames, actors, 4))
        self._braking, self._sliding = (np.zeros((frames, actors), np.bool_) for _ in range(2))
        self._indicator = np.zeros((frames, actors), np.int8)
        self._lane = np.full((frames, vehicles), -1, np.int64)
        self._stride, self._startle = (np.zeros((frames, actors)) for _ in range(2))
        self._signals: list[NDArray[np.int64]] = []
        self._trailers: dict[int, NDArray[np.float64]] = {}
        self._limbs: dict[int, NDArray[np.float64]] = {}
        self.arcs, self.asides = (np.zeros((frames, vehicles)) for _ in range(2))

    def signals(self, aspects: NDArray[np.int64]) -> None:
        self._signals.append(aspects)

    def vehicle(self, frame: int, i: int, command: Command | None, lane: int, arc_m: float, aside_m: float) -> None:
        """``command`` None: parked."""
        body = self._bodies[i]
        assert isinstance(body, Vehicle | TwoWheeler)
        part = body.chassis if isinstance(body, Vehicle) else body
        velocity = part.velocity
        vx, vy, _ = velocity.tolist()
        self._positions[frame, i], self._rotations[frame, i] = part.position, part.rotation
        self._velocities[frame, i] = velocity
        self._steer[frame, i] = body.steer_rad
        self._lane[frame, i], self.arcs[frame, i], self.asides[frame, i] = lane, arc_m, aside_m
        if command is not None and body.type is not ParticipantType.BICYCLE:  # bicycles have no such lamps
            self._braking[frame, i], self._indicator[frame, i] = command.brake_lamps, command.indicator
        fx, fy = part.forward
        rolled = vx * fx + vy * fy
        locked = isinstance(body, Vehicle) and body.locked
        if frame > 0:
            turned = 0.0 if locked else rolled / self._fps / body.body.wheel_radius_m
            self._spin[frame, i] = self._spin[frame - 1, i] + turned
        if isinstance(body, Vehicle):
            self._suspension[frame, i] = body.chassis.suspension[:4]
            speed = math.sqrt(vx * vx + vy * vy)
            self._sliding[frame, i] = (locked and speed > 1.0) or abs(vx * fy - vy * fx) > _SLIP_MPS
            if body.trailer is not None:
                poses = self._trailers.setdefault(i, np.zeros((len(self._positions), 7)))
                poses[frame] = [*body.trailer.position, *body.trailer.rotation]
        elif body.rider is not None:
            self._limp(frame, i, body.rider.poses)

    def walker(self, frame: int, i: int, walker: Walker) -> None:
        body = self._bodies[i]
        assert isinstance(body, Walking)
        self._positions[frame, i] = body.position
        if body.limp is not None:
            self._rotations[frame, i] = body.rotation
            self._limp(frame, i, body.limp.poses)
        else:
            half = walker.heading_rad / 2
            self._rotations[frame, i] = float(pm.cos(half)), 0.0, 0.0, float(pm.sin(half))
        self._velocities[frame, i] = body.velocity
        self._stride[frame, i] = walker.stride_rad
        self._startle[frame, i] = walker.startle

    def _limp(self, frame: int, i: int, poses: NDArray[np.float64]) -> None:
        kept = self._limbs.setdefault(i, np.full((len(self._positions), 7, 7), np.nan))
        kept[frame] = poses

    def trace(self, actors: tuple[Actor, ...], contacts: tuple[TraceContact, ...], dents: tuple[Dent, ...]) -> Trace:
        """Everything recorded."""
        return Trace(
            fps=self._fps,
            actors=actors,
            vehicles=self._vehicles,
            positions=self._positions,
            rotations=self._rotations,
            velocities=self._velocities,
            steer=self._steer,
            spin=self._spin,
            suspension=self._suspension,
            braking=self._braking,
            indicator=self._indicator,
            sliding=self._sliding,
            lane=self._lane,
            stride=self._stride,
            startle=self._startle,
            signals=np.array(self._signals, np.int8),
            contacts=contacts,
            dents=dents,
            trailers=self._trailers,
            limbs=self._limbs,
        )
