"""A body of jointed limbs that falls: what a person becomes when something hits them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from panda3d.bullet import BulletCapsuleShape, BulletConeTwistConstraint, BulletRigidBodyNode, BulletWorld, ZUp
from panda3d.core import BitMask32, LMatrix3, NodePath, Point3, Quat, TransformState, Vec3

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.meshes.gaits import struck_step
from its_core.engines.simulator.physics.vectors import four, three
from its_core.engines.simulator.randomness import rng_of

Floats = NDArray[np.float64]

_DAMPING = (0.08, 0.62)  # of motion and of turning
LIMBS = ("torso", "left_thigh", "left_shin", "right_thigh", "right_shin", "left_arm", "right_arm")
_TORSO_M = 0.33  # from the hips to the middle of the torso
_HIPS_M = 0.93  # of somebody who stands
# Of a blow below, what reaches the head at once: nearly all of a slow one, little of a fast one.
_HEAD_SHARES, _HEAD_SPEEDS_MPS = (0.9, 0.4), (4.0, 11.0)
_BOUNCE = 0.12
# Clothes slide over paint and glass, and drag on asphalt; feet that meet the road first would throw the body up again.
_DRAGS, _SLIDES, _ABOVE_M = 1.0, 0.25, 0.5
_FEET_SLIDE = 0.45
_SHINS = (2, 4)  # among LIMBS
# Upwards, of the torso: joints that are jerked apart turn more of a blow into height than people's do.
_RISES_MPS = 1.8
# Muscles draw limbs in, each by a little of its own: without them everybody would come to lie flat and straight. So
# many calls of ``settle`` (24 a second) until they have.
_DRAWN_IN_STEPS = 16
# Joints pull at limbs that lie, which then twitch: whose limbs have all been slower than this for so many calls of
# ``settle`` keeps a share of their motion at each further call.
_LIES_MPS, _LIES_CALLS, _KEEPS = 0.5, 5, 0.5


@dataclass(frozen=True, slots=True)
class _Joint:
    """Where a limb hangs, in its carrier's frame, and how it can turn there, degrees: forwards about ``middle`` by
    ``bends`` either way, aside by ``aside``, about its own axis by ``twist``."""

    at: tuple[float, float, float]
    middle: float
    bends: float
    aside: float
    twist: float

    def drawn_in(self, least: float) -> _Joint:
        """Which bends so far as before one way, and no less than ``least`` the other way: backwards where it bends
        forwards, else forwards."""
        most = self.middle + math.copysign(self.bends, self.middle)
        return replace(self, middle=0.5 * (least + most), bends=0.5 * abs(most - least))


@dataclass(frozen=True, slots=True)
class _Limb:
    """A capsule along z: radius, straight length, mass; the limb that carries it, its joint, and how far above its
    middle that is."""

    radius_m: float
    straight_m: float
    mass_kg: float
    carrier: int
    joint: _Joint
    hangs_m: float


# A standing man of 1.74 m and 75 kg (segment lengths and masses after Winter, Biomechanics and Motor Control; ranges of
# joints after Kapandji, The Physiology of the Joints).
_TORSO_RADIUS_M, _TORSO_STRAIGHT_M, _TORSO_KG = 0.145, 0.46, 43.0
_LIMBS = (
    _Limb(0.075, 0.29, 7.5, 0, _Joint((-0.095, 0.0, -_TORSO_M), 40.0, 62.0, 24.0, 20.0), 0.22),
    _Limb(0.055, 0.33, 4.5, 1, _Joint((0.0, 0.0, -0.22), -66.0, 64.0, 6.0, 6.0), 0.22),
    _Limb(0.075, 0.29, 7.5, 0, _Joint((0.095, 0.0, -_TORSO_M), 40.0, 62.0, 24.0, 20.0), 0.22),
    _Limb(0.055, 0.33, 4.5, 3, _Joint((0.0, 0.0, -0.22), -66.0, 64.0, 6.0, 6.0), 0.22),
    _Limb(0.045, 0.46, 4.0, 0, _Joint((-0.198, 0.0, 0.115), 45.0, 95.0, 60.0, 40.0), 0.295),
    _Limb(0.045, 0.46, 4.0, 0, _Joint((0.198, 0.0, 0.115), 45.0, 95.0, 60.0, 40.0), 0.295),
)
_ARM_OUTWARDS_M = 0.022
# How far each is bent at least once it is drawn in, degrees: ranges in the order of ``_LIMBS``.
_HIPS_DEG, _KNEES_DEG, _SHOULDERS_DEG = (5.0, 58.0), (-88.0, -22.0), (-35.0, 20.0)
_DRAWN_IN_DEG = (_HIPS_DEG, _KNEES_DEG, _HIPS_DEG, _KNEES_DEG, _SHOULDERS_DEG, _SHOULDERS_DEG)


@dataclass(frozen=True, slots=True)
class Posture:
    """How somebody holds themselves when they are let go of. The hips are above the point on the ground, so far ahead
    of it; turns of torso, thighs, shins and arms (left, right) about the axis to the right, radians: what hangs swings
    forwards, what stands leans back."""

    hips_m: float = _HIPS_M
    ahead_m: float = 0.0
    torso: float = 0.0
    thighs: tuple[float, float] = (0.0, 0.0)
    shins: tuple[float, float] = (0.0, 0.0)
    arms: tuple[float, float] = (0.0, 0.0)

    def turns(self) -> tuple[float, ...]:
        """In the order of ``LIMBS``."""
        thighs, shins = self.thighs, self.shins
        return (self.torso, thighs[0], shins[0], thighs[1], shins[1], *self.arms)


def walking(stride_rad: float, speed_mps: float) -> Posture:
    """In mid-step, at ``speed_mps`` of 0 or more."""
    thighs, shins, arms = struck_step(stride_rad, speed_mps)
    return Posture(thighs=thighs, shins=shins, arms=arms)


class LimpBody:
    """Seven limbs on joints that bend as a person's do."""

    def __init__(
        self, world: BulletWorld, number: int, at_m: Floats, heading_rad: float, posture: Posture, lean_rad: float = 0.0
    ) -> None:
        """``at_m`` is the point on the ground below the body; ``lean_rad`` as a two-wheeler's."""
        self.number = number
        turn = Quat()
        turn.setHpr(Vec3(math.degrees(heading_rad), 0, math.degrees(-lean_rad)))
        self.nodes: list[BulletRigidBodyNode] = []
        self.paths: list[NodePath] = []
        self._joints: list[BulletConeTwistConstraint] = []
        self._steps, self._lies_calls = 0, 0
        rng = rng_of("drawn in", number, *(round(100.0 * float(value)) for value in at_m[:2]))
        self._bent_deg = [float(rng.uniform(*least)) for least in _DRAWN_IN_DEG]
        hips = Point3(*(float(value) for value in at_m)) + turn.xform(Vec3(0, posture.ahead_m, posture.hips_m))
        turns = [_turned(angle) * turn for angle in posture.turns()]
        node = self._limb(_TORSO_RADIUS_M, _TORSO_STRAIGHT_M, _TORSO_KG)
        self._put(world, node, hips + turns[0].xform(Vec3(0, 0, _TORSO_M)), turns[0])
        for limb, own in zip(_LIMBS, turns[1:], strict=True):
            carrier = self.paths[limb.carrier]
            joint = carrier.getPos() + carrier.getQuat().xform(Vec3(*limb.joint.at))
            side = math.copysign(_ARM_OUTWARDS_M, limb.joint.at[0]) if limb.joint.at[2] > 0.0 else 0.0
            hangs = Vec3(-side, 0, limb.hangs_m)
            node = self._limb(limb.radius_m, limb.straight_m, limb.mass_kg)
            self._put(world, node, joint - own.xform(hangs), own)
            self._joints.append(_constraint(self.nodes[limb.carrier], node, limb.joint, hangs))
            world.attachConstraint(self._joints[-1], True)

    def _limb(self, radius_m: float, straight_m: float, mass_kg: float) -> BulletRigidBodyNode:
        node = BulletRigidBodyNode(f"{self.number}")
        node.addShape(BulletCapsuleShape(radius_m, straight_m, ZUp))
        node.setMass(mass_kg)
        node.setFriction(_DRAGS)
        node.setRestitution(0.05)
        node.setLinearDamping(_DAMPING[0])
        node.setAngularDamping(_DAMPING[1])
        node.setDeactivationEnabled(False)
        return node

    def _put(self, world: BulletWorld, node: BulletRigidBodyNode, at: Point3, turn: Quat) -> None:
        path = NodePath(node)
        path.setPos(at)
        path.setQuat(turn)
        node.setIntoCollideMask(BitMask32.bit(2))
        world.attach(node)
        self.nodes.append(node)
        self.paths.append(path)

    def push(
        self,
        before: Floats,
        after: Floats,
        edge_m: float,
        up_mps: float,
        most_of_head: float = 1.0,
        topples: Floats | None = None,
    ) -> None:
        """Gives every limb its velocity after a blow that took what it met from ``before`` to ``after``: it took along
        what is lower than the edge of what struck (of a bonnet), and what is higher only in part, at most
        ``most_of_head`` of it. ``topples``: what a limb gains for each metre of its height, m/s."""
        change = (1.0 + _BOUNCE) * (after - before)
        least = float(np.interp(float(pm.norm(change[:2])), _HEAD_SPEEDS_MPS, _HEAD_SHARES))
        least = min(least, most_of_head)
        falls = np.zeros(3) if topples is None else topples
        for node, path in zip(self.nodes, self.paths, strict=True):
            above_m = float(path.getZ()) - edge_m
            moving = before + min(max(1.0 - 2.0 * above_m, least), 1.0) * change + float(path.getZ()) * falls
            node.setLinearVelocity(Vec3(float(moving[0]), float(moving[1]), float(moving[2]) + up_mps))

    def settle(self) -> None:
        """Fits each limb's friction to what it lies on, a car or the road, by how high it is, keeps the body from
        being thrown too high, draws limbs in bit by bit and lays them to rest. To be called 24 times a second."""
        if self._steps < _DRAWN_IN_STEPS:
            self._steps += 1
            self._draw_in(self._steps / _DRAWN_IN_STEPS)
        for number, (node, path) in enumerate(zip(self.nodes, self.paths, strict=True)):
            high = float(path.getZ()) > _ABOVE_M
            node.setFriction(_SLIDES if high else _FEET_SLIDE if number in _SHINS else _DRAGS)
        moving = self.nodes[0].getLinearVelocity()
        if moving.z > _RISES_MPS:
            self.nodes[0].setLinearVelocity(Vec3(moving.x, moving.y, _RISES_MPS))
        self._rest()

    def _rest(self) -> None:
        lies = self.paths[0].getZ() < _ABOVE_M and all(
            node.getLinearVelocity().length() < _LIES_MPS for node in self.nodes
        )
        self._lies_calls = self._lies_calls + 1 if lies else 0
        if self._lies_calls >= _LIES_CALLS:
            for node in self.nodes:
                node.setLinearVelocity(node.getLinearVelocity() * _KEEPS)
                node.setAngularVelocity(node.getAngularVelocity() * _KEEPS)

    def _draw_in(self, share: float) -> None:
        for found, limb, bent in zip(self._joints, _LIMBS, self._bent_deg, strict=True):
            joint = limb.joint
            straight = joint.middle - math.copysign(joint.bends, joint.middle)
            joint = joint.drawn_in(straight + share * (bent - straight))
            hangs = found.getFrameB()
            found.setFrames(_frame(joint.at, joint.middle), hangs)
            _limit(found, joint)

    @property
    def poses(self) -> Floats:
        """7×7: place of each limb's middle and its rotation (w, x, y, z), world frame."""
        return np.array([[*path.getPos(), *path.getQuat()] for path in self.paths])

    @property
    def position(self) -> Floats:
        """Of the ground below the torso."""
        torso = self.paths[0].getPos()
        return np.array([torso.x, torso.y, max(torso.z - _HIPS_M - _TORSO_M, 0.0)])

    @property
    def rotation(self) -> Floats:
        return four(self.paths[0].getQuat())

    @property
    def velocity(self) -> Floats:
        return three(self.nodes[0].getLinearVelocity())


