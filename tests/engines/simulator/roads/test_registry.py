from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from its_core.engines.simulator.dimensions import VEHICLES
from its_core.engines.simulator.roads.bounds import nearest_on_road, off_road_m
from its_core.engines.simulator.roads.layouts import U_TURN, Layout, Rect
from its_core.engines.simulator.roads.paths import Path
from its_core.engines.simulator.roads.registry import PLACES, place
from its_core.engines.simulator.scenery.ground import road_distance
from its_core.taxonomy import ParticipantType, RoadLayout

CAMERAS = ("cam_01", "north", "x7")


@pytest.fixture(params=[(name, camera) for name in PLACES for camera in CAMERAS], ids=str)
def layout(request) -> Layout:
    return place(*request.param)


def inside(rect: Rect, x: float, y: float, by: float = 0.0) -> bool:
    x1, y1, x2, y2 = rect
    return x1 - by <= x <= x2 + by and y1 - by <= y <= y2 + by


def on_road(layout: Layout, x: float, y: float) -> bool:
    """Where asphalt is painted, the rounded corners included."""
    return float(road_distance(layout, np.array([x], np.float32), np.array([y], np.float32))[0]) < 0.02


def test_lanes_stay_on_the_road_and_never_jump(layout):
    for lane in layout.lanes:
        assert all(on_road(layout, x, y) for x, y in lane.points), lane.name
        assert max(math.dist(a, b) for a, b in zip(lane.points, lane.points[1:], strict=False)) < 1.5, lane.name


def test_bends_can_be_driven(layout):
    for lane in layout.lanes:
        path = Path(lane.points)
        tightest_m = 3.9 if lane.movement == U_TURN else 4.5  # of a passenger car, and of a van
        assert max(path.curvature(s) for s in range(int(path.length_m))) < 1 / tightest_m, lane.name


def test_a_u_turn_ends_in_a_lane_of_the_other_way_and_cars_stay_between_the_kerbs(layout):
    half_m = VEHICLES[ParticipantType.SUV].width_m / 2
    for lane in (each for each in layout.lanes if each.movement == U_TURN):
        path = Path(lane.points)
        start, end = path.direction(1.0), path.direction(path.length_m - 1.0)
        assert lane.forbidden and start @ end < -0.99, lane.name
        first_m = path.length_m / 2 - 20.0
        for s in np.arange(first_m, first_m + 40.0, 1.0):
            x, y = path.at(s)
            tx, ty = path.direction(s)
            assert all(on_road(layout, x + side * ty, y - side * tx) for side in (-half_m, half_m)), (lane.name, s)


def test_traffic_keeps_to_the_right_of_oncoming_traffic(layout):
    straight = [lane for lane in layout.lanes if lane.movement == "straight"]
    for lane in straight:
        path = Path(lane.points)
        for other in straight:
            opposite = Path(other.points)
            if path.direction(10) @ opposite.direction(10) < -0.9:
                assert path.project(opposite.at(150)[None])[1][0] > 2.5, (lane.name, other.name)


def test_every_stop_line_lies_before_the_crosswalk_it_guards(layout):
    for lane in layout.lanes:
        if lane.stop_s_m is None:
            continue
        path = Path(lane.points)
        reached = [
            s
            for s in range(int(lane.stop_s_m), int(lane.stop_s_m) + 8)
            if any(inside(walk.rect, *path.at(s)) for walk in layout.crosswalks)
        ]
        if layout.islands:  # one gives way to those who go round, past the crosswalk
            assert not reached, lane.name
            continue
        assert reached and reached[0] > lane.stop_s_m, lane.name
        assert not any(inside(walk.rect, *path.at(lane.stop_s_m)) for walk in layout.crosswalks), lane.name


def test_nothing_stands_on_road_or_in_buildings(layout):
    posts = [*layout.trees, *layout.street_lamps, *layout.poles, *(signal.mast_m for signal in layout.signals)]
    for x, y in posts:
        assert off_road_m(layout, x, y) > 0.3, (x, y)
        assert not any(inside(building.rect, x, y) for building in layout.buildings), (x, y)


