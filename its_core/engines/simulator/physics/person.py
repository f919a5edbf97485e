"""People: an upright capsule that goes where it is told until something hits it, then a limp body. Riders sit on a
two-wheeler until it falls."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from panda3d.bullet import (
    BulletBoxShape,
    BulletCapsuleShape,
    BulletConvexHullShape,
    BulletRigidBodyNode,
    BulletWorld,
    ZUp,
)
from panda3d.core import BitMask32, NodePath, Point3, Quat, TransformState, Vec3

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.dimensions import (
    BIKE_MASS_KG,
    PEDESTRIAN_HEIGHT_M,
    PEDESTRIAN_MASS_KG,
    PEDESTRIAN_RADIUS_M,
    VEHICLES,
)
from its_core.engines.simulator.physics.limp_body import LimpBody, Posture
from its_core.engines.simulator.physics.vectors import four, three
from its_core.taxonomy import ParticipantType

Floats = NDArray[np.float64]

# How riders sit: hips over the saddle, hands on the bar.
_SEATED = {
    ParticipantType.MOTORCYCLE: Posture(0.86, -0.16, -0.30, (1.18, 1.18), (-0.30, -0.30), (0.80, 0.80)),
    ParticipantType.BICYCLE: Posture(0.99, -0.16, -0.42, (1.06, 0.64), (-0.30, -0.86), (0.75, 0.75)),
}
_SEAT_M = {ParticipantType.MOTORCYCLE: 0.78, ParticipantType.BICYCLE: 0.93}
_RIDER_EDGE_M = 0.75  # what is lower of a rider goes with the machine
_THROWN_UP = 0.08  # of the change of velocity, at most so fast:
_FASTEST_UP_MPS = 1.2
_TIPS_RADPS, _MIDDLE_M = 3.2, 0.5  # a machine that is struck falls over
_RIDER_TIPS = 0.4  # of that, the rider does
_BOUNCES = {ParticipantType.MOTORCYCLE: 0.25, ParticipantType.BICYCLE: 0.6}  # off what has struck it
_RIDER_HEAD_SHARE = 0.45  # of a blow to the machine, what reaches the rider's head at once


class Walking:
    """A pedestrian."""

    def __init__(self, world: BulletWorld, number: int, at_m: tuple[float, float]) -> None:
        self.number = number
        self._world = world
        self.limp: LimpBody | None = None
        node = BulletRigidBodyNode(f"{number}")
        node.setMass(PEDESTRIAN_MASS_KG)
        straight_m = PEDESTRIAN_HEIGHT_M - 2 * PEDESTRIAN_RADIUS_M
        node.addShape(BulletCapsuleShape(PEDESTRIAN_RADIUS_M, straight_m, ZUp))
        node.setAngularFactor(Vec3(0, 0, 0))
        node.setFriction(0.0)
        node.setDeactivationEnabled(False)
        node.setIntoCollideMask(BitMask32.bit(1))  # not the ground: upright people hover over it
        self.node = node
        self.path = NodePath(node)
        self.path.setPos(at_m[0], at_m[1], PEDESTRIAN_HEIGHT_M / 2)
        world.attach(node)
        node.setGravity(Vec3(0, 0, 0))

    @property
    def fallen(self) -> bool:
        return self.limp is not None

    def walk(self, vx: float, vy: float) -> None:
        if self.limp is None:
            self.node.setLinearVelocity(Vec3(vx, vy, 0))

    def fall(self, heading_rad: float, posture: Posture, before: Floats, edge_m: float) -> None:
        """Lets go of the upright stance after a blow. ``before``: the velocity before it; ``edge_m``: how high the
        front of what struck is."""
        after = _level(three(self.node.getLinearVelocity()))
        at = self.position
        self._world.remove(self.node)
        self.limp = LimpBody(self._world, self.number, at, heading_rad, posture)
        self.limp.push(before, after, edge_m, _up_mps(before, after))

    @property
    def position(self) -> Floats:
        if self.limp is not None:
            return self.limp.position
        at = self.path.getPos()
        return np.array([at.x, at.y, at.z - PEDESTRIAN_HEIGHT_M / 2])

    @property
    def rotation(self) -> Floats:
        return self.limp.rotation if self.limp is not None else four(self.path.getQuat())

    @property
    def velocity(self) -> Floats:
        return self.limp.velocity if self.limp is not None else three(self.node.getLinearVelocity())

    @property
    def mass_kg(self) -> float:
        return PEDESTRIAN_MASS_KG


class TwoWheeler:
    """A bicycle or motorcycle with its rider: upright and steered until something hits it, then two bodies."""

    def __init__(
        self, world: BulletWorld, number: int, type_: ParticipantType, at_m: tuple[float, float], heading_rad: float,
        speed_mps: float,
    ) -> None:  # fmt: skip
        self.type, self.number, self.body = type_, number, VEHICLES[type_]
        self._world = world
        self.rider: LimpBody | None = None
        self.mass_kg = self.body.mass_kg
        node = BulletRigidBodyNode(f"{number}")
        node.setMass(self.mass_kg)
        half = Vec3(self.body.width_m / 2, self.body.length_m / 2, 0.46)
        node.addShape(BulletBoxShape(half), TransformState.makePos(Point3(0, 0, 0.46 + 0.12 - 0.6)))
        torso = BulletBoxShape(Vec3(0.22, 0.26, 0.36))
        node.addShape(torso, TransformState.makePos(Point3(0, -0.1, _SEAT_M[type_] + 0.36 - 0.6)))
        node.setAngularFactor(Vec3(0, 0, 1))
        node.setFriction(0.35)
        node.setDeactivationEnabled(False)
        self.node = node
        self.path = NodePath(node)
        self.path.setPos(at_m[0], at_m[1], 0.6)
        self.path.setH(math.degrees(heading_rad))
        world.attach(node)
        self.speed_mps, self.lean_rad = speed_mps, 0.0
        self.steer_rad = 0.0
        self._push(speed_mps, 0.0)

    edge_m = 0.8  # of what it strikes people with

    @property
    def fallen(self) -> bool:
        return self.rider is not None

    def _push(self, speed_mps: float, yaw_radps: float) -> None:
        fx, fy = self.forward
        self.node.setLinearVelocity(Vec3(fx * speed_mps, fy * speed_mps, 0))
        self.node.setAngularVelocity(Vec3(0, 0, yaw_radps))

    def ride(self, acceleration_mps2: float, steer_rad: float, step_s: float) -> None:
        """Like a car whose wheels never slip, leaning into bends."""
        if self.fallen:
            return
        self.steer_rad = steer_rad
        self.speed_mps = max(self.speed_mps + acceleration_mps2 * step_s, 0.0)
        yaw = self.speed_mps * float(pm.tan(steer_rad)) / self.body.wheelbase_m
        wish = float(pm.atan(-yaw * self.speed_mps / 9.81))
        self.lean_rad += (wish - self.lean_rad) * min(1.0, step_s / 0.25)
        self._push(self.speed_mps, yaw)

    def fall(self, before: Floats, away: Floats) -> None:
        """Parts machine and rider; ``before``: the velocity before the blow, ``away`` the direction of its push."""
        if self.fallen:
            return
        after = _level(three(self.node.getLinearVelocity()))
        heading = math.radians(self.path.getH())
        at = self.position
        self._world.remove(self.node)
        node = BulletRigidBodyNode(f"{self.number}")
        node.setMass(BIKE_MASS_KG[self.type])
        node.addShape(_machine(self.body.length_m))
        node.setFriction(0.9)  # bars and pedals dig in: on the road a drag of about 0.6
        node.setAngularDamping(0.6)
        node.setLinearDamping(0.1)
        node.setDeactivationEnabled(False)
        path = NodePath(node)
        path.setPos(float(at[0]), float(at[1]), 0.62)
        path.setH(math.degrees(heading))
        # The blow reaches the machine first; it bounces off and tips over, away from what has struck it.
        machine = after + _BOUNCES[self.type] * (after - before)
        fx, fy = self.forward
        aside = float(away[0] * fy - away[1] * fx)
        if abs(aside) < 0.25:
            aside = 1.0 if self.number % 2 else -1.0
        tips = math.copysign(_TIPS_RADPS, aside)
        over = tips * _MIDDLE_M  # its middle goes aside as it turns over its tyres
        node.setLinearVelocity(Vec3(float(machine[0]) + over * fy, float(machine[1]) - over * fx, 0.4))
        node.setAngularVelocity(Vec3(tips * fx, tips * fy, 0.5 * tips))
        self._world.attach(node)
        self.node, self.path = node, path
        self.rider = LimpBody(self._world, self.number, at, heading, _SEATED[self.type], self.lean_rad)
        topples = _RIDER_TIPS * tips * np.array([fy, -fx, 0.0])
        self.rider.push(before, after, _RIDER_EDGE_M, _up_mps(before, after), _RIDER_HEAD_SHARE, topples)
        node.setIntoCollideMask(BitMask32.bit(3))

    @property
    def position(self) -> Floats:
        down = self.path.getQuat().xform(Vec3(0, 0, -0.6))
        return three(self.path.getPos() + down)

    @property
    def rotation(self) -> Floats:
        if self.fallen:
            return four(self.path.getQuat())
        lean = Quat()
        lean.setHpr(Vec3(self.path.getH(), 0, math.degrees(-self.lean_rad)))
        return four(lean)

    @property
    def velocity(self) -> Floats:
        return three(self.node.getLinearVelocity())

    @property
    def forward(self) -> tuple[float, float]:
        ahead = self.path.getQuat().getForward()
        length = max(math.sqrt(ahead.x * ahead.x + ahead.y * ahead.y), 1e-9)
        return ahead.x / length, ahead.y / length


def _machine(length_m: float) -> BulletConvexHullShape:
    """A bicycle or motorcycle without its rider: thin all round, so that it stands neither on its wheels nor against
    what it is pressed to."""
    shape = BulletConvexHullShape()
    half = length_m / 2
    for end in (-half, half):
        shape.addPoint(Point3(0.0, end, -0.25))
        shape.addPoint(Point3(0.0, 0.72 * end, -0.56))
        shape.addPoint(Point3(0.0, 0.72 * end, 0.38))
        for side in (-0.12, 0.12):
            shape.addPoint(Point3(side, 0.5 * end, 0.0))
    return shape


def _level(velocity: Floats) -> Floats:
    """Without its upward part: an upright body that is struck low presses against the slope of a bonnet, which would
    throw it metres high."""
    return np.array([velocity[0], velocity[1], 0.0])


def _up_mps(before: Floats, after: Floats) -> float:
    return min(_THROWN_UP * float(pm.norm((after - before)[:2])), _FASTEST_UP_MPS)
