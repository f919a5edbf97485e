"""Traffic in which nothing goes wrong: that of an incident in which nobody errs."""

from __future__ import annotations

from its_core.engines.simulator.capabilities import ABILITIES
from its_core.engines.simulator.incidents.kind import Kind
from its_core.engines.simulator.incidents.negatives import doing, nobody_touches
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict
from its_core.engines.simulator.incidents.search.anyone import under_way
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.simulation.run import Run
from its_core.taxonomy import IncidentType

SLOWEST_MPS = 3.0


def averted(setting: Setting) -> IncidentType:
    """The incident that does not happen: the row's ``averted_incident``, else one that the place allows."""
    if setting.scene.averted_incident is not None:
        return setting.scene.averted_incident
    possible = [
        incident
        for incident, ability in ABILITIES.items()
        if incident.is_anomaly and setting.layout.name in ability.layouts
    ]
    return possible[int(setting.rng("averted").integers(len(possible)))]


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:  # noqa: ARG001
    return list(under_way(timeline, SLOWEST_MPS, 0.0))


def plan(setting: Setting, timeline: Timeline, opportunity: Opportunity, contact_s: float, attempt: int) -> Plan:  # noqa: ARG001
    return doing(opportunity, contact_s, {})


def judge(setting: Setting, run: Run) -> Verdict:  # noqa: ARG001
    """Nothing need happen."""
    return Verdict(True, "")


# Traffic that is no incident's: clips too short for one, and rows for which none is found.
PLAIN = Kind(search, plan, nobody_touches, judge, errs=False, touches=False, attempts=1)
