"""How large moments are in the picture, and which ones a camera sees well."""

from dataclasses import replace

import numpy as np
import pytest

from its_core.clip import Geometry, Scene
from its_core.engines.simulator.incidents.kinds.jaywalking import _with_nobody_near
from its_core.engines.simulator.incidents.opportunity import Opportunity
from its_core.engines.simulator.incidents.picture_size import gap_seen, plain_share, smaller, steps_below
from its_core.engines.simulator.incidents.setting import Setting, apparent_share, setting_of
from its_core.engines.simulator.incidents.timeline import Timeline, Track
from its_core.engines.simulator.optics.camera import camera_for
from its_core.engines.simulator.roads.registry import place
from its_core.engines.simulator.simulation.flow import STEP_S
from its_core.taxonomy import CameraWord, Cause, ParticipantType, RoadLayout

STEPS, START_M, SPEED_MPS = 80, 100.0, 10.0


@pytest.fixture(scope="module")
def setting() -> Setting:
    geometry, here = Geometry.of("720", 16), place(RoadLayout.RURAL_ROAD, "sizes")
    return setting_of(Scene("sizes"), here, geometry, camera_for("sizes", here, geometry), 7)


def timeline(setting: Setting) -> Timeline:
    """One car that goes along the first way at a steady speed."""
    s_m = np.array([START_M + SPEED_MPS * STEP_S * step for step in range(STEPS)])
    places = np.array([setting.roads.place(0, float(each))[:2] for each in s_m])
    same = np.full(STEPS, SPEED_MPS)
    way = np.zeros(STEPS, np.int64)
    track = Track(1, ParticipantType.SEDAN, 0, way, s_m, same, np.zeros(STEPS), places[:, 0], places[:, 1])
    return Timeline(setting.roads, None, 0.0, STEPS, {1: track}, {}, [])


def moment(setting: Setting, step: float, s_m: float) -> Opportunity:
    x, y, _, _ = setting.roads.place(0, s_m)
    details = {"way": 0.0, "s_m": s_m, "side_m": -4.0}
    return Opportunity(step, (x, y), 1, (), Cause.INATTENTION, None, 2.0, SPEED_MPS, details)


def test_a_camera_is_asked_for_no_larger_moments_than_it_shows(setting: Setting) -> None:
    assert plain_share(setting, 0.001) == 0.001
    most = plain_share(setting, 9.0)
    focus = apparent_share(setting.camera, *setting.layout.focus_m)
    assert focus < most < 3.0 * focus
    far = replace(setting, scene=replace(setting.scene, camera=(CameraWord.FAR,)))
    assert plain_share(far, 0.1) == 0.0


def test_a_car_alone_must_stay_larger_in_later_rounds_than_two_that_meet(setting: Setting) -> None:
    one = timeline(setting)
    two = replace(one, tracks={1: one.tracks[1], 2: replace(one.tracks[1], number=2)})
    alone = moment(setting, 10, 150.0)
    assert smaller(two, replace(alone, victims=(2,))) < smaller(one, alone) < 1.0


def test_larger_moments_are_fewer_steps_below_what_is_plain(setting: Setting) -> None:
    moments = [moment(setting, 10, float(s_m)) for s_m in range(20, int(setting.roads.length_m(0)) - 20, 10)]
    seen = [each for each in moments if apparent_share(setting.camera, *each.where) > 0.0]
    seen.sort(key=lambda each: apparent_share(setting.camera, *each.where))
    steps = [steps_below(setting, each, 0.1) for each in seen]
    assert steps == sorted(steps, reverse=True)
    assert steps[0] > steps[-1]
    assert steps_below(setting, seen[0], 0.0) == 0


def test_a_gap_is_seen_from_before_or_above_and_not_from_the_side(setting: Setting) -> None:
    here, traffic = moment(setting, 10, 150.0), timeline(setting)
    x, y, tx, ty = setting.roads.place(0, 150.0)

    def seen_from(along_m: float, aside_m: float, up_m: float) -> float:
        eye = x + along_m * tx - aside_m * ty, y + along_m * ty + aside_m * tx, up_m
        return gap_seen(replace(setting, camera=replace(setting.camera, position_m=eye)), traffic, here)

    assert seen_from(40.0, 0.0, 6.0) == pytest.approx(1.0)
    assert seen_from(0.0, 40.0, 6.0) < 0.2
    assert seen_from(0.0, 4.0, 20.0) > 0.9


def test_jaywalkers_cross_where_no_vehicle_comes(setting: Setting) -> None:
    traffic = timeline(setting)
    step = 32
    there_m = START_M + SPEED_MPS * STEP_S * step
    meets = moment(setting, step, there_m)
    passed = moment(setting, step, there_m - 45.0)
    assert _with_nobody_near(traffic, [meets, passed]) == [passed]
