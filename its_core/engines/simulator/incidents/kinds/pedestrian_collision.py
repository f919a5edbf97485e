"""A driver does not yield to somebody who crosses, or somebody steps out in front of one, and is struck."""

from __future__ import annotations

from its_core.clip import Scene
from its_core.engines.simulator.incidents.errors import crosswalk_plan, stepping_out_plan
from its_core.engines.simulator.incidents.kind import Kind, Traffic
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.verdicts import (
    COMING_S,
    Verdict,
    failed,
    first_contact,
    frame_of,
    impact_end,
    named,
    nearing,
    window,
)
from its_core.engines.simulator.incidents.rehearsal import Rehearsal
from its_core.engines.simulator.incidents.search.people import crosswalk_opportunities, stepping_out_opportunities
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.simulation.run import Run
from its_core.taxonomy import Cause, ParticipantType, Role

STEPS_OUT_SHARE = 0.35


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:
    cause = asked_cause(setting.scene)
    if cause is Cause.STEPPED_OUT:
        return stepping_out_opportunities(timeline)
    found = crosswalk_opportunities(timeline)
    if cause is None and (not found or setting.rng("who").random() < STEPS_OUT_SHARE):
        return stepping_out_opportunities(timeline)
    return found


def asked_cause(scene: Scene) -> Cause | None:
    """The cause that a row asks for, in so many words or by who is at fault in it."""
    if scene.cause is not None:
        return scene.cause
    for participant in scene.participants:
        walks = participant.type is ParticipantType.PEDESTRIAN
        if participant.role is Role.AT_FAULT:
            return Cause.STEPPED_OUT if walks else Cause.FAILURE_TO_YIELD
        if participant.role is Role.NOT_AT_FAULT:
            return Cause.FAILURE_TO_YIELD if walks else Cause.STEPPED_OUT
    return None


def plan(setting: Setting, timeline: Timeline, opportunity: Opportunity, contact_s: float, attempt: int) -> Plan:
    if opportunity.cause is Cause.STEPPED_OUT:
        return stepping_out_plan(setting, timeline, opportunity, contact_s, attempt)
    return crosswalk_plan(setting, opportunity, contact_s, attempt)


def accepts(setting: Setting, opportunity: Opportunity, plan: Plan, rehearsal: Rehearsal) -> bool:  # noqa: ARG001
    pair = frozenset((plan.culprit, plan.victims[0]))
    timely = abs(rehearsal.first_s - plan.contact_s) < 0.8
    return rehearsal.first == pair and timely and rehearsal.closing_mps > 2.5 and rehearsal.before < 0.85


def judge(setting: Setting, run: Run) -> Verdict:  # noqa: ARG001
    """The vehicle touches the person first of all."""
    roles = run.staging.roles
    assert roles.culprit is not None
    first = first_contact(run)
    if isinstance(first, str):
        return failed(first)
    a, b = roles.culprit, roles.victims[0]
    if set(first.numbers) != {a, b}:
        return failed(f"{named(run.trace, first)} touched first")
    frame = frame_of(run.trace, first)
    start, end = window(run, frame, nearing(run, a, b, COMING_S), (a, b))
    x, y, z = (float(value) for value in first.point_m)
    return Verdict(True, "", start, end, impact_end(run, first), (x, y, z), frame, (a, b))


KIND = Kind(search, plan, accepts, judge, traffic=Traffic(usual=True))