def test_buildings_keep_off_the_pavement_and_each_other(layout):
    rects = [building.rect for building in layout.buildings]
    for i, (x1, y1, x2, y2) in enumerate(rects):
        assert x1 < x2 and y1 < y2
        for a1, b1, a2, b2 in layout.carriageways:
            p = layout.pavement_m
            assert x2 <= a1 - p or a2 + p <= x1 or y2 <= b1 - p or b2 + p <= y1
        for a1, b1, a2, b2 in rects[:i]:
            assert x2 <= a1 + 0.01 or a2 <= x1 + 0.01 or y2 <= b1 + 0.01 or b2 <= y1 + 0.01


def test_every_signal_of_a_lane_faces_its_traffic(layout):
    for lane in layout.lanes:
        if lane.signal is None:
            continue
        head = layout.signals[lane.signal]
        facing = math.radians(head.facing_deg)
        towards = Path(lane.points).direction(5.0)
        assert -math.sin(facing) * towards[0] + math.cos(facing) * towards[1] == pytest.approx(-1.0)
        assert head.position_m[2] > 4.5


def test_a_camera_names_one_place_and_cameras_differ():
    for name in PLACES:
        assert PLACES[name]("cam_01") == place(name, "cam_01")
        assert len({PLACES[name](f"cam_{i}") for i in range(6)}) > 3, name


def test_crossing_lanes_of_the_junction_are_told_to_give_way():
    lanes = {lane.name: lane for lane in place(RoadLayout.FOUR_WAY_INTERSECTION, "cam_01").lanes}
    assert "north_0_straight" in lanes["south_0_left"].conflicts
    assert lanes["south_0_straight"].conflicts == ()


def test_the_side_street_gives_way_and_oncoming_traffic_goes_before_left_turns():
    places = [place(RoadLayout.T_INTERSECTION, f"cam_{number}") for number in range(8)]
    assert {bool(here.signals) for here in places} == {True, False}
    for here in places:
        lanes = {lane.name: lane for lane in here.lanes}
        assert "west_0_straight" in lanes["east_0_left"].conflicts
        assert ("east_0_straight" in lanes["south_0_left"].conflicts) == (not here.signals)
        assert any(lane.forbidden for lane in here.lanes)


def test_the_nearest_point_of_the_road_lies_on_its_edge(layout):
    x, y = layout.focus_m
    for dx, dy in ((23.0, 4.0), (-31.0, -9.0), (11.0, 28.0)):
        away = off_road_m(layout, x + dx, y + dy)
        if away > 0.5:
            at = nearest_on_road(layout, x + dx, y + dy)
            assert abs(off_road_m(layout, *at)) < 0.2
            assert math.dist(at, (x + dx, y + dy)) == pytest.approx(away, rel=0.12)


def test_a_country_road_bends_and_is_as_wide_as_its_lanes_everywhere():
    turns = []
    for number in range(5):
        here = place(RoadLayout.RURAL_ROAD, f"cam_{number}")
        (road,) = here.windings
        headings = [road.heading_rad(y) for y in range(-120, 121, 10)]
        turns.append(max(headings) - min(headings))
        north = Path(here.lanes[0].points)
        width = [north.project(Path(here.lanes[1].points).at(s)[None])[1][0] for s in range(200, 420, 20)]
        assert max(width) - min(width) < 0.15
    assert max(turns) > math.radians(30)


def test_whoever_enters_a_roundabout_gives_way_to_all_who_come_past():
    places = [place(RoadLayout.ROUNDABOUT, f"cam_{number}") for number in range(8)]
    assert {len(here.carriageways) for here in places} == {3, 4}
    for here in places:
        lanes = {lane.name: lane for lane in here.lanes}
        assert set(lanes["south_0_right"].conflicts) == {
            name for name in ("west_0_straight", "west_0_left", "north_0_left") if name in lanes
        }
        (island,) = here.islands
        for lane in here.lanes:
            assert min(math.dist(island.centre, point) for point in lane.points) > island.radius_m + 2.0, lane.name
            at = Path(lane.points).at(lane.stop_s_m)
            assert 0.0 < math.dist(at, here.focus_m) - here.discs[0].radius_m < 1.5, lane.name


