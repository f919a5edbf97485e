"""A driver falls asleep, looks away or loses the grip, leaves the lane, and hits a barrier, a pole, a tree or a parked
car."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.incidents.errors import NEVER_S, reaching
from its_core.engines.simulator.incidents.kind import Kind
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.aftermaths import rolled_over
from its_core.engines.simulator.incidents.outcome.verdicts import (
    Verdict,
    failed,
    first_contact,
    frame_of,
    impact_end,
    named,
    window,
)
from its_core.engines.simulator.incidents.rehearsal import Rehearsal
from its_core.engines.simulator.incidents.search.alone import leaving_opportunities, things
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.traffic.habits import Brake, Intent
from its_core.taxonomy import Cause, CollisionType, ParticipantType

OVERSHOOT = 1.3  # so that the vehicle is still on its way sideways when it hits
SKID_SHARE = 0.22
# Of the vehicle's change of velocity: a post that is grazed, or a barrier that is brushed, does not show.
LEAST_BLOW_MPS, LEAST_SCRAPE_MPS = 3.0, 1.6
LOSES_CONTROL, INATTENTIVE = 0.25, 0.35  # shares of those on a dry road; the rest fall asleep
BRAKES_LATE = 0.75  # share of those who see it too late, and leave marks
LEAST_SHARE = 0.048


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:
    found = leaving_opportunities(timeline, setting)
    asked = setting.scene.cause
    if asked in (Cause.INATTENTION, Cause.LOSS_OF_CONTROL, Cause.FELL_ASLEEP):
        return [replace(each, cause=asked) for each in found]
    drawn = float(setting.rng("why").random())
    cause = Cause.FELL_ASLEEP
    if drawn < LOSES_CONTROL + INATTENTIVE:
        cause = Cause.LOSS_OF_CONTROL if drawn < LOSES_CONTROL else Cause.INATTENTION
    return [replace(each, cause=cause) if each.cause is Cause.FELL_ASLEEP else each for each in found]


def plan(setting: Setting, timeline: Timeline, opportunity: Opportunity, contact_s: float, attempt: int) -> Plan:  # noqa: ARG001
    rng = setting.rng("plan", attempt)
    data = opportunity.details
    aside, takes_s = data["aside_m"], data["takes_s"]
    # The corner or the middle of the front meets the thing.
    by = aside + float(rng.uniform(-0.5, 0.5)) * (1.0 if opportunity.variant != "barrier" else 0.0)
    if opportunity.variant in ("barrier", "parked"):
        by = math.copysign(max(abs(data["free_m"]), 0.8), aside)
    shift = reaching(OVERSHOOT * by, 1.0 / OVERSHOOT, contact_s + 0.04 * attempt, takes_s * 1.35)
    onset_s = shift.start_s - 0.2
    intent = Intent(shifts=(shift,), blind_s=(onset_s, contact_s + 0.4), reaction_s=NEVER_S)
    if opportunity.cause is Cause.LOSS_OF_CONTROL:
        spin = -math.copysign(float(rng.uniform(0.5, 1.5)), aside) * float(rng.choice([-1.0, 1.0], p=[0.3, 0.7]))
        skids_s = shift.start_s + 0.5 * shift.over_s
        intent = Intent(shifts=(shift,), skids_s=skids_s, skid_share=SKID_SHARE, skid_radps=spin, reaction_s=NEVER_S)
    elif rng.random() < BRAKES_LATE:
        braking = Brake(contact_s - float(rng.uniform(0.2, 0.6)), contact_s + 5.0, float(rng.uniform(5.5, 7.5)))
        intent = Intent(shifts=(shift,), blind_s=(onset_s, braking.from_s), brakes=(braking,), reaction_s=NEVER_S)
    return Plan(opportunity.culprit, (), {opportunity.culprit: intent}, opportunity.cause, contact_s, opportunity.where)


def accepts(setting: Setting, opportunity: Opportunity, plan: Plan, rehearsal: Rehearsal) -> bool:  # noqa: ARG001
    alone = rehearsal.first is None or rehearsal.first_s > rehearsal.thing_s + 0.2
    return alone and abs(rehearsal.thing_s - plan.contact_s) < 0.6


def judge(setting: Setting, run: Run) -> Verdict:  # noqa: ARG001
    """One vehicle hits a thing, or one that is parked, before anybody else touches anything."""
    roles = run.staging.roles
    assert roles.culprit is not None
    first = first_contact(run)
    if isinstance(first, str):
        return failed(first)
    others = [run.trace.actors[number] for number in first.numbers if number != roles.culprit]
    if roles.culprit not in first.numbers or any(not each.parked for each in others):
        return failed(f"{named(run.trace, first)} touched first")
    if run.trace.actors[roles.culprit].type is ParticipantType.PEDESTRIAN:
        return failed("somebody on foot touched a thing")
    least_mps = LEAST_SCRAPE_MPS if first.thing == "barrier" else LEAST_BLOW_MPS
    is_faint = first.delta_v_mps(roles.culprit) < least_mps and not rolled_over(run.trace)
    doubt = "it hardly touched what stands there" if is_faint else ""
    frame = frame_of(run.trace, first)
    left = abs(run.asides[: frame + 1, roles.culprit] - run.asides[0, roles.culprit]) > 0.7
    start, end = window(run, frame, left, (roles.culprit,))
    x, y, z = (float(value) for value in first.point_m)
    shown = (roles.culprit,)
    over = impact_end(run, first)
    return Verdict(True, "", start, end, over, (x, y, z), frame, shown, CollisionType.SINGLE, doubt=doubt)


def standing(setting: Setting) -> NDArray[np.float64]:
    return np.array([(*thing.at, thing.reach_m) for thing in things(setting)]).reshape(-1, 3)


KIND = Kind(search, plan, accepts, judge, things=standing, attempts=6, least_share=LEAST_SHARE)
