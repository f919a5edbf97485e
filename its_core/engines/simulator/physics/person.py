"""People: an upright capsule that goes where it is told until something hits it, then a body of jointed limbs. Riders
sit on a two-wheeler until it falls."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from panda3d.bullet import (
    BulletBoxShape,
    BulletCapsuleShape,
    BulletRigidBodyNode,
    BulletSphericalConstraint,
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
from its_core.taxonomy import ParticipantType

Floats = NDArray[np.float64]

_LIMP_DAMPING = (0.08, 0.55)  # of motion and of turning
_SEAT_M = {ParticipantType.MOTORCYCLE: 0.78, ParticipantType.BICYCLE: 0.95}
LIMBS = ("torso", "left_thigh", "left_shin", "right_thigh", "right_shin", "left_arm", "right_arm")


@dataclass(frozen=True, slots=True)
class _Limb:
    """A capsule along z: its middle in the standing body's frame, radius, straight length, mass; the limb it hangs from
    and the joint in the standing body's frame."""

    middle: tuple[float, float, float]
    radius_m: float
    straight_m: float
    mass_kg: float
    carrier: int | None
    joint: tuple[float, float, float]


# A standing man of 1.74 m and 75 kg (segment lengths and masses after Winter, Biomechanics and Motor Control).
_BODY = (
    _Limb((0.0, 0.0, 1.26), 0.145, 0.46, 43.0, None, (0.0, 0.0, 0.0)),
    _Limb((-0.095, 0.0, 0.71), 0.075, 0.29, 7.5, 0, (-0.095, 0.0, 0.93)),
    _Limb((-0.095, 0.0, 0.27), 0.055, 0.33, 4.5, 1, (-0.095, 0.0, 0.49)),
    _Limb((0.095, 0.0, 0.71), 0.075, 0.29, 7.5, 0, (0.095, 0.0, 0.93)),
    _Limb((0.095, 0.0, 0.27), 0.055, 0.33, 4.5, 3, (0.095, 0.0, 0.49)),
    _Limb((-0.22, 0.0, 1.08), 0.045, 0.46, 4.0, 0, (-0.198, 0.0, 1.375)),
    _Limb((0.22, 0.0, 1.08), 0.045, 0.46, 4.0, 0, (0.198, 0.0, 1.375)),
)


class LimpBody:
    """Seven limbs on ball joints, let go of where a person stood or sat."""

    def __init__(
        self,
        world: BulletWorld,
        number: int,
        at_m: Floats,
        heading_rad: float,
        velocity: Floats,
        spin: Floats,
        lift_m: float = 0.0,
        seated: bool = False,
        lean_rad: float = 0.0,
    ) -> None:
        """``at_m`` is the point on the ground below the standing body, ``spin`` radians a second about the world's
        axes; ``seated`` bodies have bent hips and knees."""
        self.number = number
        turn = Quat()
        turn.setHpr(Vec3(math.degrees(heading_rad), math.degrees(-lean_rad), 0))
        self.nodes: list[BulletRigidBodyNode] = []
        self.paths: list[NodePath] = []
        middle = Vec3(float(at_m[0]), float(at_m[1]), float(at_m[2]) + lift_m)
        for limb in _BODY:
            node = BulletRigidBodyNode(f"{number}")
            node.addShape(BulletCapsuleShape(limb.radius_m, limb.straight_m, ZUp))
            node.setMass(limb.mass_kg)
            node.setFriction(0.75)
            node.setRestitution(0.05)
            node.setLinearDamping(_LIMP_DAMPING[0])
            node.setAngularDamping(_LIMP_DAMPING[1])
            node.setDeactivationEnabled(False)
            path = NodePath(node)
            offset = turn.xform(Vec3(*_seated(limb) if seated else limb.middle))
            path.setPos(middle + offset)
            path.setQuat(_bent(limb, turn) if seated else turn)
            lever = np.array(offset) - np.array([0.0, 0.0, 1.0])
            moving = velocity + np.cross(spin, lever)
            node.setLinearVelocity(Vec3(*(float(value) for value in moving)))
            node.setAngularVelocity(Vec3(*(float(value) for value in spin)))
            node.setIntoCollideMask(BitMask32.bit(2))
            world.attach(node)
            self.nodes.append(node)
            self.paths.append(path)
        for i, limb in enumerate(_BODY):
            if limb.carrier is None:
                continue
            carrier = _BODY[limb.carrier]
            here = tuple(a - b for a, b in zip(limb.joint, limb.middle, strict=True))
            there = tuple(a - b for a, b in zip(limb.joint, carrier.middle, strict=True))
            joint = BulletSphericalConstraint(self.nodes[limb.carrier], self.nodes[i], Point3(*there), Point3(*here))
            world.attachConstraint(joint, True)

    @property
    def poses(self) -> Floats:
        """7×7: place of each limb's middle and its rotation (w, x, y, z), world frame."""
        return np.array([[*path.getPos(), *path.getQuat()] for path in self.paths])

    @property
    def position(self) -> Floats:
        """Of the ground below the torso."""
        torso = self.paths[0].getPos()
        return np.array([torso.x, torso.y, max(torso.z - 1.26, 0.0)])

    @property
    def rotation(self) -> Floats:
        return np.array(self.paths[0].getQuat())

    @property
    def velocity(self) -> Floats:
        return np.array(self.nodes[0].getLinearVelocity())


