"""Physics goes through several ticks in one call only when nothing can touch anything in them."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from its_core.engines.simulator.dimensions import TRAILER, TWO_WHEELERS, VEHICLES
from its_core.engines.simulator.physics.hulls import hull_parts, trailer_hull
from its_core.engines.simulator.physics.surroundings import GROUND, outline, standing
from its_core.engines.simulator.roads.registry import place
from its_core.engines.simulator.simulation import run as simulation
from its_core.engines.simulator.simulation.quiet import MARGIN_M, all_stay_apart
from its_core.engines.simulator.simulation.rails import set_body
from its_core.engines.simulator.simulation.run import STEP_S, Run
from its_core.engines.simulator.traffic.habits import Brake
from its_core.engines.simulator.traffic.perception import Bodies
from its_core.taxonomy import ParticipantType, RoadLayout
from tests.engines.simulator.staged import car, drive, person

HIGHWAY = place(RoadLayout.HIGHWAY, "cam_01")
STREET = place(RoadLayout.URBAN_STREET, "cam_01")
NOTHING = np.zeros((0, 6))
NORTH, SOUTH, EAST = (0.0, 1.0), (0.0, -1.0), (1.0, 0.0)


def bodies(
    *cars: tuple[tuple[float, float], tuple[float, float], float], walks: tuple[bool, bool] = (False, False)
) -> Bodies:
    """Cars of 4.4 by 1.8 m: where each is, where it points, its speed."""
    found = Bodies.of(len(cars))
    for i, (at, ahead, speed) in enumerate(cars):
        set_body(found, i, at, (speed * ahead[0], speed * ahead[1]), ahead, (2.2, 2.2), 0.9)
        found.unit[i], found.walks[i] = i, walks[i]
    return found


def test_cars_that_pass_each_other_in_their_lanes_stay_apart():
    assert all_stay_apart(bodies(((0.0, 0.0), NORTH, 30.0), ((3.5, 5.0), SOUTH, 30.0)), NOTHING, STEP_S)
    assert not all_stay_apart(bodies(((0.0, 0.0), NORTH, 30.0), ((2.1, 5.0), SOUTH, 30.0)), NOTHING, STEP_S)


@pytest.mark.parametrize("ahead", [NORTH, SOUTH, EAST, (0.6, 0.8)])
def test_what_comes_within_the_margin_in_time_does_not(ahead):
    reach = 2.2 + 2.2 * abs(ahead[1]) + 0.9 * abs(ahead[0]) + MARGIN_M
    for speed, off_m, apart in ((0.0, 0.01, True), (0.0, -0.01, False), (24.0, 0.9, False), (24.0, 1.1, True)):
        pair = bodies(((0.0, 0.0), NORTH, speed), ((0.3, reach + off_m), ahead, 0.0))
        assert all_stay_apart(pair, NOTHING, STEP_S) is apart
        assert (
            all_stay_apart(
                bodies(((0.0, 0.0), NORTH, speed)), np.array([[0.3, reach + off_m, *ahead, 2.2, 0.9]]), STEP_S
            )
            is apart
        )


def test_who_walks_may_brush_past_others_who_do_but_not_past_a_car():
    beside = ((0.0, 0.0), NORTH, 1.0), ((0.5, 0.0), NORTH, 1.0)
    assert all_stay_apart(bodies(*beside, walks=(True, True)), NOTHING, STEP_S)
    assert not all_stay_apart(bodies(*beside, walks=(False, True)), NOTHING, STEP_S)
    wall = np.array([[0.5, 0.0, 0.0, 1.0, 9.0, 0.2]])
    assert all_stay_apart(bodies(*beside, walks=(True, True)), wall, STEP_S)


def test_outlines_hold_what_bullet_collides_with():
    for type_ in VEHICLES:
        if type_ not in TWO_WHEELERS:
            most = np.abs(np.concatenate(hull_parts(type_))).max(axis=0)
            assert (most[:2] <= np.array([VEHICLES[type_].width_m, VEHICLES[type_].length_m]) / 2 + 0.01).all(), type_
    most = np.abs(trailer_hull()).max(axis=0)
    assert (most[:2] <= np.array([TRAILER.width_m, TRAILER.length_m]) / 2 + 0.01).all()
    for node, at in standing(HIGHWAY):
        if node.getName() != GROUND:
            x, y, ax, ay, half_length, half_width = outline(node, at)
            ball = node.getShapeBounds()
            assert np.hypot(ax, ay) == pytest.approx(1.0, abs=1e-5)
            assert (x, y) == pytest.approx((at.x, at.y))
            assert 0.0 < max(half_length, half_width) <= ball.getRadius() + 1e-4


def crash() -> Run:
    leader = car(HIGHWAY, "north_0_straight", 400.0, 0.0, 20.0, brakes=(Brake(0.0, 9.0, 1.0),))
    follower = car(HIGHWAY, "north_0_straight", 375.0, 12.0, 12.0, blind_s=(0.0, 9.0))
    beside = car(HIGHWAY, "north_1_straight", 380.0, 14.0, 14.0)
    return drive(HIGHWAY, [leader, follower, beside])


def strolls() -> Run:
    lorry = car(STREET, "east_0_straight", 200.0, 9.0, 9.0, ParticipantType.ARTICULATED_TRUCK)
    bicycle = car(STREET, "east_0_straight", 240.0, 4.0, 4.0, ParticipantType.BICYCLE)
    return drive(STREET, [lorry, bicycle], [person(((0.0, -12.0), (30.0, -12.0)), 1.3)])


@pytest.mark.parametrize("driven", [crash, strolls])
def test_ticks_in_one_call_leave_the_trace_as_it_is(driven, monkeypatch):
    asked = []

    def noted(*given: object) -> bool:
        asked.append(all_stay_apart(*given))  # type: ignore[arg-type]
        return asked[-1]

    monkeypatch.setattr(simulation, "all_stay_apart", noted)
    grouped = driven().trace
    assert sum(asked) > 20
    monkeypatch.setattr(simulation, "all_stay_apart", lambda *_: False)
    single = driven().trace
    assert bool(grouped.contacts) is (driven is crash)
    assert grouped.contacts == single.contacts
    for each in fields(grouped):
        if isinstance(getattr(grouped, each.name), np.ndarray):
            assert np.array_equal(getattr(grouped, each.name), getattr(single, each.name)), each.name
