from __future__ import annotations

import numpy as np

from its_core.engines.simulator.roads.registry import place
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.simulation.staging import StagedWalker
from its_core.engines.simulator.trace import forward
from its_core.engines.simulator.traffic.habits import Person
from its_core.engines.simulator.traffic.walkers import Around, Crossing, Route, Threat, Walker
from its_core.taxonomy import ParticipantType, RoadLayout
from tests.engines.simulator.staged import car, drive, person

STREET = place(RoadLayout.URBAN_STREET, "cam_01")
HALF_M = STREET.carriageways[0][3]
(LEFT_M, _), (RIGHT_M, _) = STREET.crosswalks[0].path
FROM, TO = (0.0, -HALF_M - 2.0), (0.0, HALF_M + 2.0)
OVER = (2.0, 2.0 + 2.0 * HALF_M, 0)


def stroll(walker: StagedWalker, car_mps: float | None = None, away_m: float = 0.0) -> Run:
    """With a speed, a car that does not yield comes along the first eastbound lane, so far from the crosswalk."""
    cars = []
    if car_mps is not None:
        s_m = 260.0 - away_m
        cars = [
            car(
                STREET,
                "east_0_straight",
                s_m,
                car_mps,
                car_mps,
                ParticipantType.SUV,
                ignores_others=True,
                reaction_s=9.0,
            )
        ]
    return drive(STREET, cars, [walker])


def test_people_walk_at_their_speed_and_look_where_they_go():
    run = stroll(person(((-20.0, HALF_M + 2.0), (20.0, HALF_M + 2.0)), 1.4, 5.0))
    went = run.trace.positions[-1, 0] - run.trace.positions[0, 0]
    assert abs(went[0] - 1.4 * 92 / 16) < 0.3 and abs(went[1]) < 0.02
    assert forward(run.trace, 50, 0)[0] > 0.99
    steps = (run.trace.stride[-1, 0] - run.trace.stride[0, 0]) / np.pi
    assert 9 < steps < 13


def test_people_wait_at_the_kerb_while_a_car_comes_and_cross_when_it_has_passed():
    run = stroll(person((FROM, TO), 1.4, 0.8, OVER), car_mps=9.0, away_m=22.0)
    kerb = -HALF_M
    passed = int(np.argmax(run.arcs[:, 0] > 262.0))
    assert run.trace.positions[:passed, 1, 1].max() < kerb
    assert run.trace.positions[-1, 1, 1] > kerb + 1.5
    assert run.episodes == ()


def test_someone_about_to_be_reached_jumps_back_and_is_not_touched():
    walked = HALF_M - 0.3  # nearly in the way of the eastbound car
    run = stroll(person((FROM, TO), 1.4, walked, OVER), car_mps=9.0, away_m=2.4 + 11.0)
    assert run.episodes == ()
    assert run.trace.startle[:, 1].max() == 1.0
    assert run.trace.speeds[:, 1].max() < 3.0
    moved = np.diff(run.trace.velocities[:, 1, :2], axis=0) * run.trace.fps
    assert np.hypot(moved[:, 0], moved[:, 1]).max() < 8.0  # nobody changes pace from one frame to the next


def test_someone_far_from_the_way_of_a_car_is_not_startled():
    run = stroll(person(((-20.0, -HALF_M - 2.0), (20.0, -HALF_M - 2.0)), 1.4, 12.0), car_mps=11.0, away_m=30.0)
    assert run.trace.startle.max() == 0.0


def walked_m(crash_m: float) -> float:
    """How far somebody goes on in 3 s who would go on, with a crash that far to their side."""
    walker = Walker(0, Person(1.4, "go_on"), Route(((0.0, 0.0), (60.0, 0.0))), 5.0)
    start, step_s = walker.x, 1 / 24
    for step in range(72):
        at_s = step * step_s
        walker.control(Around(at_s, step_s, True, None, (5.0, crash_m), at_s))
        walker.moved(walker.x + walker.vx * step_s, walker.y + walker.vy * step_s)
    return walker.x - start


def test_everybody_beside_a_crash_stops_and_looks_and_some_farther_off_go_on():
    assert walked_m(8.0) < 1.5
    assert walked_m(30.0) > 3.5


def test_whoever_jumped_back_does_not_stand_long_once_nothing_threatens_them():
    walker = Walker(0, Person(1.4, retreats=False), Route(((0.0, 0.0), (30.0, 0.0)), (Crossing(2.0, 20.0, None),)), 5.0)
    step_s = 1 / 24
    for step in range(48):
        threat = Threat(1.0, (0.0, 1.0), -1.0) if step < 2 else None
        walker.control(Around(step * step_s, step_s, True, threat))
        walker.moved(walker.x + walker.vx * step_s, walker.y + walker.vy * step_s)
    assert walker.startle < 0.6 and walker.vx > 1.2


def test_nobody_turns_round_while_stepping_back():
    walker = Walker(0, Person(1.4, retreats=True), Route(((0.0, 0.0), (30.0, 0.0)), (Crossing(2.0, 20.0, None),)), 8.0)
    step_s, ahead = 1 / 24, walker.heading_rad
    backwards = 0
    for step in range(72):
        threat = Threat(1.0, (-1.0, 0.0), 0.3) if step < 60 else None
        walker.control(Around(step * step_s, step_s, True, threat))
        walker.moved(walker.x + walker.vx * step_s, walker.y + walker.vy * step_s)
        if step < 36 and walker.vx < -0.3:
            backwards += 1
            assert walker.heading_rad == ahead
    assert backwards > 20


def near_crash(reaction: str, away_m: float, seconds: float, crossing: tuple[Crossing, ...] = ()) -> Walker:
    """Somebody who has walked east for that long since a crash ahead of them."""
    walker = Walker(0, Person(1.4, reaction), Route(((0.0, 0.0), (60.0, 0.0)), crossing), 5.0)
    crash, step_s = (5.0 + away_m, 0.0), 1 / 24
    for step in range(round(24 * seconds)):
        at_s = step * step_s
        walker.control(Around(at_s, step_s, True, None, crash, at_s))
        walker.moved(walker.x + walker.vx * step_s, walker.y + walker.vy * step_s)
    return walker


def test_beside_a_crash_people_start_and_step_back_with_their_eyes_on_it():
    walker = near_crash("curious", 6.0, 1.5)
    assert walker.vx < -0.8
    assert abs(walker.heading_rad + np.pi / 2) < 0.1  # east
    assert near_crash("curious", 6.0, 0.5).startle > 0.9
    assert near_crash("curious", 30.0, 0.5).startle == 0.0
    assert near_crash("curious", 6.0, 4.0).speed_mps < 0.1


def test_helpers_run_to_a_crash_and_who_is_on_the_road_hurries_off_it():
    assert near_crash("helpful", 20.0, 2.0).vx > 3.0
    assert near_crash("helpful", 20.0, 2.0, (Crossing(2.0, 40.0, None),)).vx > 2.5
