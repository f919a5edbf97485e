"""People take fright each in their own way and time, and calm down again."""

import numpy as np
import pytest

from its_core.engines.simulator.meshes.frights import (
    STARTLE_DOWN_FROM_S,
    STARTLE_DOWN_S,
    STARTLE_UP_S,
    felt_by,
    fright_of,
)
from its_core.engines.simulator.meshes.gaits import gait_of
from its_core.engines.simulator.meshes.pedestrians import (
    ARM_L,
    ARM_R,
    FOREARM_L,
    FOREARM_R,
    HEAD,
    fallen,
    figure,
    limbs,
    own_bearing,
    slumped,
    stature,
)
from its_core.engines.simulator.rendering.actors import placed_parts

FPS = 16
LOOKS = range(1, 201)


def pose(look: int, felt: float) -> tuple[np.ndarray, np.ndarray]:
    mesh = figure(stature(look))
    return placed_parts(mesh, *limbs(stature(look), gait_of(look), 0.0, 0.0, fright_of(look), felt))[0], mesh.parts


def startled_at(frame: int, frames: int = 96) -> np.ndarray:
    """As ``traffic.walkers`` runs it."""
    since_s = (np.arange(frames) - frame) / FPS
    falls = 1.0 - (since_s - STARTLE_DOWN_FROM_S) / STARTLE_DOWN_S
    return np.where(since_s <= 0.0, 0.0, np.clip(np.minimum(since_s / STARTLE_UP_S, falls), 0.0, 1.0))


def test_few_throw_their_arms_up_and_hands_go_to_many_places() -> None:
    heights = []
    for look in LOOKS:
        points, parts = pose(look, 1.0)
        head_m = points[parts == HEAD][:, 2].max()
        heights.append([points[parts == part][:, 2].mean() - head_m for part in (FOREARM_L, FOREARM_R)])
    highest = np.max(heights, axis=1)
    assert 0.01 < np.mean(highest > 0.0) < 0.15
    assert np.mean(highest < -0.45) > 0.1  # hands stay low
    assert highest.std() > 0.12


@pytest.mark.parametrize("look", range(1, 30))
def test_the_frightened_stay_on_their_feet_in_one_piece(look: int) -> None:
    calm, parts = pose(look, 0.0)
    for felt in (0.3, 0.7, 1.0):
        scared, _ = pose(look, felt)
        assert -0.08 < scared[:, 2].min() < 0.05
        heads = [points[parts == HEAD].mean(axis=0) for points in (calm, scared)]
        assert np.linalg.norm(heads[1] - heads[0]) < 0.45


def test_each_starts_in_their_own_time_rises_smoothly_and_calms_down() -> None:
    begins, ends = [], []
    for look in LOOKS:
        felt = felt_by(look, startled_at(20), FPS)
        assert not felt[:21].any()
        assert felt.max() > 0.95 and felt[-1] == 0.0
        assert np.abs(np.diff(felt)).max() < 0.6
        begins.append(np.flatnonzero(felt > 0.0)[0])
        ends.append(np.flatnonzero(felt > 0.0)[-1])
    assert np.ptp(begins) >= 7
    assert np.ptp(ends) > 20


def test_what_comes_later_changes_nothing_before() -> None:
    """A clip with a crash begins as the one without it."""
    calm, crash = np.zeros(96), startled_at(50)
    for look in LOOKS:
        assert np.array_equal(felt_by(look, calm, FPS)[:51], felt_by(look, crash, FPS)[:51])


def test_who_calms_down_as_a_clip_begins_does_not_start_again() -> None:
    startle = np.clip(0.4 - np.arange(40) / FPS / 0.9, 0.0, 1.0)
    for look in LOOKS:
        felt = felt_by(look, startle, FPS)
        peak = int(felt.argmax())
        assert (np.diff(felt[peak:]) <= 0.0).all()
        assert felt[-1] < 0.9


def test_a_fright_follows_from_the_look_alone() -> None:
    assert fright_of(7) == fright_of.__wrapped__(7)
    assert len({fright_of(look).delay_s for look in LOOKS}) == len(LOOKS)


def test_who_is_struck_in_a_fright_lets_go_of_it_bit_by_bit() -> None:
    """How far arms turn between the last upright frame and the first fallen one, with and without what is held."""
    jumps: dict[float, list[float]] = {0.0: [], 1.0: []}
    for look in LOOKS:
        person, fright = stature(look), fright_of(look)
        upright, _ = limbs(person, gait_of(look), 0.0, 0.0, fright, 1.0)
        lying = np.zeros((7, 3)), np.broadcast_to(np.eye(3), (7, 3, 3))
        own = own_bearing(person, gait_of(look), 0.0, 0.0)
        for held, found in jumps.items():
            turns, _ = fallen(person, *lying, np.eye(3), slumped(look, 0.0, 0.0), fright, held, held * own)
            for part in (ARM_L, ARM_R, FOREARM_L, FOREARM_R):
                cosine = (np.trace(upright[part].T @ turns[part]) - 1.0) / 2.0
                found.append(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
    assert np.median(jumps[0.0]) > 60.0
    assert np.max(jumps[1.0]) < 45.0
