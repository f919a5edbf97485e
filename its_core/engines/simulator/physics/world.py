"""The Bullet world of one try: ground, what stands on it, vehicles on raycast wheels, pedestrians.

Everything moves in ticks of ``1 / TICKS_HZ`` seconds. A fresh world each try, and one tick before anything is read
(wheel transforms hold garbage before it), make a run a function of its staging alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from panda3d.bullet import (
    BulletBoxShape,
    BulletCapsuleShape,
    BulletConvexHullShape,
    BulletCylinderShape,
    BulletPlaneShape,
    BulletRigidBodyNode,
    BulletVehicle,
    BulletWorld,
    ZUp,
)
from panda3d.core import NodePath, Point3, TransformState, Vec3

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.dimensions import (
    PEDESTRIAN_HEIGHT_M,
    PEDESTRIAN_MASS_KG,
    PEDESTRIAN_RADIUS_M,
    VEHICLES,
    VehicleBody,
)
from its_core.engines.simulator.physics.hulls import hull_parts
from its_core.engines.simulator.roads.layouts import Layout
from its_core.engines.simulator.roads.paths import straight
from its_core.taxonomy import ParticipantType, RoadSurface

Floats = NDArray[np.float64]
TICKS_HZ = 240
GRAVITY_MPS2 = 9.81
# Tyres: the peak that driving uses, and the share of it left to a wheel that slides locked.
TYRE_GRIP: dict[RoadSurface, float] = {
    RoadSurface.DRY: 0.95,
    RoadSurface.WET: 0.62,
    RoadSurface.SNOWY: 0.30,
    RoadSurface.ICY: 0.13,
}
LOCKED_SHARE = 0.8
# Bullet multiplies the two bodies' values: bodywork on bodywork rubs at 0.36 and gives back 12 % of the closing speed.
BODY_FRICTION = 0.6
BODY_RESTITUTION = 0.35
SUSPENSION_STIFFNESS = 45.0
SUSPENSION_REST_M = 0.4  # Bullet's own, which Panda3D does not let one set
SUSPENSION_SAG_M = GRAVITY_MPS2 / (4 * SUSPENSION_STIFFNESS)
MIN_IMPULSE_NS = 5.0
STILL_MPS = 0.1
BARRIER_PIECE_M = 6  # Bullet finds no sensible normal on a box that is hundreds of metres long and 30 cm thick


@dataclass(frozen=True, slots=True)
class Touch:
    """Two bodies pressing on each other during one tick. ``second`` is None for something that stands still.

    ``normal`` points from the second body to the first; ``impulse_ns`` is what they exchanged along it.
    """

    first: int
    second: int | None
    point_m: Floats
    normal: Floats
    impulse_ns: float


class Vehicle:
    """A chassis of convex hulls on four raycast wheels (front-left, front-right, rear-left, rear-right)."""

    def __init__(
        self,
        world: BulletWorld,
        number: int,
        type_: ParticipantType,
        at_m: Floats,
        heading_rad: float,
        speed_mps: float,
    ) -> None:
        self.body: VehicleBody = VEHICLES[type_]
        self.number = number
        self.centre_m = 0.34 * self.body.height_m  # of mass, above the ground
        self.node = self._chassis(type_)
        self.path = NodePath(self.node)
        self.path.setPos(float(at_m[0]), float(at_m[1]), self.centre_m)
        self.path.setH(math.degrees(heading_rad))
        self.node.setLinearVelocity(Vec3(-pm.sin(heading_rad), pm.cos(heading_rad), 0) * speed_mps)
        world.attach(self.node)
        self.wheels = BulletVehicle(world, self.node)
        self.wheels.setCoordinateSystem(ZUp)
        world.attach(self.wheels)
        for side, end in ((-1, 1), (1, 1), (-1, -1), (1, -1)):
            self._add_wheel(side, end)
        self.steer_rad = 0.0
        self.locked = False

    def _chassis(self, type_: ParticipantType) -> BulletRigidBodyNode:
        body = self.body
        node = BulletRigidBodyNode(f"{self.number}")
        node.setMass(body.mass_kg)
        for points in hull_parts(type_):
            shape = BulletConvexHullShape()
            for x, y, z in points:
                shape.addPoint(Point3(float(x), float(y), float(z) - self.centre_m))
            node.addShape(shape)
        # Yaw inertia of cars is close to mass × wheelbase × (length − wheelbase) / 2; roll and pitch as a box's.
        length, width, height = body.length_m, body.width_m, body.height_m
        yaw = body.mass_kg * body.wheelbase_m * (length - 0.55 * body.wheelbase_m) / 4.4
        pitch = body.mass_kg * (0.75 * length**2 + height**2) / 12
        roll = body.mass_kg * (width**2 + height**2) / 12
        node.setInertia(Vec3(pitch, roll, yaw))
        node.setFriction(BODY_FRICTION)
        node.setRestitution(BODY_RESTITUTION)
        node.setDeactivationEnabled(False)
        return node

    def _add_wheel(self, side: int, end: int) -> None:
        body = self.body
        wheel = self.wheels.createWheel()
        height = body.wheel_radius_m + SUSPENSION_REST_M - SUSPENSION_SAG_M - self.centre_m
        wheel.setChassisConnectionPointCs(Point3(side * body.track_m / 2, end * body.wheelbase_m / 2, height))
        wheel.setFrontWheel(end > 0)
        wheel.setWheelDirectionCs(Vec3(0, 0, -1))
        wheel.setWheelAxleCs(Vec3(1, 0, 0))
        wheel.setWheelRadius(body.wheel_radius_m)
        wheel.setMaxSuspensionTravelCm(20)
        wheel.setSuspensionStiffness(SUSPENSION_STIFFNESS)
        wheel.setWheelsDampingRelaxation(4.6)
        wheel.setWheelsDampingCompression(3.6)
        wheel.setRollInfluence(0.3)
        wheel.setMaxSuspensionForce(30_000)

    def set_grip(self, grip: float) -> None:
        for wheel in self.wheels.getWheels():
            wheel.setFrictionSlip(grip)

    def drive(self, acceleration_mps2: float, steer_rad: float) -> None:
        """Engine on all wheels or brakes for this acceleration; front wheels ``steer_rad`` to the left."""
        mass = self.body.mass_kg
        force = mass * acceleration_mps2 / 4 if acceleration_mps2 > 0 else 0.0
        # Bullet takes a brake as an impulse a tick.
        brake = -mass * acceleration_mps2 / 4 / TICKS_HZ if acceleration_mps2 < 0 else 0.0
        self.steer_rad = steer_rad
        for wheel in range(4):
            self.wheels.applyEngineForce(force, wheel)
            self.wheels.setBrake(brake, wheel)
        for wheel in (0, 1):
            self.wheels.setSteeringValue(math.degrees(steer_rad), wheel)

    def lock_wheels(self, grip: float) -> None:
        """Brakes on for good: the tyres slide, or hold the car where it stands."""
        # Bullet lets a brake hold twice what the tyre's grip allows, so the brake itself is set to what a slide leaves.
        self.drive(-grip * LOCKED_SHARE * GRAVITY_MPS2, self.steer_rad)
        self.set_grip(grip * LOCKED_SHARE)
        self.locked = True

    def settle(self) -> None:
        """Takes the last creep out of a braked car: Bullet's tyres never quite hold one still."""
        moving, turning = self.node.getLinearVelocity(), self.node.getAngularVelocity()
        if moving.length() < STILL_MPS and turning.length() < STILL_MPS:
            self.node.setLinearVelocity(Vec3(0, 0, moving.z))
            self.node.setAngularVelocity(Vec3(turning.x, turning.y, 0))

    @property
    def position(self) -> Floats:
        """Of the body's own origin: on the ground under its middle."""
        down = self.path.getQuat().xform(Vec3(0, 0, -self.centre_m))
        return np.array(self.path.getPos() + down)

    @property
    def rotation(self) -> Floats:
        return np.array(self.path.getQuat())

    @property
    def velocity(self) -> Floats:
        return np.array(self.node.getLinearVelocity())

    @property
    def forward(self) -> Floats:
        """Unit vector, x and y: where the bonnet points."""
        ahead = self.path.getQuat().getForward()
        length = max(math.hypot(ahead.x, ahead.y), 1e-9)
        return np.array([ahead.x / length, ahead.y / length])

    @property
    def suspension(self) -> Floats:
        """Travel of the four wheels from rest, metres, positive up."""
        rest = SUSPENSION_REST_M - SUSPENSION_SAG_M
        lengths = [wheel.getRaycastInfo().getSuspensionLength() for wheel in self.wheels.getWheels()]
        return rest - np.array(lengths)


