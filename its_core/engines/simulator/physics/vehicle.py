"""A vehicle of convex hulls on raycast wheels, with a semi-trailer where it has one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from panda3d.bullet import (
    BulletConvexHullShape,
    BulletRigidBodyNode,
    BulletSphericalConstraint,
    BulletVehicle,
    BulletWheel,
    BulletWorld,
    ZUp,
)
from panda3d.core import NodePath, Point3, Vec3

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.dimensions import HEAVY, TRAILER, VEHICLES, VehicleBody
from its_core.engines.simulator.physics.constants import GRAVITY_MPS2, LOCKED_SHARE, TICKS_HZ
from its_core.engines.simulator.physics.hulls import hull_parts, trailer_hull
from its_core.engines.simulator.physics.vectors import four, three
from its_core.taxonomy import ParticipantType

Floats = NDArray[np.float64]

BODY_FRICTION = 0.6
# Of each wheel, 1/s²: soft enough in cars that noses dive by a degree when they brake hard.
SUSPENSION_STIFFNESS, HEAVY_STIFFNESS = 22.0, 45.0
HEAVY_KG = 5000.0
# Of the springs when they stretch and when they give; of a wreck's, until it has stood for so many calls of ``settle``.
DAMPING, LOOSE_DAMPING, ROCKS_CALLS = (4.6, 3.6), (1.1, 0.9), 36
SUSPENSION_REST_M = 0.4  # Bullet's own, which Panda3D does not let one set
STILL_MPS = 0.1
CENTRE_SHARE = {ParticipantType.BUS: 0.36, ParticipantType.TRUCK: 0.36, ParticipantType.ARTICULATED_TRUCK: 0.30}
_TRIP_MPS = 2.0  # sideways: slower than this nothing digs in any more


class Chassis:
    """A rigid body with wheels: front-left, front-right, rear-left, rear-right (a trailer: its two axles)."""

    def __init__(
        self,
        world: BulletWorld,
        number: int,
        hulls: tuple[Floats, ...],
        size_m: tuple[float, float, float],
        mass_kg: float,
        centre_m: float,
        yaw_inertia: float,
        wheels: tuple[tuple[float, float], ...],
        wheel_radius_m: float,
    ) -> None:
        self.number, self.centre_m, self.mass_kg, self.yaw_inertia = number, centre_m, mass_kg, yaw_inertia
        self._stiffness = HEAVY_STIFFNESS if mass_kg > HEAVY_KG else SUSPENSION_STIFFNESS
        self._sag_m = GRAVITY_MPS2 / (4 * self._stiffness)
        self.node = node = BulletRigidBodyNode(f"{number}")
        node.setMass(mass_kg)
        for points in hulls:
            shape = BulletConvexHullShape()
            for x, y, z in points:
                shape.addPoint(Point3(float(x), float(y), float(z) - centre_m))
            node.addShape(shape)
        length, width, height = size_m
        pitch = mass_kg * (0.75 * length * length + height * height) / 12
        roll = mass_kg * (width * width + height * height) / 12
        node.setInertia(Vec3(pitch, roll, yaw_inertia))
        node.setFriction(BODY_FRICTION)
        node.setDeactivationEnabled(False)
        self.path = NodePath(node)
        self._world = world
        self._wheels, self._radius = wheels, wheel_radius_m
        self.wheels: BulletVehicle | None = None
        self._made: Sequence[BulletWheel] = ()
        self._down = Vec3(0, 0, -centre_m)
        self._engine_n, self._brake_ns, self._steer_rad = 0.0, 0.0, 0.0  # of each wheel, as Bullet has them
        self._rocks_calls = 0

    def place(self, at_m: tuple[float, float], heading_rad: float, speed_mps: float) -> None:
        self.path.setPos(at_m[0], at_m[1], self.centre_m)
        self.path.setH(math.degrees(heading_rad))
        sine, cosine = float(pm.sin(heading_rad)), float(pm.cos(heading_rad))
        self.node.setLinearVelocity(Vec3(-sine, cosine, 0) * speed_mps)
        self._world.attach(self.node)
        self.wheels = BulletVehicle(self._world, self.node)
        self.wheels.setCoordinateSystem(ZUp)
        self._world.attach(self.wheels)
        for x, y in self._wheels:
            wheel = self.wheels.createWheel()
            height = self._radius + SUSPENSION_REST_M - self._sag_m - self.centre_m
            wheel.setChassisConnectionPointCs(Point3(x, y, height))
            wheel.setFrontWheel(y > 0)
            wheel.setWheelDirectionCs(Vec3(0, 0, -1))
            wheel.setWheelAxleCs(Vec3(1, 0, 0))
            wheel.setWheelRadius(self._radius)
            wheel.setMaxSuspensionTravelCm(20)
            wheel.setSuspensionStiffness(self._stiffness)
            wheel.setRollInfluence(0.3)
            wheel.setMaxSuspensionForce(30_000 + 14 * self.mass_kg)
        self._made = self.wheels.getWheels()
        self._damp(DAMPING)

    def set_grip(self, grip: float) -> None:
        for wheel in self._made:
            wheel.setFrictionSlip(grip)

    def drive(self, acceleration_mps2: float, steer_rad: float) -> None:
        """Engine on all wheels or brakes for this acceleration; front wheels ``steer_rad`` to the left."""
        assert self.wheels is not None
        count = len(self._made)
        engine_n = self.mass_kg * acceleration_mps2 / count if acceleration_mps2 > 0 else 0.0
        # Bullet takes a brake as an impulse a tick.
        brake_ns = -self.mass_kg * acceleration_mps2 / count / TICKS_HZ if acceleration_mps2 < 0 else 0.0
        if engine_n != self._engine_n:
            self._engine_n = engine_n
            for wheel in range(count):
                self.wheels.applyEngineForce(engine_n, wheel)
        if brake_ns != self._brake_ns:
            self._brake_ns = brake_ns
            for wheel in range(count):
                self.wheels.setBrake(brake_ns, wheel)
        if steer_rad != self._steer_rad:
            self._steer_rad = steer_rad
            for wheel in (0, 1):
                self.wheels.setSteeringValue(math.degrees(steer_rad), wheel)

    def roll_freely(self) -> None:
        """Lets the tyres lever the body over, as they do when they dig in."""
        for wheel in self._made:
            wheel.setRollInfluence(1.0)

    def loosen(self) -> None:
        """After a blow: from now on it rocks on its springs, also when it comes to stand."""
        self._rocks_calls = ROCKS_CALLS
        self._damp(LOOSE_DAMPING)

    def _damp(self, damping: tuple[float, float]) -> None:
        for wheel in self._made:
            wheel.setWheelsDampingRelaxation(damping[0])
            wheel.setWheelsDampingCompression(damping[1])

    def settle(self) -> None:
        """Takes the last creep out of a braked vehicle: Bullet's tyres never quite hold one still."""
        moving, turning = self.node.getLinearVelocity(), self.node.getAngularVelocity()
        if moving.length() < STILL_MPS and turning.length() < STILL_MPS:
            self.node.setLinearVelocity(Vec3(0, 0, moving.z))
            self.node.setAngularVelocity(Vec3(turning.x, turning.y, 0))
            # To hold the body while it still pitches would feed the rocking for ever.
            if self._rocks_calls:
                self._rocks_calls -= 1
                if self._rocks_calls == 0:
                    self._damp(DAMPING)

    @property
    def position(self) -> Floats:
        """Of the body's own origin: on the ground under its middle when it stands."""
        return three(self.path.getPos() + self.path.getQuat().xform(self._down))

    @property
    def rotation(self) -> Floats:
        return four(self.path.getQuat())

    @property
    def velocity(self) -> Floats:
        return three(self.node.getLinearVelocity())

    @property
    def forward(self) -> tuple[float, float]:
        """Unit vector, x and y: where the bonnet points."""
        ahead = self.path.getQuat().getForward()
        length = max(math.sqrt(ahead.x * ahead.x + ahead.y * ahead.y), 1e-9)
        return ahead.x / length, ahead.y / length

    @property
    def upright(self) -> float:
        """The cosine of its lean: 1 on its wheels, −1 on its roof."""
        return float(self.path.getQuat().getUp().z)

    @property
    def suspension(self) -> Floats:
        """Travel of the wheels from rest, metres, positive up."""
        rest = SUSPENSION_REST_M - self._sag_m
        lengths = [wheel.getRaycastInfo().getSuspensionLength() for wheel in self._made]
        return rest - np.array(lengths)


