"""What drivers see of those ahead of them."""

from __future__ import annotations

import numpy as np
import pytest

from its_core.engines.simulator.roads.network import network
from its_core.engines.simulator.roads.registry import place
from its_core.engines.simulator.traffic.driver_table import planned_drivers
from its_core.engines.simulator.traffic.drivers import Driver, follows_mps2
from its_core.engines.simulator.traffic.habits import NORMAL, Manner
from its_core.engines.simulator.traffic.perception import Bodies, look
from its_core.taxonomy import ParticipantType, RoadLayout

ROADS = network(place(RoadLayout.HIGHWAY, "cam_07"))
WAY = 0
MANNER = Manner(20.0, 1.4, 2.0, 1.5, 2.5)
END_M = float(ROADS.ways.first[WAY + 1] - ROADS.ways.first[WAY] - 1)


def seen(s_m: float, ahead_m: float, aside_m: float) -> float:
    """The acceleration that a driver at 20 m/s is allowed if another car stands so far ahead of it."""
    last = ROADS.ways.first[WAY + 1] - 1
    way = np.array([ROADS.ways.tx[last], ROADS.ways.ty[last]])
    end = np.array([ROADS.ways.x[last], ROADS.ways.y[last]])
    left = np.array([-way[1], way[0]])
    bodies = Bodies.of(2)
    for body, (along_m, side_m, speed) in enumerate(((s_m - END_M, 0.0, 20.0), (s_m - END_M + ahead_m, aside_m, 0.0))):
        bodies.table[:, body] = (*(end + along_m * way + side_m * left), *(speed * way), *way, 2.2, 2.2, 0.9)
        bodies.unit[body] = body
    driver = Driver(0, ParticipantType.SEDAN, WAY, MANNER, NORMAL, ROADS, 0.95)
    driver.s_m, driver.speed = s_m, 20.0
    found = look(ROADS, bodies, planned_drivers([driver], [], bodies.unit, 0.0))
    return float(found.allows[0])


@pytest.mark.parametrize("past_end_m", [-40.0, -5.0, 0.0, 30.0, 60.0, 150.0])
def test_a_car_that_stands_ahead_is_seen_also_behind_the_end_of_the_way(past_end_m):
    manner, gap_m = MANNER, 20.0 - 4.4
    expected = follows_mps2(manner.pulls_mps2, manner.brakes_mps2, manner.gap_m, manner.headway_s, 20.0, gap_m, 0.0)
    assert expected < -2.0
    assert seen(END_M + past_end_m, 20.0, 0.0) == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize(("ahead_m", "aside_m"), [(-20.0, 0.0), (20.0, 3.5), (130.0, 0.0)])
def test_a_car_behind_in_the_next_lane_or_too_far_ahead_allows_anything(ahead_m, aside_m):
    assert seen(END_M - 40.0, ahead_m, aside_m) == 1e9
