from __future__ import annotations

import itertools

import pytest

from its_core.engines.simulator.roads.signals import AMBER, GREEN, RED, Programme


def test_phases_never_show_green_or_amber_together():
    programme = Programme(3.0)
    for tenth in range(int(10 * programme.cycle_s)):
        aspects = {programme.aspect(phase, tenth / 10) for phase in (True, False)}
        assert RED in aspects


def test_amber_follows_green_and_red_follows_amber():
    programme = Programme(0.0)
    seen = [programme.aspect(True, t) for t in range(int(programme.cycle_s))]
    changes = [a for a, b in itertools.pairwise(seen) if a != b] + [seen[-1]]
    assert changes == [GREEN, AMBER, RED]


@pytest.mark.parametrize("north_south", [True, False])
def test_a_programme_can_start_in_a_green(north_south):
    programme = Programme.with_green(north_south, since_s=5.0)
    assert programme.aspect(north_south, 0.0) == GREEN
    assert programme.aspect(not north_south, 0.0) == RED
    assert programme.aspect(north_south, programme.green_s - 5.1) == GREEN
    assert programme.aspect(north_south, programme.green_s - 4.9) == AMBER
