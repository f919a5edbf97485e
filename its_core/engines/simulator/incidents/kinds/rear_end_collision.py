"""A driver looks away while the vehicle ahead slows down, stands or brakes hard, and runs into its rear."""

from __future__ import annotations

from its_core.engines.simulator.dimensions import TWO_WHEELERS
from its_core.engines.simulator.incidents.errors import following_plan
from its_core.engines.simulator.incidents.kind import Kind
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict, collision_verdict
from its_core.engines.simulator.incidents.rehearsal import Rehearsal
from its_core.engines.simulator.incidents.search.following import following_opportunities
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.traffic.drivers import hardest_braking_mps2
from its_core.taxonomy import CollisionType

LEAST_CLOSING_MPS = 2.8  # a softer touch shows neither a jolt nor a dent


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:
    found = following_opportunities(timeline, hardest_braking_mps2(setting.grip))
    return [each for each in found if not _two_wheels(timeline, each)]


def _two_wheels(timeline: Timeline, opportunity: Opportunity) -> bool:
    return any(timeline.tracks[n].type in TWO_WHEELERS for n in (opportunity.culprit, *opportunity.victims))


def plan(setting: Setting, timeline: Timeline, opportunity: Opportunity, contact_s: float, attempt: int) -> Plan:  # noqa: ARG001
    return following_plan(setting, opportunity, contact_s, attempt)


def accepts(setting: Setting, opportunity: Opportunity, plan: Plan, rehearsal: Rehearsal) -> bool:  # noqa: ARG001
    pair = frozenset((plan.culprit, plan.victims[0]))
    hard = rehearsal.closing_mps > LEAST_CLOSING_MPS
    return rehearsal.first == pair and abs(rehearsal.first_s - plan.contact_s) < 0.9 and hard


def judge(setting: Setting, run: Run) -> Verdict:  # noqa: ARG001
    """Front into rear within 35 degrees. The anomaly starts when the follower would be on the leader within 1.3 s."""
    return collision_verdict(run, CollisionType.REAR_END)


KIND = Kind(search, plan, accepts, judge)
