from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from its_core.clip import Scene
from its_core.engines.simulator.incidents.attempts import Try
from its_core.engines.simulator.incidents.outcome.distractions import closely_passed, more_striking
from its_core.engines.simulator.incidents.setting import Setting
from its_core.taxonomy import IncidentType, ParticipantType, RoadLayout

pytestmark = pytest.mark.slow

SCENE = Scene("cam_1", IncidentType.HARD_BRAKING, road_layout=RoadLayout.HIGHWAY)
PASS = Scene("cam_1", IncidentType.CLOSE_PASS, road_layout=RoadLayout.URBAN_STREET)


def test_somebody_who_brakes_hard_competes_with_every_incident_but_their_own(
    happened: Callable[[Scene, int], Try], make_setting: Callable[..., Setting]
):
    tried, setting = happened(SCENE, 3), make_setting(SCENE, 3)
    run, verdict = tried.run, tried.verdict
    assert run is not None and verdict is not None and verdict.where_m is not None
    assert more_striking(setting, run, verdict) == ""
    # The same clip, as if it had been asked to show something else: after the stop, at the same place.
    later = replace(verdict, shown=(), at_frame=10_000)
    assert more_striking(setting, run, later) == "somebody else brakes hard"
    # Seen from far beyond, nobody is large enough to be noticed.
    camera = replace(setting.camera, focal_px=setting.camera.focal_px * 0.05)
    assert more_striking(replace(setting, camera=camera), run, later) == ""


def test_who_brakes_hard_for_an_illegal_turn_makes_it_a_near_miss(
    happened: Callable[[Scene, int], Try], make_setting: Callable[..., Setting]
):
    tried, setting = happened(PASS, 5), make_setting(PASS, 5)
    run, verdict = tried.run, tried.verdict
    assert run is not None and verdict is not None and verdict.at_frame is not None
    # As if one of the two had turned, and the other one, before them, lost 5 m/s within half a second.
    turns, brakes = verdict.shown
    velocities = np.zeros_like(run.trace.velocities)
    velocities[..., 0] = 10.0
    velocities[verdict.at_frame + round(0.5 * run.trace.fps) :, brakes, 0] = 5.0
    stops = replace(run, trace=replace(run.trace, velocities=velocities, startle=np.zeros_like(run.trace.startle)))
    other = replace(verdict, shown=(turns,))
    assert more_striking(setting, stops, other) == ""
    turn = replace(setting, scene=replace(setting.scene, incident_type=IncidentType.ILLEGAL_TURN))
    assert "near miss" in more_striking(turn, stops, other)


def test_a_cyclist_who_is_passed_closely_competes_with_every_incident_but_that_pass(
    happened: Callable[[Scene, int], Try], make_setting: Callable[..., Setting]
):
    tried, setting = happened(PASS, 5), make_setting(PASS, 5)
    run, verdict = tried.run, tried.verdict
    assert run is not None and verdict is not None
    assert any(run.trace.actors[number].type is ParticipantType.BICYCLE for number in verdict.shown)
    assert closely_passed(setting, run, verdict) == ""
    assert closely_passed(setting, run, replace(verdict, shown=())) == "a cyclist is passed closely"