def _seated(limb: _Limb) -> tuple[float, float, float]:
    """Where a limb is on somebody who sits, astride, hands ahead."""
    x = limb.middle[0]
    if limb.carrier is None:
        return (0.0, 0.02, 1.26)
    if limb.carrier == 0 and abs(x) < 0.15:  # thighs, level
        return (1.6 * x, 0.20, 0.91)
    if limb.carrier in (1, 3):
        return (1.6 * x, 0.40, 0.67)
    return (x, 0.22, 1.22)


def _bent(limb: _Limb, turn: Quat) -> Quat:
    own = Quat()
    if limb.carrier == 0:
        own.setHpr(Vec3(0, 70, 0))
    return own * turn


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

    def fall(self, heading_rad: float, point_m: Floats, push_ns: Floats, before: Floats) -> None:
        """Lets go of the upright stance after a push at a point. ``before``: the velocity before it."""
        moved = np.array(self.node.getLinearVelocity())
        lever = point_m - np.array(self.path.getPos())
        inertia = PEDESTRIAN_MASS_KG * PEDESTRIAN_HEIGHT_M * PEDESTRIAN_HEIGHT_M / 12
        spin = np.cross(lever, push_ns) / inertia
        spin *= min(1.0, 9.0 / max(float(pm.norm(spin)), 1e-6))
        at = self.position
        self._world.remove(self.node)
        velocity = np.array([moved[0], moved[1], max(float(moved[2]), 0.12 * float(pm.norm(moved[:2] - before[:2])))])
        self.limp = LimpBody(self._world, self.number, at, heading_rad, velocity, spin)

    @property
    def position(self) -> Floats:
        if self.limp is not None:
            return self.limp.position
        at = self.path.getPos()
        return np.array([at.x, at.y, at.z - PEDESTRIAN_HEIGHT_M / 2])

    @property
    def rotation(self) -> Floats:
        return self.limp.rotation if self.limp is not None else np.array(self.path.getQuat())

    @property
    def velocity(self) -> Floats:
        return self.limp.velocity if self.limp is not None else np.array(self.node.getLinearVelocity())

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

    def fall(self, before: Floats) -> None:
        """Parts machine and rider; ``before``: the velocity before the blow."""
        if self.fallen:
            return
        after = np.array(self.node.getLinearVelocity())
        heading = math.radians(self.path.getH())
        at = self.position
        self._world.remove(self.node)
        node = BulletRigidBodyNode(f"{self.number}")
        node.setMass(BIKE_MASS_KG[self.type])
        half = Vec3(0.16, self.body.length_m / 2, 0.42)
        node.addShape(BulletBoxShape(half), TransformState.makePos(Point3(0, 0, 0.55 - 0.6)))
        node.setFriction(0.4)
        node.setAngularDamping(0.25)
        node.setLinearDamping(0.05)
        node.setDeactivationEnabled(False)
        path = NodePath(node)
        path.setPos(float(at[0]), float(at[1]), 0.62)
        path.setH(math.degrees(heading))
        # The blow reaches the machine first; the rider keeps more of the old motion.
        machine = after + 0.15 * (after - before)
        node.setLinearVelocity(Vec3(float(machine[0]), float(machine[1]), 0.4))
        side = 1.0 if (self.number % 2) else -1.0
        node.setAngularVelocity(Vec3(*(1.6 * side * value for value in (*self.forward, 0.0))))
        self._world.attach(node)
        self.node, self.path = node, path
        jump = 0.18 * float(pm.norm(after[:2] - before[:2]))
        rider = 0.55 * after + 0.45 * before + np.array([0.0, 0.0, min(jump, 2.4)])
        spin = np.array([*(0.35 * (after[:2] - before[:2])[::-1]), 0.0]) * np.array([-1.0, 1.0, 1.0])
        lift = _SEAT_M[self.type] - 0.88
        self.rider = LimpBody(self._world, self.number, at, heading, rider, spin, max(lift, 0.02) + 0.05, seated=True)
        node.setIntoCollideMask(BitMask32.bit(3))

    @property
    def position(self) -> Floats:
        down = self.path.getQuat().xform(Vec3(0, 0, -0.6))
        return np.array(self.path.getPos() + down)

    @property
    def rotation(self) -> Floats:
        if self.fallen:
            return np.array(self.path.getQuat())
        lean = Quat()
        lean.setHpr(Vec3(self.path.getH(), 0, math.degrees(-self.lean_rad)))
        return np.array(lean)

    @property
    def velocity(self) -> Floats:
        return np.array(self.node.getLinearVelocity())

    @property
    def forward(self) -> tuple[float, float]:
        ahead = self.path.getQuat().getForward()
        length = max(math.sqrt(ahead.x * ahead.x + ahead.y * ahead.y), 1e-9)
        return ahead.x / length, ahead.y / length