class Vehicle:
    """What a driver drives: a chassis, and a trailer behind it where the type has one."""

    def __init__(
        self,
        world: BulletWorld,
        number: int,
        type_: ParticipantType,
        at_m: tuple[float, float],
        heading_rad: float,
        speed_mps: float,
        grip: float,
        trailer: tuple[tuple[float, float], float] | None = None,
    ) -> None:
        """``trailer``: where its middle is and its heading."""
        self.type, self.number = type_, number
        self.body: VehicleBody = VEHICLES[type_]
        self.grip = grip
        self.chassis = _tractor(world, number, type_)
        self.chassis.place(at_m, heading_rad, speed_mps)
        self.trailer: Chassis | None = None
        if trailer is not None:
            self.trailer = _trailer(world, number)
            self.trailer.place(*trailer, speed_mps)
            pin = Point3(0, TRAILER.coupling_m, 1.15 - self.chassis.centre_m)
            joint = BulletSphericalConstraint(
                self.chassis.node, self.trailer.node, pin, Point3(0, TRAILER.kingpin_m, 1.15 - self.trailer.centre_m)
            )
            world.attachConstraint(joint, True)
        self.set_grip(grip)
        self.steer_rad = 0.0
        self.locked = False
        self.trip_ticks = 0
        self._trip_share = 0.0

    @property
    def edge_m(self) -> float:
        """How high the bonnet's edge is; of a flat front: its top."""
        flat = self.type in HEAVY or self.type is ParticipantType.VAN
        return self.body.height_m if flat else self.body.belt_m - 0.1

    @property
    def parts(self) -> list[Chassis]:
        return [self.chassis] if self.trailer is None else [self.chassis, self.trailer]

    def set_grip(self, grip: float) -> None:
        for part in self.parts:
            part.set_grip(grip)

    def drive(self, acceleration_mps2: float, steer_rad: float) -> None:
        self.steer_rad = steer_rad
        self.chassis.drive(acceleration_mps2, steer_rad)
        if self.trailer is not None:
            self.trailer.drive(min(acceleration_mps2, 0.0), 0.0)

    def lock_wheels(self, share: float) -> None:
        """Brakes on for good with a share of the grip: 1 slides on locked tyres."""
        if share > 0.95:
            # Bullet lets a brake hold twice what the tyre's grip allows, so the brake is set to what a slide leaves.
            self.drive(-self.grip * LOCKED_SHARE * GRAVITY_MPS2, self.steer_rad)
            self.set_grip(self.grip * LOCKED_SHARE)
        else:
            self.drive(-self.grip * share * GRAVITY_MPS2, self.steer_rad)
        self.locked = True

    def push_on(self, velocity_mps: tuple[float, float], turns: float) -> None:
        """Goes on at a velocity over the ground, with a share of the turning that a blow has given it."""
        node = self.chassis.node
        turning, moving = node.getAngularVelocity(), node.getLinearVelocity()
        node.setLinearVelocity(Vec3(*velocity_mps, moving.z))
        node.setAngularVelocity(Vec3(turning.x, turning.y, turns * turning.z))

    def skid(self, share: float, yaw_radps: float) -> None:
        """The tyres keep a share of their grip, and the vehicle begins to turn about itself."""
        self.set_grip(self.grip * share)
        turning = self.chassis.node.getAngularVelocity()
        self.chassis.node.setAngularVelocity(Vec3(turning.x, turning.y, yaw_radps))

    def trip(self, share: float, for_s: float) -> None:
        """Tyres or rims dig in: for that long the ground holds them with ``share`` of the weight, more than tyres
        do."""
        self.trip_ticks, self._trip_share = round(for_s * TICKS_HZ), share
        for part in self.parts:
            part.roll_freely()

    def before_tick(self) -> None:
        """To be called while ``trip_ticks`` last."""
        self.trip_ticks -= 1
        chassis = self.chassis
        right = chassis.path.getQuat().getRight()
        moving = chassis.node.getLinearVelocity()
        sideways = moving.x * right.x + moving.y * right.y
        if abs(sideways) < _TRIP_MPS or chassis.upright < 0.2:
            return
        push = -math.copysign(self._trip_share * chassis.mass_kg * GRAVITY_MPS2, sideways)
        low = chassis.path.getQuat().xform(Vec3(0, 0, -chassis.centre_m))
        chassis.node.applyForce(Vec3(right.x * push, right.y * push, 0), Point3(low))

    def loosen(self) -> None:
        for part in self.parts:
            part.loosen()

    def settle(self) -> None:
        for part in self.parts:
            part.settle()


