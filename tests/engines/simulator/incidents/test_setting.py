import numpy as np
import pytest

from its_core.clip import Geometry
from its_core.engines.simulator.incidents.setting import MOMENT, drawn_moment
from its_core.evaluation.scoring.accident import best_constant


@pytest.mark.parametrize(("fps", "early"), [(10, 0.22), (16, 0.37)])
def test_no_single_time_is_a_good_guess_of_the_moment_that_is_drawn(fps: int, early: float) -> None:
    duration_s = Geometry.of("720", fps).duration_s
    rng = np.random.default_rng(7)
    shares = np.array([drawn_moment(rng, duration_s) for _ in range(4000)])
    assert best_constant(shares * duration_s, duration_s)[0] < 0.50
    assert (shares * duration_s < 2.0).mean() < early  # few errors begin in the first second
    assert MOMENT[0] <= shares.min() < 0.16
    assert 0.84 < shares.max() <= MOMENT[1]
    thirds = np.histogram(shares, np.linspace(*MOMENT, 4))[0] / 4000
    assert thirds.min() > 0.15  # the middle is no rarity


def test_moments_of_very_short_clips_lie_in_their_range() -> None:
    rng = np.random.default_rng(8)
    shares = np.array([drawn_moment(rng, 0.4) for _ in range(500)])
    assert MOMENT[0] <= shares.min() < shares.max() <= MOMENT[1]
