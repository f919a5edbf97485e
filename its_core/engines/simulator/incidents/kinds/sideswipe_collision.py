"""A driver changes lanes into a vehicle abreast, or scrapes along one that comes the other way."""

from __future__ import annotations

from dataclasses import replace

from its_core.engines.simulator.dimensions import TWO_WHEELERS
from its_core.engines.simulator.incidents.errors import beside_plan, oncoming_plan
from its_core.engines.simulator.incidents.kind import Kind
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict, collision_verdict
from its_core.engines.simulator.incidents.rehearsal import Rehearsal
from its_core.engines.simulator.incidents.search.beside import beside_opportunities, oncoming_opportunities
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.simulation.run import Run
from its_core.taxonomy import Cause, CollisionType

ABREAST, ONCOMING = "abreast", "oncoming"
NEEDS_S = 1.75  # of the clip after the touch: what follows tells a scrape from a close pass


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:  # noqa: ARG001
    found = [
        replace(each, variant=ABREAST)
        for each in beside_opportunities(timeline)
        if timeline.tracks[each.victims[0]].type not in TWO_WHEELERS
    ]
    if not any(lane.left or lane.right for lane in timeline.roads.lanes):
        found += [
            replace(each, collision=CollisionType.SIDESWIPE, variant=ONCOMING, cause=Cause.INATTENTION)
            for each in oncoming_opportunities(timeline)
            if timeline.tracks[each.victims[0]].type not in TWO_WHEELERS
        ]
    return found


def plan(setting: Setting, timeline: Timeline, opportunity: Opportunity, contact_s: float, attempt: int) -> Plan:  # noqa: ARG001
    if opportunity.variant == ONCOMING:
        return oncoming_plan(setting, opportunity, contact_s, attempt)
    return beside_plan(setting, opportunity, contact_s, attempt)


def accepts(setting: Setting, opportunity: Opportunity, plan: Plan, rehearsal: Rehearsal) -> bool:  # noqa: ARG001
    pair = frozenset((plan.culprit, plan.victims[0]))
    return rehearsal.first == pair and abs(rehearsal.first_s - plan.contact_s) < 1.0


def judge(setting: Setting, run: Run) -> Verdict:  # noqa: ARG001
    """Side along side."""
    return collision_verdict(run, CollisionType.SIDESWIPE)


KIND = Kind(search, plan, accepts, judge, needs_s=NEEDS_S)
