from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from its_core.clip import Scene
from its_core.engines.simulator.incidents.attempts import Try
from its_core.engines.simulator.incidents.outcome.distractions import more_striking
from its_core.engines.simulator.incidents.setting import Setting
from its_core.taxonomy import IncidentType, RoadLayout

pytestmark = pytest.mark.slow

SCENE = Scene("cam_1", IncidentType.HARD_BRAKING, road_layout=RoadLayout.HIGHWAY)


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
