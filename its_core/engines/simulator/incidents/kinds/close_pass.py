"""Somebody passes another road user with less than a metre to spare, and nobody has to do anything about it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from its_core.engines.simulator.incidents.errors import reaching
from its_core.engines.simulator.incidents.kind import Kind, Traffic
from its_core.engines.simulator.incidents.negatives import doing, shows
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.measures import apart_m, hardest_braking_mps2
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict, failed
from its_core.engines.simulator.incidents.rehearsal import Rehearsal
from its_core.engines.simulator.incidents.search.beside import beside_opportunities, oncoming_opportunities
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.traffic.habits import Intent, Shift
from its_core.taxonomy import ParticipantType

CLOSE_M = (0.22, 0.9)
FAST_MPS, FASTER_MPS = 8.0, 2.0  # who passes, and how much faster than the one beside
OVER_S = 2.4


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:  # noqa: ARG001
    """At speed, where there are such moments."""
    found = [replace(each, variant="beside") for each in beside_opportunities(timeline) if each.speed_mps > 0.8]
    found += [replace(each, variant="oncoming") for each in oncoming_opportunities(timeline)]
    fast = [each for each in found if each.details["culprit_mps"] > FAST_MPS and each.speed_mps > FASTER_MPS]
    return fast or found


def plan(setting: Setting, timeline: Timeline, opportunity: Opportunity, contact_s: float, attempt: int) -> Plan:  # noqa: ARG001
    """Drifts towards the other one until less than half a metre or so is left, and back again."""
    rng = setting.rng("plan", attempt)
    data = opportunity.details
    gap = float(rng.uniform(0.36, 0.6)) + 0.04 * attempt
    free = data["touch_m"] if opportunity.variant == "beside" else data["side_m"] - data["widths_m"]
    by = free - gap if free > 0.0 else free + gap
    shifts: tuple[Shift, ...] = ()
    if (free > 0.0) == (by > 0.0):
        shifts = (reaching(by, 0.97, contact_s, OVER_S), Shift(contact_s + 0.7, -by, OVER_S))
    begins_s, ends_s = contact_s - OVER_S, contact_s + OVER_S
    # Neither brakes: both know that it is going to fit, or never think about it.
    culprit, victim = opportunity.culprit, opportunity.victims[0]
    passes = Intent(shifts=shifts, overlooks=frozenset({victim}), errs_s=(begins_s, ends_s))
    is_passed = Intent(overlooks=frozenset({culprit}), errs_s=(begins_s, ends_s))
    return doing(opportunity, contact_s, {culprit: passes, victim: is_passed})


def accepts(setting: Setting, opportunity: Opportunity, plan: Plan, rehearsal: Rehearsal) -> bool:  # noqa: ARG001
    return rehearsal.first is None and CLOSE_M[0] + 0.08 < rehearsal.nearest_m < CLOSE_M[1] - 0.1


def judge(setting: Setting, run: Run) -> Verdict:
    roles = run.staging.roles
    assert roles.culprit is not None and roles.contact_s is not None
    a, b = roles.culprit, roles.victims[0]
    gap = apart_m(run.trace, a, b)
    nearest = int(np.argmin(gap))
    if not CLOSE_M[0] < gap[nearest] < CLOSE_M[1]:
        return failed(f"they passed at {gap[nearest]:.2f} m")
    fps = run.trace.fps
    early, late = nearest - fps, nearest + fps
    braked = max(hardest_braking_mps2(run.trace, number, max(early, 0), late) for number in (a, b))
    if braked > 4.0 * setting.grip / 0.95:
        return failed("somebody had to brake hard")
    return shows(run, nearest - fps // 2, nearest + fps // 2, a, nearest)


KIND = Kind(search, plan, accepts, judge, errs=False, touches=False, traffic=Traffic({ParticipantType.BICYCLE: 3.0}))
