from __future__ import annotations

import math

import numpy as np
import pytest

from its_core.engines.simulator.dimensions import TWO_WHEELERS, VEHICLES
from its_core.engines.simulator.physics.constants import TICKS_HZ
from its_core.engines.simulator.physics.limp_body import walking
from its_core.engines.simulator.physics.world import World
from its_core.engines.simulator.rendering.poses import turn_of
from its_core.engines.simulator.roads.registry import place
from its_core.taxonomy import ParticipantType, RoadLayout, RoadSurface

SEDAN, SUV, PICKUP = ParticipantType.SEDAN, ParticipantType.SUV, ParticipantType.PICKUP
ARTICULATED = ParticipantType.ARTICULATED_TRUCK
NORTH, EAST = 0.0, -math.pi / 2


@pytest.fixture
def world() -> World:
    return World(place(RoadLayout.HIGHWAY, "cam_01"), RoadSurface.DRY)


def tick(world: World, seconds: float) -> list:
    return [touch for _ in range(round(seconds * TICKS_HZ)) for touch in world.tick()]


@pytest.mark.parametrize("type_", [type_ for type_ in VEHICLES if type_ not in TWO_WHEELERS])
def test_a_vehicle_at_rest_stands_on_its_wheels_and_does_not_move(world, type_):
    trailer = ((8.0 + 5.9 * math.sin(0.4), -5.9 * math.cos(0.4)), 0.4) if type_ is ARTICULATED else None
    car = world.add_vehicle(0, type_, (8.0, 0.0), 0.4, 0.0, trailer)
    car.drive(-6.0, 0.0)
    tick(world, 1.0)
    before = car.chassis.position
    for _ in range(48):
        car.settle()
        tick(world, 1 / 24)
    assert np.abs(car.chassis.position - before).max() < (0.01 if trailer is None else 0.03)
    # A semi-trailer rests on its tractor.
    assert abs(before[2]) < (0.01 if trailer is None else 0.06)
    assert np.abs(car.chassis.suspension).max() < (0.01 if trailer is None else 0.08)


@pytest.mark.parametrize(("steer", "side"), [(0.1, -1), (-0.1, 1)])
def test_positive_steering_turns_left(world, steer, side):
    car = world.add_vehicle(0, SEDAN, (8.0, -40.0), NORTH, 8.0)
    car.drive(0.0, steer)
    tick(world, 1.0)
    assert np.sign(car.chassis.forward[0]) == side


@pytest.mark.parametrize("asked", [1.5, -3.0, -6.0])
def test_pedals_give_the_acceleration_asked_for(world, asked):
    car = world.add_vehicle(0, SUV, (8.0, -100.0), NORTH, 15.0)
    car.drive(asked, 0.0)
    tick(world, 1.0)
    assert np.linalg.norm(car.chassis.velocity) - 15.0 == pytest.approx(asked, rel=0.05)


def test_locked_wheels_slide_further_in_the_wet():
    slid = {}
    for surface in (RoadSurface.DRY, RoadSurface.WET):
        world = World(place(RoadLayout.HIGHWAY, "cam_01"), surface)
        car = world.add_vehicle(0, SEDAN, (8.0, -50.0), NORTH, 15.0)
        car.lock_wheels(1.0)
        tick(world, 5.0)
        slid[surface] = car.chassis.position[1] + 50.0
    # v² / 2µg with four fifths of 0.95 and 0.62
    assert slid[RoadSurface.DRY] == pytest.approx(15.1, rel=0.08)
    assert slid[RoadSurface.WET] == pytest.approx(23.1, rel=0.08)


@pytest.mark.parametrize(
    ("heading", "at", "speed"),
    [(EAST, (5.4, 0.4), 10.0), (NORTH, (8.2, -5.6), 8.0), (EAST, (5.0, -1.5), 14.0)],
    ids=["side", "rear", "quarter"],
)
def test_momentum_is_kept_in_an_impact(world, heading, at, speed):
    struck = world.add_vehicle(0, SEDAN, (8.6 if heading == EAST else 8.0, 0.0), NORTH, 5.0)
    x = at[0] - (0.6 if heading == EAST else 0.0)
    striker = world.add_vehicle(1, PICKUP, (x, at[1]), heading, speed)

    def momentum() -> np.ndarray:
        return sum(car.chassis.velocity[:2] * car.body.mass_kg for car in (struck, striker))

    before, energy = momentum(), _energy([struck, striker])
    for car in (struck, striker):
        car.set_grip(0.0)
    touches = tick(world, 0.6)
    assert sum(touch.impulse_ns for touch in touches) > 2000
    assert momentum() == pytest.approx(before, abs=0.02 * float(np.linalg.norm(before)))
    assert 0.3 * energy < _energy([struck, striker]) < energy
    assert all(abs(car.chassis.position[2]) < 0.3 for car in (struck, striker))


def _energy(cars) -> float:
    """Of moving on and of turning about the vertical, joules."""
    return sum(
        0.5 * car.body.mass_kg * float(car.chassis.velocity @ car.chassis.velocity)
        + 0.5 * float(car.chassis.node.getInertia().z) * float(car.chassis.node.getAngularVelocity().z) ** 2
        for car in cars
    )


