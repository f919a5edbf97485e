from __future__ import annotations

import numpy as np

from its_core.clip import Geometry
from its_core.engines.simulator.roads.registry import place
from its_core.engines.simulator.simulation.run import Run, simulate
from its_core.engines.simulator.simulation.staging import StagedVehicle, StagedWalker, Staging
from its_core.engines.simulator.trace import Actor, forward
from its_core.engines.simulator.traffic.drivers import Intent, Manner
from its_core.engines.simulator.traffic.walkers import Walk
from its_core.taxonomy import Colour, ParticipantType, RoadLayout, RoadSurface, Role

CLIP = Geometry.of("480", 16)
STREET = place(RoadLayout.URBAN_STREET, "cam_01")


def stroll(walk: Walk, car_speed: float | None = None) -> Run:
    """A person who walks; with a speed, a car that does not yield comes along the first eastbound lane."""
    cars = ()
    if car_speed is not None:
        lane = next(way for way in STREET.lanes if way.name == "east_0_straight")
        intent = Intent(yields_on_crosswalks=False)
        s_m = 190.0 - 2.0 - 2.5 * car_speed
        actor = Actor(1, ParticipantType.SUV, Colour.RED, Role.AT_FAULT)
        cars = (StagedVehicle(actor, lane, s_m, car_speed, Manner(car_speed), intent),)
    actor = Actor(len(cars) + 1, ParticipantType.PEDESTRIAN, Colour.BLUE, Role.BYSTANDER)
    people = (StagedWalker(actor, walk),)
    return simulate(Staging(STREET, RoadSurface.DRY, None, cars, people), CLIP)


def test_people_walk_at_their_speed_and_look_where_they_go():
    run = stroll(Walk(((-20.0, 8.0), (20.0, 8.0)), 1.4, s_m=5.0))
    went = run.trace.positions[-1, 0] - run.trace.positions[0, 0]
    assert abs(went[0] - 1.4 * 92 / 16) < 0.3 and abs(went[1]) < 0.02
    assert forward(run.trace, 50, 0)[0] > 0.99
    steps = (run.trace.stride[-1, 0] - run.trace.stride[0, 0]) / np.pi
    assert 9 < steps < 13


def test_people_wait_at_the_kerb_until_it_is_time():
    run = stroll(Walk(((0.0, -9.0), (0.0, 9.0)), 1.4, waits_at_m=1.0, starts_s=3.0, s_m=1.0))
    assert np.ptp(run.trace.positions[:45, 0, 1]) < 0.02
    assert np.ptp(run.trace.stride[:45, 0]) < 0.1
    assert run.trace.positions[-1, 0, 1] > run.trace.positions[45, 0, 1] + 2.5


def test_someone_about_to_be_reached_jumps_back_and_is_not_touched():
    run = stroll(Walk(((0.0, -9.0), (0.0, 9.0)), 1.4, s_m=9.0 - 2.6 - 1.5 * 1.4), car_speed=9.0)
    assert run.episodes == ()
    person = run.trace.positions[:, 1, 1]
    startled = int(np.flatnonzero(run.trace.startle[:, 1] > 0)[0])
    assert run.trace.startle[:, 1].max() == 1.0
    assert person[startled:].min() < person[startled] - 0.6
    assert run.trace.speeds[:, 1].max() < 3.0


def test_someone_far_from_the_way_of_a_car_is_not_startled():
    run = stroll(Walk(((-20.0, -6.5), (20.0, -6.5)), 1.4, s_m=12.0), car_speed=11.0)
    assert run.trace.startle.max() == 0.0
