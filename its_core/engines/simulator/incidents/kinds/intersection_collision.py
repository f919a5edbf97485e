"""A driver runs a red light, turns left across oncoming traffic or does not yield, and one strikes the other's side."""

from __future__ import annotations

from dataclasses import replace

from its_core.engines.simulator.dimensions import TWO_WHEELERS
from its_core.engines.simulator.incidents.errors import crossing_plan
from its_core.engines.simulator.incidents.kind import Kind
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict, blow_verdict, failed, faint, first_blow
from its_core.engines.simulator.incidents.rehearsal import Rehearsal
from its_core.engines.simulator.incidents.search.crossing import crossing_opportunities
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.simulation.run import Run
from its_core.taxonomy import CollisionType, ParticipantType

SIDE_HIT_DEG = (32.0, 150.0)
REHEARSED_DEG = (38.0, 142.0)
TURNS_UNTIL_DEG = 128.0  # who turns across others does so later on wheels than on rails


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:  # noqa: ARG001
    def four_wheels(type_: ParticipantType) -> bool:
        return type_ not in TWO_WHEELERS

    return crossing_opportunities(timeline, four_wheels, four_wheels)


def plan(setting: Setting, timeline: Timeline, opportunity: Opportunity, contact_s: float, attempt: int) -> Plan:  # noqa: ARG001
    return crossing_plan(setting, opportunity, contact_s, attempt)


def accepts(setting: Setting, opportunity: Opportunity, plan: Plan, rehearsal: Rehearsal) -> bool:  # noqa: ARG001
    """``opportunity.details["turns"]``: who errs turns across the other's way."""
    pair = frozenset((plan.culprit, plan.victims[0]))
    timely = abs(rehearsal.first_s - plan.contact_s) < 0.5
    most_deg = TURNS_UNTIL_DEG if opportunity.details["turns"] else REHEARSED_DEG[1]
    square = REHEARSED_DEG[0] < rehearsal.angle_deg < most_deg and rehearsal.flank < 0.86
    return rehearsal.first == pair and timely and square


def judge(setting: Setting, run: Run) -> Verdict:  # noqa: ARG001
    """Front into side. The anomaly starts when the two are on a collision course that is close to its end."""
    blow = first_blow(run)
    if isinstance(blow, str):
        return failed(blow)
    if not SIDE_HIT_DEG[0] <= blow.angle_deg <= SIDE_HIT_DEG[1]:
        return failed(f"they met at {blow.angle_deg:.0f} degrees, not front to side")
    verdict = blow_verdict(run, blow)
    if verdict.collision is not CollisionType.T_BONE:
        return failed(f"the contact was a {verdict.collision}")
    return replace(verdict, doubt=faint(blow, verdict.collision))


KIND = Kind(search, plan, accepts, judge)
