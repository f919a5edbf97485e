from dataclasses import replace

import numpy as np
import pytest

from its_core.clip import Geometry, Scene
from its_core.engines.simulator.incidents.catalogue import KINDS
from its_core.engines.simulator.incidents.setting import MOMENT, drawn_moment, setting_of
from its_core.engines.simulator.optics.camera import camera_for
from its_core.engines.simulator.roads.registry import place
from its_core.evaluation.scoring.accident import best_constant
from its_core.taxonomy import IncidentType, RoadLayout


@pytest.mark.parametrize("fps", [10, 16])
def test_no_single_time_is_a_good_guess_of_when_a_crash_comes(fps: int) -> None:
    geometry = Geometry.of("720", fps)
    here = place(RoadLayout.RURAL_ROAD, "times")
    own = setting_of(Scene("times"), here, geometry, camera_for("times", here, geometry), 7)
    kinds = [KINDS[incident] for incident in IncidentType if incident.has_contact]
    rng = np.random.default_rng(7)
    drawn = [replace(own, seed=seed, moment=drawn_moment(rng, geometry.duration_s)) for seed in range(2000)]
    times_s = np.array([kinds[each.seed % len(kinds)].contact_s(each) for each in drawn])
    assert best_constant(times_s, geometry.duration_s)[0] < 0.55
    assert (times_s < 2.5).mean() < 0.25  # few blows are prepared in the first second
    shares = times_s / geometry.duration_s
    assert MOMENT[0] <= shares.min() < 0.16
    assert 0.84 < shares.max() <= MOMENT[1]
    thirds = np.histogram(shares, np.linspace(*MOMENT, 4))[0] / len(shares)
    assert thirds.min() > 0.15  # neither the start nor the middle is a rarity


def test_moments_of_very_short_clips_lie_in_their_range() -> None:
    rng = np.random.default_rng(8)
    shares = np.array([drawn_moment(rng, 0.4) for _ in range(500)])
    assert MOMENT[0] <= shares.min() < shares.max() <= MOMENT[1]
