"""Which file stages which incident."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from its_core.engines.simulator.incidents.aftermaths import lacks
from its_core.engines.simulator.incidents.kinds import (
    intersection_collision,
    normal_traffic,
    pedestrian_near_miss,
    rear_end_collision,
)
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.simulation.staging import Staging, Verdict
from its_core.taxonomy import IncidentType, Role

STAGES: dict[IncidentType, Callable[[Setting], Staging]] = {
    IncidentType.INTERSECTION_COLLISION: intersection_collision.stage,
    IncidentType.REAR_END_COLLISION: rear_end_collision.stage,
    IncidentType.PEDESTRIAN_NEAR_MISS: pedestrian_near_miss.stage,
    IncidentType.NORMAL_TRAFFIC: normal_traffic.stage,
}


def staged(setting: Setting) -> Staging:
    """A try at the scene's incident, whose judge also looks for the participants and the aftermath that the row
    names."""
    incident = setting.scene.incident_type
    assert incident is not None
    staging = STAGES[incident](setting)

    def judge(run: Run) -> Verdict:
        verdict = staging.judge(run)
        if not verdict.happened:
            return verdict
        missing = _missing(setting, run)
        return verdict if missing is None else Verdict(False, missing)

    return replace(staging, judge=judge)


def _missing(setting: Setting, run: Run) -> str | None:
    """What the row asks for and the run lacks."""
    for role in Role:
        asked = sorted(p.type.value for p in setting.scene.participants if p.role is role)
        there = sorted(actor.type.value for actor in run.trace.actors if actor.role is role)
        for word in asked:
            if word not in there:
                return f"there was no room for the {role.value} {word}"
            there.remove(word)
    aftermath = setting.scene.aftermath
    return None if aftermath is None else lacks(run, aftermath)
