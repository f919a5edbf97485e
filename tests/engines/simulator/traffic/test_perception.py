"""What drivers see of those ahead of them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from its_core.engines.simulator.roads.network import network
from its_core.engines.simulator.roads.registry import place
from its_core.engines.simulator.traffic.driver_table import planned_drivers
from its_core.engines.simulator.traffic.drivers import Driver, follows_mps2
from its_core.engines.simulator.traffic.habits import NORMAL, Manner
from its_core.engines.simulator.traffic.perception import ELBOW_ROOM_M, HORIZON_M, Bodies, look
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


def allowed_by(roads, way, s_m, bodies):
    """What ``look`` allows the first body at 0.5 m/s, with nobody left out unseen."""
    ways, horizon_m = roads.ways, HORIZON_M + 12.0
    first, last = ways.first[way], ways.first[way + 1] - 1
    low = min(max(first + int(s_m - 12.0), first), last - 1)
    high = min(max(first + int(s_m + horizon_m) + 1, low + 1), last)
    allows = 1e9
    x, y, _, _, fx, fy, front, rear, half = bodies.table
    for other in range(1, len(x)):
        if (x[other] - x[0]) ** 2 + (y[other] - y[0]) ** 2 > horizon_m**2:
            continue
        best = low + np.argmin((ways.x[low : high + 1] - x[other]) ** 2 + (ways.y[low : high + 1] - y[other]) ** 2)
        tx, ty, dx, dy = ways.tx[best], ways.ty[best], x[other] - ways.x[best], y[other] - ways.y[best]
        s, aside = best - first + dx * tx + dy * ty, tx * dy - ty * dx
        ahead, across = fx[other] * tx + fy[other] * ty, abs(fx[other] * ty - fy[other] * tx)
        reach = abs(ahead) * half[other] + across * max(front[other], rear[other])
        near_end = abs(ahead) * (rear[other] if ahead >= 0.0 else front[other]) + across * half[other]
        gap = s - near_end - s_m - front[0]
        if abs(aside) < half[0] + ELBOW_ROOM_M + reach and s > s_m + 0.5 and gap < HORIZON_M:
            limits = MANNER.pulls_mps2, MANNER.brakes_mps2, MANNER.gap_m, MANNER.headway_s
            allows = min(allows, follows_mps2(*limits, 0.5, gap, 0.0))
    return allows


@pytest.mark.parametrize("layout", [RoadLayout.URBAN_STREET, RoadLayout.FOUR_WAY_INTERSECTION, RoadLayout.ROUNDABOUT])
def test_nobody_in_the_way_is_left_out_as_too_far_from_it(layout):
    roads, rng = network(place(layout, "cam_07")), np.random.default_rng(5)
    for _ in range(1500):
        way = int(rng.integers(len(roads.lanes)))
        s_m = rng.uniform(0.0, roads.length_m(way))
        bodies = Bodies.of(2)
        length_m = rng.uniform(0.3, 11.0)
        limit_m = 0.9 + ELBOW_ROOM_M + length_m  # of one that stands across
        for body, (ahead_m, aside_m) in enumerate(
            ((0.0, 0.0), (rng.uniform(0.0, 125.0), limit_m - rng.uniform(0.0, 0.2)))
        ):
            x, y, tx, ty = roads.place(way, s_m + ahead_m, rng.choice([-1.0, 1.0]) * aside_m)
            turn = rng.normal(0.0, 0.3)
            fx, fy = np.cos(turn) * -ty - np.sin(turn) * tx, np.cos(turn) * tx - np.sin(turn) * ty
            bodies.table[:, body] = (x, y, 0.0, 0.0, fx, fy, length_m, length_m, 0.3 if body else 0.9)
            bodies.unit[body] = body
        driver = Driver(0, ParticipantType.SEDAN, way, MANNER, NORMAL, roads, 0.95)
        driver.s_m, driver.speed = s_m, 0.5
        found = look(roads, bodies, planned_drivers([driver], [], bodies.unit, 0.0))
        assert found.allows[0] == pytest.approx(allowed_by(roads, way, s_m, bodies), rel=1e-9)


@pytest.mark.parametrize("layout", RoadLayout)
def test_ways_bend_less_than_what_may_be_in_the_way_is_reckoned_with(layout):
    ways = network(place(layout, "cam_07")).ways
    for first, last in pairwise(ways.first):
        dx, dy = np.diff(ways.x[first:last]), np.diff(ways.y[first:last])
        turns = np.arctan2(dx[:-1] * dy[1:] - dy[:-1] * dx[1:], dx[:-1] * dx[1:] + dy[:-1] * dy[1:])
        assert np.hypot(dx, dy).max() < 1.0001
        assert np.abs(turns).max() < 0.25
