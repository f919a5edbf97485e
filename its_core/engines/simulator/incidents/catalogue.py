"""Which file makes which incident: each stages it, and judges afterwards whether it happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from its_core.engines.simulator.incidents.aftermaths import lacks
from its_core.engines.simulator.incidents.kinds import (
    intersection_collision,
    normal_traffic,
    pedestrian_near_miss,
    rear_end_collision,
)
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.incidents.verdicts import Verdict
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.simulation.staging import Staging
from its_core.taxonomy import IncidentType, Role


@dataclass(frozen=True, slots=True)
class Kind:
    """An incident type: how it is staged, and whether it happened in a run."""

    stage: Callable[[Setting], Staging]
    judge: Callable[[Run], Verdict]


KINDS: dict[IncidentType, Kind] = {
    IncidentType.INTERSECTION_COLLISION: Kind(intersection_collision.stage, intersection_collision.judge),
    IncidentType.REAR_END_COLLISION: Kind(rear_end_collision.stage, rear_end_collision.judge),
    IncidentType.PEDESTRIAN_NEAR_MISS: Kind(pedestrian_near_miss.stage, pedestrian_near_miss.judge),
    IncidentType.NORMAL_TRAFFIC: Kind(normal_traffic.stage, normal_traffic.judge),
}


def staged(setting: Setting) -> Staging:
    """The scene's incident, set up so that it should happen."""
    return _kind(setting).stage(setting)


def judged(setting: Setting, run: Run) -> Verdict:
    """Whether the scene's incident happened, with the participants and the aftermath that the row names."""
    verdict = _kind(setting).judge(run)
    if not verdict.happened:
        return verdict
    missing = _missing(setting, run)
    return verdict if missing is None else Verdict(False, missing)


def _kind(setting: Setting) -> Kind:
    assert setting.scene.incident_type is not None
    return KINDS[setting.scene.incident_type]


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