def _turned(angle_rad: float) -> Quat:
    own = Quat()
    own.setHpr(Vec3(0, math.degrees(angle_rad), 0))
    return own


def _constraint(
    carrier: BulletRigidBodyNode, limb: BulletRigidBodyNode, joint: _Joint, hangs: Vec3
) -> BulletConeTwistConstraint:
    """Bullet turns the limb's x axis within a cone about the carrier's: along the limb here; about z it bends."""
    frames = [_frame(joint.at, joint.middle), _frame(tuple(hangs), 0.0)]
    found = BulletConeTwistConstraint(carrier, limb, *frames)
    _limit(found, joint)
    return found


def _limit(found: BulletConeTwistConstraint, joint: _Joint) -> None:
    found.setLimit(joint.bends, joint.aside, joint.twist, 1.0, 0.3, 1.0)


def _frame(at: tuple[float, ...], forwards_deg: float) -> TransformState:
    angle = math.radians(forwards_deg)
    c, s = float(pm.cos(angle)), float(pm.sin(angle))
    axes = LMatrix3(0, s, -c, 0, c, s, 1, 0, 0)  # rows: x along the limb, y ahead of it, z to the right
    turn = Quat()
    turn.setFromMatrix(axes)
    return TransformState.makePosQuatScale(Point3(*at), turn, Vec3(1, 1, 1))
