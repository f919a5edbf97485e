"""The Bullet world of one try: ground, what stands on it, vehicles, riders, people.

Everything moves in ticks of ``1 / TICKS_HZ`` seconds. A fresh world each try, and one tick before anything is read
(wheel transforms hold garbage before it), make a run a function of its staging alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from panda3d.bullet import BulletWorld
from panda3d.core import NodePath, Vec3, loadPrcFileData

from its_core.engines.simulator.physics.constants import GRAVITY_MPS2, TICKS_HZ, TYRE_GRIP
from its_core.engines.simulator.physics.person import TwoWheeler, Walking
from its_core.engines.simulator.physics.surroundings import GROUND, POSTS, outline, standing
from its_core.engines.simulator.physics.vehicle import Vehicle
from its_core.engines.simulator.roads.layouts import Layout
from its_core.taxonomy import ParticipantType, RoadSurface

Floats = NDArray[np.float64]
Body = Vehicle | TwoWheeler | Walking

MIN_IMPULSE_NS = 5.0
# As Bullet has it, in single precision: a time that is not its exact multiple would lose ticks to rounding.
_TICK_S = float(np.float32(1.0 / TICKS_HZ))
# Every move of a body makes a transform. Panda keeps them until its graphics engine draws a frame, which never happens
# here: a clip's hundred thousands of them stayed in memory for good.
loadPrcFileData("", "garbage-collect-states 0")


@dataclass(frozen=True, slots=True)
class Touch:
    """Two bodies pressing on each other during one tick. ``second`` is None for something that stands still, ``thing``
    then says what. ``normal`` points from the second body to the first; ``impulse_ns`` is what they exchanged along
    it."""

    first: int
    second: int | None
    point_m: Floats
    normal: Floats
    impulse_ns: float
    thing: str | None = None


class World:
    """``grip`` is the tyres' on this surface. Bodies are numbered as the actors of the trace are, from 0."""

    def __init__(self, layout: Layout, surface: RoadSurface) -> None:
        self.grip = TYRE_GRIP[surface]
        self._bullet = BulletWorld()
        self._bullet.setGravity(Vec3(0, 0, -GRAVITY_MPS2))
        self._vehicles: list[Vehicle] = []
        self._posts: list[NodePath[Any]] = []
        self.outlines: list[tuple[float, ...]] = []  # of what stands, as ``surroundings.outline`` tells them
        for node, at in standing(layout):
            path = NodePath(node)
            path.setPos(at)
            self._bullet.attach(node)
            if node.getName() != GROUND:
                self.outlines.append(outline(node, at))
            if node.getName() in POSTS:
                self._posts.append(path)

    def add_vehicle(
        self,
        number: int,
        type_: ParticipantType,
        at_m: tuple[float, float],
        heading_rad: float,
        speed_mps: float,
        trailer: tuple[tuple[float, float], float] | None = None,
    ) -> Vehicle:
        """Heading counter-clockwise from north."""
        vehicle = Vehicle(self._bullet, number, type_, at_m, heading_rad, speed_mps, self.grip, trailer)
        self._vehicles.append(vehicle)
        return vehicle

    def add_two_wheeler(
        self, number: int, type_: ParticipantType, at_m: tuple[float, float], heading_rad: float, speed_mps: float
    ) -> TwoWheeler:
        return TwoWheeler(self._bullet, number, type_, at_m, heading_rad, speed_mps)

    def add_pedestrian(self, number: int, at_m: tuple[float, float]) -> Walking:
        return Walking(self._bullet, number, at_m)

    def shove_post(self, point_m: Floats, by_m: tuple[float, float]) -> None:
        """Moves the post that stands nearest to a point."""
        x, y = float(point_m[0]), float(point_m[1])
        post = min(self._posts, key=lambda path: (path.getX() - x) ** 2 + (path.getY() - y) ** 2)
        post.setPos(post.getX() + by_m[0], post.getY() + by_m[1], post.getZ())

    def tick(self, ticks: int = 1) -> list[Touch]:
        """The touches of the last of so many ticks (at most ten), in which nothing else may be to do."""
        for vehicle in self._vehicles:
            if vehicle.trip_ticks > 0:
                vehicle.before_tick()
        self._bullet.doPhysics(ticks * _TICK_S, ticks, _TICK_S)
        return list(self._touches())

    def _touches(self) -> Iterator[Touch]:
        for manifold in self._bullet.getManifolds():
            if manifold.getNumManifoldPoints() == 0:
                continue
            names = (manifold.getNode0().getName(), manifold.getNode1().getName())
            if GROUND in names or names[0] == names[1]:
                continue
            points = [p for p in manifold.getManifoldPoints() if p.getAppliedImpulse() > 0]
            impulse = sum(p.getAppliedImpulse() for p in points)
            if impulse < MIN_IMPULSE_NS:
                continue
            where = sum(np.array(p.getPositionWorldOnA()) * p.getAppliedImpulse() for p in points) / impulse
            normal = sum(np.array(p.getNormalWorldOnB()) * p.getAppliedImpulse() for p in points) / impulse
            if not names[0].isdigit():
                yield Touch(int(names[1]), None, where, -normal, impulse, names[0])
            elif not names[1].isdigit():
                yield Touch(int(names[0]), None, where, normal, impulse, names[1])
            else:
                yield Touch(int(names[0]), int(names[1]), where, normal, impulse)
