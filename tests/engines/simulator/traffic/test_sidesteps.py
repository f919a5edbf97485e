"""Nobody walks through anybody, or through a vehicle that stands."""

from __future__ import annotations

import numpy as np
import pytest

from its_core.engines.simulator.roads.registry import place
from its_core.engines.simulator.simulation.rails import Rails, Traffic
from its_core.engines.simulator.simulation.staging import StagedWalker
from its_core.engines.simulator.traffic.habits import Brake
from its_core.taxonomy import RoadLayout
from tests.engines.simulator.staged import car, person

STREET = place(RoadLayout.URBAN_STREET, "cam_01")
ON_THE_PAVEMENT_M = STREET.carriageways[0][3] + 2.0


def ways(people: list[StagedWalker], seconds: float) -> np.ndarray:
    """T×W×2: where they are, on rails."""
    for number, each in enumerate(people):
        each.walker.number = number
    rails = Rails(STREET, None, Traffic(0.0, [], {}, [each.walker for each in people]))
    places = []
    for _ in range(round(24 * seconds)):
        rails.step(1.0 / 24.0)
        places.append([(each.walker.x, each.walker.y) for each in people])
    return np.array(places)


@pytest.mark.parametrize("speeds", [(1.4, 1.4), (1.6, 0.0)], ids=["towards each other", "past one who stands"])
def test_people_pass_each_other(speeds):
    y = ON_THE_PAVEMENT_M
    people = [person(((-30.0, y), (30.0, y)), speeds[0], 25.0), person(((30.0, y), (-30.0, y)), speeds[1], 27.0)]
    seen = ways(people, 8.0)
    apart = np.linalg.norm(seen[:, 0] - seen[:, 1], axis=1)
    assert apart.min() > 0.4
    assert seen[-1, 0, 0] > 3.0  # and goes on
    assert abs(seen[-1, 0, 1] - y) < 1.0


def test_people_who_stand_in_one_spot_part():
    people = [person(((0.0, ON_THE_PAVEMENT_M), (9.0, ON_THE_PAVEMENT_M)), 0.0) for _ in range(3)]
    seen = ways(people, 4.0)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert np.linalg.norm(seen[-1, a] - seen[-1, b]) > 0.4


@pytest.mark.parametrize("ahead_m", [2.0, 0.4], ids=["its end", "its middle"])
def test_people_do_not_walk_into_a_car_that_stands_in_their_way(ahead_m):
    stands = car(STREET, "east_0_straight", 0.0, 0.0, brakes=(Brake(0.0, 99.0, 6.0),))
    stands.driver.s_m = stands.driver.roads.project(stands.driver.way, 4.0, 0.0)[0]
    x, y, _, _ = stands.driver.roads.place(stands.driver.way, stands.driver.s_m)
    walker = person(((x + ahead_m, y - 6.0), (x + ahead_m, y + 6.0)), 1.4).walker
    rails = Rails(STREET, None, Traffic(0.0, [stands.driver], {}, [walker]))
    half, long = stands.driver.body.width_m / 2, stands.driver.body.length_m / 2
    for _ in range(24 * 12):
        rails.step(1.0 / 24.0)
        assert abs(walker.x - x) > long or abs(walker.y - y) > half