def test_a_barrier_stops_a_car(world):
    car = world.add_vehicle(0, SEDAN, (6.0, 0.0), math.pi / 2, 12.0)
    touches = tick(world, 1.0)
    assert {(touch.second, touch.thing) for touch in touches} == {(None, "barrier")}
    assert car.chassis.position[0] > VEHICLES[SEDAN].length_m / 2 - 0.4


def test_a_pedestrian_walks_upright_and_falls_as_a_jointed_body_when_hit(world):
    person = world.add_pedestrian(0, (8.0, 0.0))
    for _ in range(48):
        person.walk(0.0, 1.4)
        tick(world, 1 / 48)
    assert person.position == pytest.approx([8.0, 1.4, 0.0], abs=0.03)
    person.walk(0.0, 0.0)
    car = world.add_vehicle(1, SEDAN, (8.0, -6.0), NORTH, 8.0)
    for touch in (touch for _ in range(480) for touch in world.tick()):
        if {touch.first, touch.second} == {0, 1} and not person.fallen:
            person.fall(0.0, walking(0.5, 1.4), np.zeros(3), car.edge_m)
    assert person.fallen
    poses = person.limp.poses
    assert poses.shape == (7, 7)
    assert poses[:, 2].max() < 1.2  # lies, or nearly
    assert poses[:, 2].min() > -0.1
    reach = np.linalg.norm(poses[1:, :3] - poses[:1, :3], axis=1)
    assert reach.max() < 1.4  # the joints hold
    assert float(np.linalg.norm(car.chassis.velocity)) > 7.0


def test_a_rider_parts_from_the_machine_when_hit(world):
    rider = world.add_two_wheeler(0, ParticipantType.MOTORCYCLE, (8.0, 0.0), NORTH, 6.0)
    for _ in range(24):
        rider.ride(0.0, 0.0, 1 / 24)
        tick(world, 1 / 24)
    assert rider.position == pytest.approx([8.0, 6.0, 0.0], abs=0.15)
    before = rider.velocity
    rider.fall(before, np.array([1.0, 0.0, 0.0]))
    tick(world, 2.0)
    assert rider.fallen and rider.rider is not None
    assert float(np.linalg.norm(rider.rider.poses[0, :3] - rider.path.getPos())) > 0.3
    assert abs(rider.rider.poses[:, 2]).max() < 1.2


def test_a_vehicle_whose_rims_dig_in_while_it_slides_sideways_rolls_over(world):
    car = world.add_vehicle(0, SUV, (8.0, 0.0), NORTH, 0.0)
    car.chassis.node.setLinearVelocity((-1.0, 16.0, 0.0))
    car.chassis.path.setH(80.0)
    car.trip(1.9, 1.6)
    lowest = 1.0
    for _ in range(3 * TICKS_HZ):
        world.tick()
        lowest = min(lowest, car.chassis.upright)
    assert lowest < 0.35


def pitches_after_the_stop(loose: bool, type_: ParticipantType = ParticipantType.SEDAN) -> np.ndarray:
    """Degrees, tick by tick for 4 s, of a car that has braked to a stand."""
    world = World(place(RoadLayout.HIGHWAY, "cam_01"), RoadSurface.DRY)
    car = world.add_vehicle(0, type_, (8.0, -20.0), 0.0, 10.0)
    if loose:
        car.loosen()
    car.lock_wheels(1.0)
    pitches, stopped = [], False
    for tick in range(7 * TICKS_HZ):
        world.tick()
        if tick % 10 == 0:
            car.settle()
        stopped = stopped or np.linalg.norm(car.chassis.velocity[:2]) < 0.1
        if stopped:
            pitches.append(math.degrees(math.asin(turn_of(car.chassis.rotation)[2, 1])))
    return np.array(pitches[: 4 * TICKS_HZ])


@pytest.mark.parametrize("type_", [ParticipantType.SEDAN, ParticipantType.PICKUP])
def test_a_wreck_rocks_on_its_springs_as_it_comes_to_stand_and_then_stands_still(type_):
    whole, wreck = pitches_after_the_stop(False, type_), pitches_after_the_stop(True, type_)
    assert whole[0] < -0.5 and wreck[0] < -0.5  # noses dive
    assert wreck[: 3 * TICKS_HZ // 2].max() > whole.max() + 0.2
    assert np.ptp(wreck[-TICKS_HZ:]) < 0.06


def test_ticks_in_one_call_are_the_same_as_one_by_one():
    worlds = [World(place(RoadLayout.HIGHWAY, "cam_01"), RoadSurface.DRY) for _ in range(2)]
    cars = [world.add_vehicle(0, SEDAN, (8.0, -40.0), NORTH, 9.0) for world in worlds]
    for car in cars:
        car.drive(2.0, 0.05)
    for ticks in (*range(1, 11), 10, 7, 3):
        worlds[0].tick(ticks)
        for _ in range(ticks):
            worlds[1].tick()
        assert np.array_equal(cars[0].chassis.position, cars[1].chassis.position), ticks
        assert np.array_equal(cars[0].chassis.velocity, cars[1].chassis.velocity), ticks
