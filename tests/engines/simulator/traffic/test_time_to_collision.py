from __future__ import annotations

import math

import numpy as np
import pytest

from its_core.engines.simulator.dimensions import PEDESTRIAN_RADIUS_M
from its_core.engines.simulator.roads.network import network
from its_core.engines.simulator.roads.registry import place
from its_core.engines.simulator.traffic.time_to_collision import gap_m, reaches_s
from its_core.taxonomy import RoadLayout

HALF = np.array([2.5, 1.0])
NORTH = np.array([0.0, 1.0])
ROADS = network(place(RoadLayout.FOUR_WAY_INTERSECTION, "cam_01"))
WAYS, WAY = ROADS.ways, ROADS.index["south_0_straight"]  # northwards, its arc length 260 at y = 0
MIDDLE_M = ROADS.place(WAY, 260.0)[0]


@pytest.mark.parametrize(
    ("person", "gap"),
    [
        ((3.0, 0.0), 2.0),
        ((0.0, 4.5), 2.0),
        ((4.0, 6.5), 5.0),  # off the corner: 3 aside, 4 ahead
        ((0.5, 1.0), PEDESTRIAN_RADIUS_M),  # inside the car
    ],
)
def test_gap_is_measured_to_the_nearest_edge(person, gap):
    assert gap_m(np.zeros(2), NORTH, HALF, np.array(person)) == pytest.approx(gap - PEDESTRIAN_RADIUS_M)


def reach(person, person_mps=(0.0, 0.0), speed=10.0, acceleration=0.0, aside=0.0) -> float:
    x, y = person
    half_m = float(HALF[1]) + PEDESTRIAN_RADIUS_M
    seconds, _, _ = reaches_s(
        WAYS, WAY, 260.0, aside, HALF[0], HALF[0], half_m, speed, acceleration, MIDDLE_M + x, y, *person_mps
    )
    return seconds


def test_time_to_reach_someone_who_stands_in_the_way():
    assert reach((0.0, 2.5 + PEDESTRIAN_RADIUS_M + 10.0)) == pytest.approx(1.0, abs=0.06)


def test_nobody_is_reached_beside_the_way_or_behind():
    assert reach((2.0, 10.0)) == math.inf
    assert reach((0.0, -10.0)) == math.inf
    assert reach((0.0, 10.0), speed=0.0) == math.inf


def test_someone_who_walks_into_the_way_in_time_is_reached_and_one_who_has_left_is_not():
    assert reach((3.0, 12.0), (-1.5, 0.0)) == pytest.approx(1.17, abs=0.1)
    assert reach((1.0, 18.0), (1.5, 0.0)) == math.inf


def test_a_car_that_brakes_in_time_reaches_nobody():
    assert reach((0.0, 13.0), acceleration=-6.0) == math.inf


def test_a_car_aside_of_its_path_reaches_further_to_that_side():
    assert reach((1.8, 10.0), aside=-1.0) < 1.0
