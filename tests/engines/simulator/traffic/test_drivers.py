from __future__ import annotations

import numpy as np
import pytest

from its_core.clip import Geometry
from its_core.engines.simulator.dimensions import VEHICLES
from its_core.engines.simulator.roads.registry import place
from its_core.engines.simulator.roads.signals import Programme
from its_core.engines.simulator.simulation.run import Run, simulate
from its_core.engines.simulator.simulation.staging import StagedVehicle, StagedWalker, Staging
from its_core.engines.simulator.trace import Actor
from its_core.engines.simulator.traffic.drivers import Intent, Manner
from its_core.engines.simulator.traffic.walkers import Walk
from its_core.taxonomy import Colour, ParticipantType, RoadLayout, RoadSurface, Role

CLIP = Geometry.of("480", 16)
SEDAN = ParticipantType.SEDAN
JUNCTION = place(RoadLayout.FOUR_WAY_INTERSECTION, "cam_01")
STREET = place(RoadLayout.URBAN_STREET, "cam_01")
HIGHWAY = place(RoadLayout.HIGHWAY, "cam_01")


def car(number: int, layout, lane: str, s_m: float, speed: float, desired: float = 12.0, **intent) -> StagedVehicle:
    actor = Actor(number + 1, SEDAN, Colour.GREY, Role.BYSTANDER)
    found = next(way for way in layout.lanes if way.name == lane)
    return StagedVehicle(actor, found, s_m, speed, Manner(desired), Intent(**intent))


def person(number: int, start, end, speed: float) -> StagedWalker:
    actor = Actor(number + 1, ParticipantType.PEDESTRIAN, Colour.BLUE, Role.BYSTANDER)
    return StagedWalker(actor, Walk((start, end), speed))


def drive(layout, vehicles, walkers=(), programme=None, surface=RoadSurface.DRY) -> Run:
    staging = Staging(layout, surface, programme, tuple(vehicles), tuple(walkers))
    return simulate(staging, CLIP)


def line_of(lane: str, layout=JUNCTION) -> float:
    return next(way for way in layout.lanes if way.name == lane).stop_s_m


@pytest.mark.parametrize("surface", [RoadSurface.DRY, RoadSurface.WET])
def test_a_driver_stops_behind_the_line_at_red_and_stays(surface):
    line = line_of("south_0_straight")
    red = Programme.with_green(north_south=False, since_s=1.0)
    run = drive(JUNCTION, [car(0, JUNCTION, "south_0_straight", line - 32, 10.0)], (), red, surface)
    fronts = run.arcs[:, 0] + VEHICLES[SEDAN].length_m / 2
    assert line - 3.5 < fronts[-1] < line
    assert run.trace.speeds[-1, 0] < 0.8
    braking = -np.gradient(run.trace.speeds[:, 0]) * CLIP.fps
    assert braking.max() < 4.5
    assert run.trace.braking[:, 0].any()


def test_a_driver_passes_a_green_light_without_braking():
    line = line_of("south_0_straight")
    green = Programme.with_green(north_south=True, since_s=1.0)
    run = drive(JUNCTION, [car(0, JUNCTION, "south_0_straight", line - 30, 11.0)], (), green)
    assert run.arcs[-1, 0] > line + 20
    assert run.trace.speeds[:, 0].min() > 10.5
    assert not run.trace.braking[:, 0].any()


def test_amber_stops_who_can_and_lets_pass_who_cannot():
    line = line_of("south_0_straight")
    programme = Programme.with_green(north_south=True, since_s=21.9)
    near = car(0, JUNCTION, "south_0_straight", line - 16, 12.0)
    far = car(1, JUNCTION, "south_0_straight", line - 60, 12.0)
    run = drive(JUNCTION, [near, far], (), programme)
    assert run.arcs[-1, 0] > line + 20
    assert run.arcs[-1, 1] < line


def test_running_red_is_an_intent_of_its_own():
    line = line_of("south_0_straight")
    red = Programme.with_green(north_south=False, since_s=1.0)
    run = drive(JUNCTION, [car(0, JUNCTION, "south_0_straight", line - 30, 12.0, runs_red=True)], (), red)
    assert run.arcs[-1, 0] > line + 20


