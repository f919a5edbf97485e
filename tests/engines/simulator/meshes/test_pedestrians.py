import math

import numpy as np
import pytest

from its_core.engines.simulator.dimensions import PEDESTRIAN_HEIGHT_M
from its_core.engines.simulator.meshes.frights import fright_of
from its_core.engines.simulator.meshes.gaits import gait_of, steps_hz, struck_step
from its_core.engines.simulator.meshes.materials import MATERIALS, Surface
from its_core.engines.simulator.meshes.pedestrians import (
    ARM_L,
    ARM_R,
    FOREARM_L,
    FOREARM_R,
    SHIN_L,
    SHIN_R,
    clothes,
    fallen,
    figure,
    limbs,
    own_bearing,
    slumped,
    stature,
)
from its_core.engines.simulator.rendering.actors import placed_parts
from its_core.taxonomy import Colour

SWINGING = (SHIN_L, SHIN_R, ARM_L, ARM_R, FOREARM_L, FOREARM_R)


def stance(track_id: int, stride: float, speed_mps: float) -> tuple[np.ndarray, np.ndarray]:
    person = stature(track_id)
    mesh = figure(person)
    points, normals = placed_parts(mesh, *limbs(person, gait_of(track_id), stride, speed_mps))
    assert np.allclose(np.linalg.norm(normals, axis=1), 1.0, atol=1e-3)
    return points, mesh.parts


@pytest.mark.parametrize("track_id", [1, 2, 3, 4, 5, 6])
def test_people_stand_on_the_ground_and_are_about_as_tall_as_physics_thinks(track_id: int) -> None:
    points, _ = stance(track_id, 0.0, 0.0)
    assert points[:, 2].min() == pytest.approx(0.0, abs=0.05)
    assert points[:, 2].max() == pytest.approx(PEDESTRIAN_HEIGHT_M, rel=0.1)
    assert np.abs(points[:, :2]).max() < 0.5


@pytest.mark.parametrize("phase", np.linspace(0.0, 2.0 * math.pi, 9))
def test_a_foot_is_near_the_ground_throughout_the_step(phase: float) -> None:
    points, _ = stance(3, phase, 1.4)
    assert -0.07 < points[:, 2].min() < 0.09


def test_legs_swing_in_turn() -> None:
    there, parts = stance(2, math.pi / 2, 1.4)
    back, _ = stance(2, 3 * math.pi / 2, 1.4)
    left = parts == SHIN_L
    assert there[left][:, 1].mean() > 0.15
    assert back[left][:, 1].mean() < -0.15


@pytest.mark.parametrize("speed_mps", [0.5, 0.9, 1.4, 1.9])
def test_the_foot_that_stands_slides_little_at_any_pace(speed_mps: float) -> None:
    """While the left thigh swings back, over the middle half of that step, the body passes over the left foot."""
    phases = np.linspace(0.75 * math.pi, 1.25 * math.pi, 9)
    feet = []
    for phase in phases:
        points, parts = stance(4, phase, speed_mps)
        shin = points[parts == SHIN_L]
        feet.append(shin[shin[:, 2].argmin(), 1])
    back_m = feet[0] - feet[-1]
    went_m = speed_mps * 0.5 / steps_hz(speed_mps)
    assert back_m == pytest.approx(went_m, rel=0.35)


def test_each_walks_in_their_own_way() -> None:
    gaits = [gait_of(look) for look in range(200)]
    assert gait_of(7) == gaits[7]
    swings = np.array([gait.arms for gait in gaits])
    bent = np.array([gait.elbows_rad for gait in gaits]) > 1.0
    assert np.percentile(swings[~bent], 90) > 2.0 * np.percentile(swings[~bent], 10)
    assert 0.15 < bent.any(axis=1).mean() < 0.45
    assert swings[bent].max() < 0.2


def test_clothes_vary_and_stay_with_their_wearer() -> None:
    worn = [clothes(number, Colour.RED) for number in range(1, 25)]
    assert clothes(7, Colour.RED) == worn[6]
    assert len({tuple(sorted(each.items())) for each in worn}) > 15
    assert {each[Surface.TOP] for each in worn} == {Surface.CLOTH_RED}
    assert {clothes(1, colour)[Surface.TOP] for colour in Colour} <= set(MATERIALS)
    assert all(surface in MATERIALS for each in worn for surface in each.values())


@pytest.mark.parametrize(("speed_mps", "without"), [(0.8, 20.0), (1.4, 25.0), (3.5, 40.0)])
def test_who_is_struck_begins_to_fall_from_the_step_that_was_shown(speed_mps: float, without: float) -> None:
    """How far (degrees) shins and arms turn between the last upright picture and the first one of a body that falls,
    when it has not moved yet, with and ``without`` what is left of the step."""
    most = 0.0
    for look in range(1, 41):
        person, gait = stature(look), gait_of(look)
        for stride in np.linspace(0.0, 6.0, 7):
            upright, _ = limbs(person, gait, float(stride), speed_mps)
            thighs, shins, arms = struck_step(float(stride), speed_mps)
            bends = [0.0, thighs[0], shins[0], thighs[1], shins[1], *arms]
            lying = np.zeros((7, 3)), np.stack([_bent(bend) for bend in bends])
            jumps = {}
            for keeps in (0.0, 1.0):
                left = keeps * own_bearing(person, gait, float(stride), speed_mps)
                limp = slumped(look, speed_mps, 0.0)
                turns, _ = fallen(person, *lying, np.eye(3), limp, fright_of(look), 0.0, left)
                cosines = [(np.trace(upright[part].T @ turns[part]) - 1.0) / 2.0 for part in SWINGING]
                jumps[keeps] = np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0)))
            assert jumps[1.0].max() < 18.0  # arms hang straight down, and shoulders do not turn
            most = max(most, float(jumps[0.0].max()))
    assert most > without


def _bent(forwards_rad: float) -> np.ndarray:
    c, s = math.cos(forwards_rad), math.sin(forwards_rad)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])