class Walking:
    """A pedestrian: an upright capsule that goes where it is told until something hits it, and falls then."""

    def __init__(self, world: BulletWorld, number: int, at_m: Floats) -> None:
        self.number = number
        self.fallen = False
        node = BulletRigidBodyNode(f"{number}")
        node.setMass(PEDESTRIAN_MASS_KG)
        straight_m = PEDESTRIAN_HEIGHT_M - 2 * PEDESTRIAN_RADIUS_M
        node.addShape(BulletCapsuleShape(PEDESTRIAN_RADIUS_M, straight_m, ZUp))
        node.setAngularFactor(Vec3(0, 0, 0))
        node.setFriction(0.0)
        node.setDeactivationEnabled(False)
        self.node = node
        self.path = NodePath(node)
        self.path.setPos(float(at_m[0]), float(at_m[1]), PEDESTRIAN_HEIGHT_M / 2)
        world.attach(node)

    def walk(self, velocity: Floats) -> None:
        if not self.fallen:
            self.node.setLinearVelocity(Vec3(float(velocity[0]), float(velocity[1]), 0))

    @property
    def forward(self) -> Floats:
        """People are round: any direction will do."""
        return np.array([0.0, 1.0])

    def fall(self, point_m: Floats, push_ns: Floats) -> None:
        """Lets go of the upright stance, after a push at a point: Bullet has moved the person, not yet turned them."""
        self.fallen = True
        self.node.setAngularFactor(Vec3(1, 1, 1))
        self.node.setFriction(0.8)
        self.node.setAngularDamping(0.4)
        lever = point_m - np.array(self.path.getPos())
        self.node.applyTorqueImpulse(Vec3(*np.cross(lever, push_ns)))

    @property
    def position(self) -> Floats:
        down = self.path.getQuat().xform(Vec3(0, 0, -PEDESTRIAN_HEIGHT_M / 2))
        return np.array(self.path.getPos() + down)

    @property
    def rotation(self) -> Floats:
        return np.array(self.path.getQuat())

    @property
    def velocity(self) -> Floats:
        return np.array(self.node.getLinearVelocity())