def test_a_follower_neither_touches_nor_loses_a_leader_that_brakes_hard():
    leader = car(0, HIGHWAY, "north_0", 400.0, 20.0, 20.0, brakes_s=(0.5, 6.0), brakes_mps2=6.0)
    follower = car(1, HIGHWAY, "north_0", 370.0, 20.0, 20.0)
    run = drive(HIGHWAY, [leader, follower])
    gaps = run.arcs[:, 0] - run.arcs[:, 1] - VEHICLES[SEDAN].length_m
    assert run.episodes == ()
    assert 0.8 < gaps.min() < 6.0
    assert run.trace.speeds[-1].max() < 2.5


def test_a_driver_who_looks_away_runs_into_the_same_leader():
    leader = car(0, HIGHWAY, "north_0", 400.0, 20.0, 20.0, brakes_s=(0.5, 6.0), brakes_mps2=6.0)
    follower = car(1, HIGHWAY, "north_0", 385.0, 20.0, 20.0, looks_up_s=2.4)
    run = drive(HIGHWAY, [leader, follower])
    assert run.trace.contacts[0].tracks == (1, 2)


@pytest.mark.parametrize("lane", ["south_1_right", "south_0_left", "west_1_right"])
def test_turns_are_driven_slowly_in_lane_and_with_the_indicator_on(lane):
    line = line_of(lane)
    green = Programme.with_green(north_south=lane.startswith("south"), since_s=1.0)
    run = drive(JUNCTION, [car(0, JUNCTION, lane, line - 8, 6.5, 11.0)], (), green)
    assert np.abs(run.asides[:, 0]).max() < 0.6
    assert run.arcs[-1, 0] > line + 20
    assert run.trace.speeds[:, 0].min() < 6.5
    assert set(run.trace.indicator[:25, 0]) == {1 if lane.endswith("right") else -1}
    assert run.trace.indicator[-1, 0] == 0


def test_a_left_turn_waits_for_oncoming_traffic():
    line = line_of("south_0_left")
    green = Programme.with_green(north_south=True, since_s=1.0)
    turning = car(0, JUNCTION, "south_0_left", line - 12, 6.0, 10.0)
    oncoming = [car(i, JUNCTION, "north_0_straight", line - 14.0 * i, 11.0, 11.0) for i in (1, 2, 3)]
    run = drive(JUNCTION, [turning, *oncoming], (), green)
    assert run.episodes == ()
    assert run.arcs[-1, 1:].min() > line


def test_drivers_yield_to_people_on_a_crosswalk_and_go_on_after_them():
    line = line_of("east_0_straight", STREET)
    walk = STREET.crosswalks[0].path
    (x, y1), (_, y2) = walk
    run = drive(
        STREET,
        [car(0, STREET, "east_0_straight", line - 30, 11.0)],
        [person(1, (x, y1 - 0.5), (x, y2 + 3.0), 1.2)],
    )
    assert run.episodes == ()
    slowest = int(run.trace.speeds[:, 0].argmin())
    assert run.trace.speeds[slowest, 0] < 4.0
    assert run.trace.speeds[-1, 0] > run.trace.speeds[slowest, 0] + 1.0
    assert run.trace.startle.max() == 0.0


def test_nobody_drives_into_a_junction_where_a_wreck_lies():
    red = Programme.with_green(north_south=True, since_s=1.0)
    line = line_of("south_1_straight")
    middle = 190.0
    wrecks = [
        car(0, JUNCTION, "south_0_straight", middle - 12.0, 8.0, 8.0, looks_up_s=9.0),
        car(1, JUNCTION, "south_0_straight", middle - 2.0, 0.0, 8.0, parked=True),
    ]
    late = car(2, JUNCTION, "south_1_straight", line - 45.0, 11.0)
    run = drive(JUNCTION, [*wrecks, late], (), red)
    assert [contact.tracks for contact in run.trace.contacts] == [(1, 2)]
    assert run.arcs[-1, 2] + VEHICLES[SEDAN].length_m / 2 < line