def _tractor(world: BulletWorld, number: int, type_: ParticipantType) -> Chassis:
    body = VEHICLES[type_]
    # Yaw inertia of cars is close to mass × wheelbase × (length − wheelbase) / 2.
    yaw = body.mass_kg * body.wheelbase_m * (body.length_m - 0.55 * body.wheelbase_m) / 4.4
    wheels = tuple((side * body.track_m / 2, end * body.wheelbase_m / 2) for end in (1, -1) for side in (-1, 1))
    return Chassis(
        world, number, hull_parts(type_), (body.length_m, body.width_m, body.height_m), body.mass_kg,
        CENTRE_SHARE.get(type_, 0.34) * body.height_m, yaw, wheels, body.wheel_radius_m,
    )  # fmt: skip


def _trailer(world: BulletWorld, number: int) -> Chassis:
    size = TRAILER
    yaw = size.mass_kg * (size.length_m * size.length_m + size.width_m * size.width_m) / 12
    wheels = tuple((side * 1.0, -size.length_m / 2 + at) for at in (3.2, 1.9) for side in (-1, 1))
    return Chassis(
        world, number, (trailer_hull(),), (size.length_m, size.width_m, size.height_m), size.mass_kg,
        0.40 * size.height_m, yaw, wheels, size.wheel_radius_m,
    )  # fmt: skip


def is_heavy(type_: ParticipantType) -> bool:
    return type_ in HEAVY
