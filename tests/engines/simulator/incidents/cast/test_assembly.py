"""Who takes part in a staged clip."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from its_core.clip import Scene
from its_core.engines.simulator.incidents.cast.assembly import PlanError, assembled
from its_core.engines.simulator.incidents.cast.casting import named
from its_core.engines.simulator.incidents.opportunity import Plan
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.simulation.rails import Traffic
from its_core.taxonomy import Cause, IncidentType, RoadLayout


def test_a_plan_that_names_nobody_who_is_there_is_refused(make_setting: Callable[..., Setting]) -> None:
    scene = Scene("cam_1", IncidentType.REAR_END_COLLISION, road_layout=RoadLayout.HIGHWAY)
    plan = Plan(1007, (1008,), {}, Cause.INATTENTION, 2.0, (0.0, 0.0))
    with pytest.raises(PlanError, match=r"\[1007, 1008\]") as refused:
        assembled(make_setting(scene, 3), Traffic(0.0, [], {}, []), plan, named(scene, True, None), True, True)
    assert refused.value.code == "simulator.plan"
