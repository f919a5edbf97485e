"""A driver drifts over the middle of the road, asleep or not looking, into one who comes the other way."""

from __future__ import annotations

from dataclasses import replace

from its_core.engines.simulator.dimensions import TWO_WHEELERS
from its_core.engines.simulator.incidents.errors import oncoming_plan
from its_core.engines.simulator.incidents.kind import Kind
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict, collision_verdict
from its_core.engines.simulator.incidents.rehearsal import Rehearsal
from its_core.engines.simulator.incidents.search.beside import oncoming_opportunities
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.simulation.run import Run
from its_core.taxonomy import Cause, CollisionType

INATTENTIVE_SHARE = 0.5
LEAST_SHARE = 0.04  # smaller cars that meet pass for cars that stop


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:
    asked = setting.scene.cause
    drawn = Cause.INATTENTION if setting.rng("why").random() < INATTENTIVE_SHARE else Cause.FELL_ASLEEP
    cause = asked if asked in (Cause.INATTENTION, Cause.FELL_ASLEEP) else drawn
    found = oncoming_opportunities(timeline)
    four_wheels = [each for each in found if timeline.tracks[each.victims[0]].type not in TWO_WHEELERS]
    return [replace(each, cause=cause) for each in four_wheels]


def plan(setting: Setting, timeline: Timeline, opportunity: Opportunity, contact_s: float, attempt: int) -> Plan:  # noqa: ARG001
    return oncoming_plan(setting, opportunity, contact_s, attempt)


def accepts(setting: Setting, opportunity: Opportunity, plan: Plan, rehearsal: Rehearsal) -> bool:  # noqa: ARG001
    pair = frozenset((plan.culprit, plan.victims[0]))
    facing = rehearsal.angle_deg > 155.0 and rehearsal.flank > 0.93
    return rehearsal.first == pair and abs(rehearsal.first_s - plan.contact_s) < 1.0 and facing


def judge(setting: Setting, run: Run) -> Verdict:  # noqa: ARG001
    """Front into front at more than 145 degrees."""
    return collision_verdict(run, CollisionType.HEAD_ON)


KIND = Kind(search, plan, accepts, judge, least_share=LEAST_SHARE)
