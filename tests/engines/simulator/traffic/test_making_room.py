from __future__ import annotations

from its_core.engines.simulator.roads.registry import place
from its_core.engines.simulator.traffic.habits import Shift
from its_core.taxonomy import ParticipantType, RoadLayout
from tests.engines.simulator.staged import car, drive

ROAD = place(RoadLayout.RURAL_ROAD, "cam_01")
LANE = ROAD.lanes[0].name


def test_others_pull_over_for_an_emergency_vehicle_and_go_on_when_it_has_passed():
    passes = (Shift(0.0, 1.7, 2.0),)
    runs = car(ROAD, LANE, 200.0, 17.0, 17.0, ParticipantType.VAN, beacon=True, shifts=passes)
    ahead = car(ROAD, LANE, 230.0, 12.0, 12.0)
    run = drive(ROAD, [runs, ahead])
    assert run.episodes == ()
    assert run.asides[:, 1].min() < run.asides[0, 1] - 0.7
    assert run.trace.speeds[:, 1].min() < 6.0
    assert run.arcs[-1, 0] > run.arcs[-1, 1] + 5.0
    assert run.trace.indicator[:, 1].max() == 1 and run.trace.indicator[-1, 1] == 0


def test_without_a_beacon_nobody_makes_room():
    run = drive(ROAD, [car(ROAD, LANE, 200.0, 13.0, 13.0), car(ROAD, LANE, 230.0, 12.0, 12.0)])
    assert abs(run.asides[:, 1] - run.asides[0, 1]).max() < 0.4
    assert run.trace.indicator.max() == 0


def test_who_would_cross_the_way_of_an_emergency_vehicle_waits_at_the_line():
    here = place(RoadLayout.FOUR_WAY_INTERSECTION, "cam_01")
    side = next(lane for lane in here.lanes if lane.arm == "west" and lane.movement == "straight")
    main = next(lane for lane in here.lanes if lane.arm == "south" and lane.movement == "straight")
    assert main.stop_s_m is not None and side.stop_s_m is not None
    waits = car(here, side.name, side.stop_s_m - 22.0, 11.0)
    for beacon in (True, False):
        runs = car(here, main.name, main.stop_s_m - 60.0, 12.0, 12.0, ParticipantType.VAN, beacon=beacon)
        run = drive(here, [runs, waits])
        stands = bool(run.arcs[:, 1].max() < side.stop_s_m)
        assert stands is beacon
