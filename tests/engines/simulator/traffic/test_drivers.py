from __future__ import annotations

import numpy as np
import pytest

from its_core.engines.simulator.dimensions import VEHICLES
from its_core.engines.simulator.roads.network import network
from its_core.engines.simulator.roads.registry import place
from its_core.engines.simulator.traffic.habits import Brake
from its_core.taxonomy import ParticipantType, RoadLayout, RoadSurface
from tests.engines.simulator.staged import CLIP, SEDAN, car, drive, green, person

JUNCTION = place(RoadLayout.FOUR_WAY_INTERSECTION, "cam_01")
STREET = place(RoadLayout.URBAN_STREET, "cam_01")
HALF_M = STREET.carriageways[0][3]
HIGHWAY = place(RoadLayout.HIGHWAY, "cam_01")
NORTH_SOUTH, EAST_WEST = 0, 1


def line_of(lane: str, layout=JUNCTION) -> float:
    return next(way for way in layout.lanes if way.name == lane).stop_s_m


@pytest.mark.parametrize("surface", [RoadSurface.DRY, RoadSurface.WET, RoadSurface.SNOWY])
def test_a_driver_stops_behind_the_line_at_red_and_stays(surface):
    line = line_of("south_0_straight")
    speed = 10.0 if surface is not RoadSurface.SNOWY else 6.0
    one = car(JUNCTION, "south_0_straight", line - 32, speed, surface=surface)
    run = drive(JUNCTION, [one], None, green(EAST_WEST, 1.0), surface)
    fronts = run.arcs[:, 0] + VEHICLES[SEDAN].length_m / 2
    assert line - 7.0 < fronts[-1] < line
    assert run.trace.speeds[-1, 0] < (1.5 if surface is not RoadSurface.SNOWY else 3.0)
    braking = -np.gradient(run.trace.speeds[:, 0]) * CLIP.fps
    assert braking.max() < 4.5
    assert run.trace.braking[:, 0].any()


def test_a_driver_passes_a_green_light_without_braking():
    line = line_of("south_0_straight")
    run = drive(JUNCTION, [car(JUNCTION, "south_0_straight", line - 30, 11.0)], None, green(NORTH_SOUTH, 1.0))
    assert run.arcs[-1, 0] > line + 20
    assert run.trace.speeds[:, 0].min() > 10.5
    assert not run.trace.braking[:, 0].any()


def test_nobody_enters_a_junction_that_is_full_behind():
    line = line_of("south_0_straight")
    exit_m = network(JUNCTION).exits_m[network(JUNCTION).index["south_0_straight"]]
    stands = (Brake(0.0, 1e9, 6.0),)
    for room_m, enters in ((2.0, False), (16.0, True)):
        ahead = car(JUNCTION, "south_0_straight", exit_m + room_m + VEHICLES[SEDAN].length_m / 2, 0.0, brakes=stands)
        one = car(JUNCTION, "south_0_straight", line - 30, 11.0)
        run = drive(JUNCTION, [one, ahead], None, green(NORTH_SOUTH, 1.0))
        front_m = run.arcs[-1, 0] + VEHICLES[SEDAN].length_m / 2
        assert bool(front_m > line + 5.0) is enters
        assert run.episodes == ()


def test_who_comes_to_a_crash_slows_down_and_who_has_hit_somebody_stops():
    s_m = 230.0
    x, y, *_ = network(STREET).place(network(STREET).index["east_0_straight"], s_m + 18.0)
    struck = person(((x, y), (x, y + 2.0)), 0.05)
    culprit = car(STREET, "east_0_straight", s_m, 11.0, 11.0, ignores_others=True)
    behind = car(STREET, "east_0_straight", s_m - 22.0, 11.0, 11.0)
    run = drive(STREET, [culprit, behind], [struck])
    assert run.trace.contacts and run.trace.contacts[0].numbers == (0, 2)
    assert run.trace.speeds[-1, 0] < 0.1 and run.trace.speeds[-1, 1] < 4.0
    assert run.trace.indicator[-1, 0] == 2


def test_amber_stops_who_can_and_lets_pass_who_cannot():
    line = line_of("south_0_straight")
    near = car(JUNCTION, "south_0_straight", line - 16, 12.0)
    far = car(JUNCTION, "south_0_straight", line - 60, 12.0)
    run = drive(JUNCTION, [near, far], None, green(NORTH_SOUTH, 21.9))
    assert run.arcs[-1, 0] > line + 20
    assert run.arcs[-1, 1] < line


def test_running_red_is_an_intent_of_its_own():
    line = line_of("south_0_straight")
    one = car(JUNCTION, "south_0_straight", line - 30, 12.0, ignores_signal=True)
    run = drive(JUNCTION, [one], None, green(EAST_WEST, 1.0))
    assert run.arcs[-1, 0] > line + 20


BRAKES = (Brake(0.5, 6.0, 6.0),)


