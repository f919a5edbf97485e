"""What clips in which nothing goes wrong have in common: nobody touches anything, and their word names what happens."""

from __future__ import annotations

from collections.abc import Mapping

from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict
from its_core.engines.simulator.incidents.rehearsal import Rehearsal
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.traffic.habits import Intent
from its_core.taxonomy import Cause


def doing(opportunity: Opportunity, contact_s: float, intents: Mapping[int, Intent]) -> Plan:
    """A plan in which somebody does something that is no error that leads to anything."""
    return Plan(opportunity.culprit, opportunity.victims, intents, Cause.INATTENTION, contact_s, opportunity.where)


def nobody_touches(setting: Setting, opportunity: Opportunity, plan: Plan, rehearsal: Rehearsal) -> bool:  # noqa: ARG001
    return rehearsal.first is None


def shows(run: Run, start: int, end: int, number: int, at_frame: int) -> Verdict:
    """The verdict on a run that shows what it should, from one frame to another."""
    frames = len(run.trace.positions)
    x, y, _ = (float(value) for value in run.trace.positions[at_frame, number])
    return Verdict(
        True, "", where_m=(x, y, 0.7), at_frame=at_frame, shown=(number,), event=(max(start, 0), min(end, frames))
    )