class World:
    """``grip`` is the tyres' on this surface. Bodies are numbered as the actors of the trace are, from 0."""

    def __init__(self, layout: Layout, surface: RoadSurface) -> None:
        self.grip = TYRE_GRIP[surface]
        self._bullet = BulletWorld()
        self._bullet.setGravity(Vec3(0, 0, -GRAVITY_MPS2))
        for node, at in _standing(layout):
            node.setFriction(0.7)
            path = NodePath(node)
            path.setPos(at)
            self._bullet.attach(node)

    def add_vehicle(
        self, number: int, type_: ParticipantType, at_m: Floats, heading_rad: float, speed_mps: float
    ) -> Vehicle:
        """Heading counter-clockwise from north."""
        vehicle = Vehicle(self._bullet, number, type_, at_m, heading_rad, speed_mps)
        vehicle.set_grip(self.grip)
        return vehicle

    def add_pedestrian(self, number: int, at_m: Floats) -> Walking:
        return Walking(self._bullet, number, at_m)

    def tick(self) -> list[Touch]:
        self._bullet.doPhysics(1.0 / TICKS_HZ, 1, 1.0 / TICKS_HZ)
        return list(self._touches())

    def _touches(self) -> Iterator[Touch]:
        for manifold in self._bullet.getManifolds():
            names = (manifold.getNode0().getName(), manifold.getNode1().getName())
            if GROUND in names:
                continue
            points = [p for p in manifold.getManifoldPoints() if p.getAppliedImpulse() > 0]
            impulse = sum(p.getAppliedImpulse() for p in points)
            if impulse < MIN_IMPULSE_NS:
                continue
            where = sum(np.array(p.getPositionWorldOnA()) * p.getAppliedImpulse() for p in points) / impulse
            normal = sum(np.array(p.getNormalWorldOnB()) * p.getAppliedImpulse() for p in points) / impulse
            if names[0] == STANDING:
                yield Touch(int(names[1]), None, where, -normal, impulse)
            else:
                yield Touch(int(names[0]), None if names[1] == STANDING else int(names[1]), where, normal, impulse)


GROUND = "ground"
STANDING = "standing"


def _standing(layout: Layout) -> Iterator[tuple[BulletRigidBodyNode, Point3]]:
    """The ground and whatever a car can run into."""
    ground = BulletRigidBodyNode(GROUND)
    ground.addShape(BulletPlaneShape(Vec3(0, 0, 1), 0))
    yield ground, Point3(0, 0, 0)
    for building in layout.buildings:
        x1, y1, x2, y2 = building.rect
        yield _box(x2 - x1, y2 - y1, building.height_m), Point3((x1 + x2) / 2, (y1 + y2) / 2, building.height_m / 2)
    for start, end in layout.barriers:
        corners = [*straight(start, end)[::BARRIER_PIECE_M], end]
        for (x1, y1), (x2, y2) in pairwise(corners):
            node = _box(max(abs(x2 - x1), 0.3), max(abs(y2 - y1), 0.3), 0.85)
            yield node, Point3((x1 + x2) / 2, (y1 + y2) / 2, 0.425)
    posts = [(point, 0.16) for point in layout.trees]
    posts += [(point, 0.1) for point in layout.street_lamps]
    posts += [(point, 0.13) for point in sorted({signal.mast_m for signal in layout.signals})]
    for (x, y), radius_m in posts:
        node = BulletRigidBodyNode(STANDING)
        node.addShape(BulletCylinderShape(radius_m, 5.0, ZUp))
        yield node, Point3(x, y, 2.5)


def _box(x_m: float, y_m: float, z_m: float) -> BulletRigidBodyNode:
    node = BulletRigidBodyNode(STANDING)
    node.addShape(BulletBoxShape(Vec3(x_m / 2, y_m / 2, z_m / 2)), TransformState.makeIdentity())
    return node
