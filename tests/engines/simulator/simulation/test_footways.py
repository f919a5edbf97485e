import math

import numpy as np
import pytest

from its_core.engines.simulator.simulation.footways import to_and_fro
from its_core.engines.simulator.traffic.habits import Person
from its_core.engines.simulator.traffic.walkers import Around, Route, Walker


@pytest.mark.parametrize("seed", range(5))
def test_people_at_work_go_to_and_fro_between_two_ends(seed: int) -> None:
    route, s_m = to_and_fro(Route(((0.0, 0.0), (0.0, 20.0), (50.0, 20.0))), 8.0, np.random.default_rng(seed))
    assert sum(math.dist(a, b) for a, b in zip(route.points, route.points[1:], strict=False)) > 100.0
    walker, step_s, heights = Walker(0, Person(0.9), route, s_m), 0.1, []
    for step in range(600):
        walker.control(Around(step * step_s, step_s, True, None))
        walker.moved(walker.x + walker.vx * step_s, walker.y + walker.vy * step_s)
        heights.append(walker.y)
    assert -0.5 < min(heights) < max(heights) < 20.5
    assert np.sum(np.diff(np.sign(np.diff(heights))) != 0) >= 4
    assert walker.speed_mps > 0.5