def test_nobody_drives_in_the_lane_that_road_works_close():
    for camera in CAMERAS:
        here = place(RoadLayout.WORK_ZONE, camera)
        open_, closed = place(RoadLayout.HIGHWAY, camera).lanes, [*here.cones, *(bay.at for bay in here.bays)]
        assert len(here.lanes) == len(open_) - 1 and len(here.cones) > 12 and here.bays
        names = {lane.name for lane in here.lanes}
        for lane in here.lanes:
            assert {lane.left, lane.right} - {None} <= names
            assert min(abs(Path(lane.points).project_one(*at)[1]) for at in closed) > 2.0, lane.name


def test_vehicles_of_road_works_stand_clear_of_the_barrier_before_them_and_people_work_behind_it():
    for camera in CAMERAS:
        here = place(RoadLayout.WORK_ZONE, camera)
        lane = max((lane for lane in here.lanes if lane.name.startswith("north")), key=lambda lane: lane.points[0][0])
        wall_x = next(x for (x, _), _ in here.barriers if 1.0 < x - lane.points[0][0] < 4.0)
        edge = max(road[2] for road in here.carriageways)
        for bay in here.bays:
            assert wall_x + 0.3 + VEHICLES[ParticipantType.TRUCK].width_m / 2 < bay.at[0] < edge - 1.2
        assert here.walkways and all(wall_x + 0.6 < x < edge for way in here.walkways for x, _ in way)
        assert len({round(b.at[1] - a.at[1], 1) for a, b in pairwise(here.bays)}) == len(here.bays) - 1


def ramps(off: bool) -> list[Layout]:
    """Three places with an off-ramp, or with an on-ramp."""
    found = [place(RoadLayout.HIGHWAY_RAMP, f"ramp-{number}") for number in range(14)]
    return [here for here in found if any(lane.slows is not None for lane in here.lanes) is off][:3]


def test_traffic_leaves_the_outer_lane_by_an_off_ramp_and_a_few_across_the_gore():
    for here in ramps(off=True):
        lanes = {lane.name.rsplit("_", 1)[1]: lane for lane in here.lanes if lane.movement == "right"}
        exit_, late = lanes["exit"], lanes["late"]
        (stays,) = (lane for lane in here.lanes if lane.approach == exit_.approach and lane.movement == "straight")
        assert math.isclose(exit_.share + late.share + stays.share, 1.0) and late.share < 0.1
        straight, early, across = Path(stays.points), Path(exit_.points), Path(late.points)
        turned_m = exit_.turned_s_m
        assert turned_m is not None
        for s, low, high in ((0.0, 0.0, 0.1), (turned_m - 30.0, 3.0, 4.5), (turned_m + 200.0, 8.0, 40.0)):
            assert low <= -straight.project(early.at(s)[None])[1][0] + 1e-6 <= high, s
        assert -straight.project(across.at(turned_m - 30.0)[None])[1][0] < 1.5
        assert math.dist(early.at(turned_m + 150.0), across.at(turned_m + 150.0)) < 1.5


@pytest.mark.parametrize("here", ramps(off=False), ids=range(3))
def test_a_ramp_ends_in_the_outer_lane_beside_which_it_runs(here):
    lanes = {lane.name: lane for lane in here.lanes}
    (ramp,) = (lane for lane in lanes.values() if lane.merge is not None and lane.merge.joins)
    assert ramp.merge is not None
    outer = lanes[ramp.merge.other]
    assert outer.merge is not None and outer.merge.other == ramp.name and outer.right is None
    mine, other = Path(ramp.points), Path(outer.points)
    for before_m, low, high in ((0.0, 0.0, 0.1), (75.0, 3.0, 3.7), (250.0, 8.0, 40.0)):
        _, aside = other.project(mine.at(ramp.merge.to_m - before_m)[None])
        assert low <= -aside[0] + 1e-6 <= high, before_m
    assert math.dist(mine.at(ramp.merge.to_m), other.at(outer.merge.to_m)) < 0.5
