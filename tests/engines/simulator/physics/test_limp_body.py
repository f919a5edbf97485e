"""Bodies that fall bend where people do, and come to lie still."""

from __future__ import annotations

import math

import numpy as np
import pytest

from its_core.engines.simulator.physics.constants import TICKS_HZ
from its_core.engines.simulator.physics.limp_body import walking
from its_core.engines.simulator.physics.world import World
from its_core.engines.simulator.rendering.poses import turn_of
from its_core.engines.simulator.roads.registry import place
from its_core.taxonomy import ParticipantType, RoadLayout, RoadSurface

HIGHWAY = place(RoadLayout.HIGHWAY, "cam_01")
PERSON = 0


@pytest.fixture(scope="module", params=[(ParticipantType.SEDAN, 6.0), (ParticipantType.VAN, 11.0)])
def fallen(request) -> np.ndarray:
    return struck(*request.param)


def struck(type_: ParticipantType, speed: float, x: float = 8.0) -> np.ndarray:
    """T×7×7: poses of somebody who is struck by a car that brakes then."""
    world = World(HIGHWAY, RoadSurface.DRY)
    person = world.add_pedestrian(PERSON, (x, 0.0))
    car = world.add_vehicle(1, type_, (8.0, -5.0), 0.0, speed)
    poses = []
    for tick in range(4 * TICKS_HZ):
        for touch in world.tick():
            if PERSON in (touch.first, touch.second) and not person.fallen:
                person.fall(math.pi / 2, walking(1.0, 1.4), np.zeros(3), car.edge_m)
                car.lock_wheels(1.0)
        if person.limp is not None:
            if tick % 10 == 0:
                person.limp.settle()
            poses.append(person.limp.poses)
    return np.array(poses)


def turns(poses: np.ndarray, limb: int) -> np.ndarray:
    """T×3×3, body to world."""
    return np.array([turn_of(pose[limb, 3:]) for pose in poses])


def test_knees_bend_backwards_only(fallen):
    for thigh, shin in ((1, 2), (3, 4)):
        bent = np.einsum("tji,tj->ti", turns(fallen, thigh), -turns(fallen, shin)[:, :, 2])  # the shin, by the thigh
        forwards = np.degrees(np.arctan2(bent[:, 1], -bent[:, 2]))
        assert forwards.max() < 25.0 and forwards.min() > -165.0


def bend_deg(poses: np.ndarray, carrier: int, limb: int) -> np.ndarray:
    """T angles between a limb and what carries it."""
    along = [turns(poses, each)[:, :, 2] for each in (carrier, limb)]
    return np.degrees(np.arccos(np.clip((along[0] * along[1]).sum(axis=1), -1.0, 1.0)))


def test_nobody_lies_straight_and_no_two_alike():
    ends = []
    for type_, speed, x in (
        (ParticipantType.SEDAN, 6.0, 8.0),
        (ParticipantType.SUV, 8.0, 7.4),
        (ParticipantType.VAN, 11.0, 8.3),
    ):
        poses = struck(type_, speed, x)[-1:]
        assert poses[0, 0, 2] < 0.6
        knees = [float(bend_deg(poses, thigh, shin)[0]) for thigh, shin in ((1, 2), (3, 4))]
        hips = [float(bend_deg(poses, 0, thigh)[0]) for thigh in (1, 3)]
        assert min(knees) > 15.0
        assert max(knees) + max(hips) > 60.0
        ends.append([*knees, *hips])
    assert np.ptp(np.array(ends), axis=0).max() > 20.0


def test_limbs_are_drawn_in_bit_by_bit(fallen):
    """From the step in which somebody is struck on, no joint jumps between two frames."""
    every = TICKS_HZ // 16
    for carrier, limb in ((0, 1), (1, 2), (0, 3), (3, 4)):
        bent = bend_deg(fallen[::every], carrier, limb)
        assert np.abs(np.diff(bent)).max() < 75.0
        assert bent[-4:].min() > 3.0


def test_whoever_is_struck_is_thrown_ahead_of_the_car_and_lies_still(fallen):
    torso = fallen[:, 0, :3]
    assert torso[-1, 1] > 1.0
    assert torso[-1, 2] < 0.6
    assert np.linalg.norm(torso[-1] - torso[-TICKS_HZ // 2]) < 0.1
    assert fallen[:, :, 2].min() > -0.1


def test_a_struck_machine_tips_over_away_from_what_struck_it():
    world = World(HIGHWAY, RoadSurface.DRY)
    bicycle = world.add_two_wheeler(0, ParticipantType.BICYCLE, (8.0, 0.0), 0.0, 4.0)
    before = bicycle.velocity
    bicycle.node.setLinearVelocity((3.0, 4.0, 0.0))
    bicycle.fall(before, np.array([1.0, 0.0, 0.0]))
    for _ in range(2 * TICKS_HZ):
        world.tick()
    up = turn_of(bicycle.rotation)[:, 2]
    assert up[0] > 0.5 and abs(up[2]) < 0.6


@pytest.mark.parametrize("kind", [ParticipantType.BICYCLE, ParticipantType.MOTORCYCLE])
def test_a_rider_who_is_struck_hard_is_not_thrown_high_and_does_not_stand(kind):
    """The velocity after the blow points upwards, as a bonnet's slope pushes."""
    world = World(HIGHWAY, RoadSurface.DRY)
    struck = world.add_two_wheeler(0, kind, (8.0, 0.0), 0.0, 6.0)
    before = struck.velocity
    struck.node.setLinearVelocity((12.0, 5.0, 4.0))
    struck.fall(before, np.array([1.0, 0.0, 0.0]))
    heights = []
    for tick in range(2 * TICKS_HZ):
        if tick % 10 == 0:
            struck.rider.settle()
        world.tick()
        heights.append(struck.rider.poses[0, 2])
    assert max(heights) < 1.7
    assert heights[-1] < 0.5


def test_limbs_that_lie_do_not_twitch():
    world = World(HIGHWAY, RoadSurface.DRY)
    person = world.add_pedestrian(PERSON, (8.0, 0.0))
    person.fall(0.0, walking(0.0, 1.4), np.zeros(3), 0.8)
    person.limp.push(np.zeros(3), np.array([0.0, 4.0, 0.0]), 0.8, 0.4)
    frames = []
    for tick in range(6 * TICKS_HZ):
        if tick % 10 == 0:
            person.limp.settle()
        if tick % 15 == 0 and tick > 4 * TICKS_HZ:
            frames.append(person.limp.poses[:, :3])
        world.tick()
    assert np.linalg.norm(np.diff(frames, axis=0), axis=2).max() < 0.003
