from __future__ import annotations

import itertools

import pytest

from its_core.engines.simulator.roads.signals import AMBER, GREEN, RED, Programme


def test_phases_never_show_green_or_amber_together():
    programme = Programme(3.0, (15.0, 22.0))
    for tenth in range(int(10 * programme.cycle_s)):
        aspects = {programme.aspect(phase, tenth / 10) for phase in (0, 1)}
        assert RED in aspects


@pytest.mark.parametrize("phase", [0, 1])
def test_amber_follows_green_and_red_follows_amber(phase):
    programme = Programme(0.0, (15.0, 22.0))
    seen = [programme.aspect(phase, t) for t in range(2 * int(programme.cycle_s))]
    changes = {pair for pair in itertools.pairwise(seen) if pair[0] != pair[1]}
    assert changes == {(GREEN, AMBER), (AMBER, RED), (RED, GREEN)}
    assert seen.count(GREEN) == pytest.approx(2 * programme.green_s[phase], abs=2)


@pytest.mark.parametrize("phase", [0, 1])
def test_the_time_that_red_lasts_is_known(phase):
    programme = Programme(7.0, (15.0, 22.0))
    for second in range(60):
        left = programme.red_left_s(phase, second)
        assert (left > 0.0) == (programme.aspect(phase, second) == RED)
        if left > 0.0:
            assert programme.aspect(phase, second + left + 0.01) == GREEN


def test_a_shifted_programme_shows_what_comes_later():
    programme = Programme(5.0)
    later = programme.shifted(12.5)
    for tenth in range(600):
        assert later.aspect(1, tenth / 10) == programme.aspect(1, tenth / 10 + 12.5)