def test_a_follower_neither_touches_nor_loses_a_leader_that_brakes_hard():
    leader = car(HIGHWAY, "north_0_straight", 400.0, 20.0, 20.0, brakes=BRAKES)
    follower = car(HIGHWAY, "north_0_straight", 370.0, 20.0, 20.0)
    run = drive(HIGHWAY, [leader, follower])
    gaps = run.arcs[:, 0] - run.arcs[:, 1] - VEHICLES[SEDAN].length_m
    assert run.episodes == ()
    assert 0.8 < gaps.min() < 6.0
    assert run.trace.speeds[-1].max() < 2.5


def test_a_driver_who_looks_away_runs_into_the_same_leader():
    leader = car(HIGHWAY, "north_0_straight", 400.0, 20.0, 20.0, brakes=BRAKES)
    follower = car(HIGHWAY, "north_0_straight", 385.0, 20.0, 20.0, blind_s=(0.0, 2.4))
    run = drive(HIGHWAY, [leader, follower])
    contact = run.trace.contacts[0]
    assert contact.numbers == (0, 1)
    assert contact.closing_mps > 3.0
    # The struck one is pushed on, the other held back: equal masses, equal changes.
    assert contact.delta_v_mps[0] == pytest.approx(contact.delta_v_mps[1], rel=0.35)
    assert {dent.number for dent in run.trace.dents} == {0, 1}


@pytest.mark.parametrize("lane", ["south_{last}_right", "south_0_left", "west_1_right"])
def test_turns_are_driven_slowly_in_lane_and_with_the_indicator_on(lane):
    last = max(int(way.name.split("_")[1]) for way in JUNCTION.lanes if way.name.startswith("south"))
    lane = lane.format(last=last)
    line = line_of(lane)
    programme = green(NORTH_SOUTH if lane.startswith("south") else EAST_WEST, 1.0)
    run = drive(JUNCTION, [car(JUNCTION, lane, line - 8, 6.5, 11.0)], None, programme)
    assert np.abs(run.asides[:, 0]).max() < 0.6
    assert run.arcs[-1, 0] > line + 20
    assert run.trace.speeds[:, 0].min() < 6.5
    assert set(run.trace.indicator[:25, 0]) == {1 if lane.endswith("right") else -1}
    assert run.trace.indicator[-1, 0] == 0


def test_a_left_turn_waits_for_oncoming_traffic():
    line = line_of("south_0_left")
    turning = car(JUNCTION, "south_0_left", line - 12, 6.0, 10.0)
    oncoming = [car(JUNCTION, "north_0_straight", line - 14.0 * i, 11.0, 11.0) for i in (1, 2, 3)]
    run = drive(JUNCTION, [turning, *oncoming], None, green(NORTH_SOUTH, 1.0))
    assert run.episodes == ()
    assert run.arcs[-1, 1:].min() > line


def test_drivers_yield_to_people_on_a_crosswalk_and_go_on_after_them():
    line = line_of("east_0_straight", STREET)
    (x, y1), (_, y2) = STREET.crosswalks[0].path
    walker = person(((x, y1 - 0.5), (x, y2 + 3.0)), 1.2, 0.6, (0.5, 0.5 + y2 - y1, 0))
    run = drive(STREET, [car(STREET, "east_0_straight", line - 30, 11.0)], [walker])
    assert run.episodes == ()
    slowest = int(run.trace.speeds[:, 0].argmin())
    assert run.trace.speeds[slowest, 0] < 6.0
    assert run.trace.speeds[-1, 0] > run.trace.speeds[slowest, 0] + 1.0
    assert run.trace.startle.max() == 0.0


def test_nobody_drives_into_a_junction_where_a_wreck_lies():
    line, middle = line_of("south_1_straight"), 260.0
    wrecks = [
        car(JUNCTION, "south_0_straight", middle - 12.0, 8.0, 8.0, blind_s=(0.0, 9.0)),
        car(JUNCTION, "south_0_straight", middle - 2.0, 0.0, 8.0, brakes=(Brake(0.0, 9.0, 6.0),)),
    ]
    late = car(JUNCTION, "south_1_straight", line - 45.0, 11.0)
    run = drive(JUNCTION, [*wrecks, late], None, green(NORTH_SOUTH, 1.0))
    assert [contact.numbers for contact in run.trace.contacts] == [(0, 1)]
    assert run.arcs[-1, 2] + VEHICLES[SEDAN].length_m / 2 < line


def test_trucks_take_longer_to_reach_their_speed_than_cars():
    types = (ParticipantType.ARTICULATED_TRUCK, ParticipantType.SEDAN)
    cars = [car(HIGHWAY, f"north_{lane}_straight", 380.0, 18.0, 20.0, type_) for lane, type_ in enumerate(types)]
    run = drive(HIGHWAY, cars)
    assert run.episodes == ()
    assert run.trace.trailers[0].shape == (CLIP.frames, 7)
    # The trailer's middle stays behind the tractor, on the road.
    behind = run.trace.positions[:, 0, 1] - run.trace.trailers[0][:, 1]
    assert behind.min() > 4.0 and behind.max() < 8.0
    assert np.abs(run.trace.trailers[0][:, 2]).max() < 0.3
