"""Somebody overtakes a cyclist, or passes another vehicle, with less than half a metre to spare."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from its_core.engines.simulator.abilities import CYCLED
from its_core.engines.simulator.incidents.errors import reaching
from its_core.engines.simulator.incidents.kind import Kind, Traffic
from its_core.engines.simulator.incidents.negatives import doing, shows
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.measures import apart_m, hardest_braking_mps2
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict, failed
from its_core.engines.simulator.incidents.rehearsal import Rehearsal
from its_core.engines.simulator.incidents.search.anyone import best_in_view
from its_core.engines.simulator.incidents.search.beside import beside_opportunities, oncoming_opportunities
from its_core.engines.simulator.incidents.search.overtaking import overtaking_opportunities
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.traffic.habits import Brake, Chase, Intent, Shift
from its_core.taxonomy import ParticipantType

BICYCLES = Traffic({ParticipantType.BICYCLE: 10.0}, rare=True, busy=True)
LEAST_SHARE = 0.05
PLAIN_SHARE = 0.1  # a bicycle is about 45 pixels tall then, of 704
SMALLER = 0.7  # will do in later rounds
EARLIEST, LATEST = 0.26, 0.78  # share of the clip: the approach is seen, and what follows
CLOSE_M = (0.08, 0.6)
AIMED_M = (0.2, 0.34)
FAST_MPS, FASTER_MPS = 7.0, 3.0  # who passes, and how much faster than the one beside
OVER_S = 2.4
BESIDE_M = 3.6  # between two middles when the front of a car comes up beside the rear wheel of a bicycle
CHASES_MPS2 = 3.0
TIMELY_S = 1.2
HARD_MPS2 = 5.5  # who brakes harder than this almost collides
SOFT = 0.85  # of that, that is accepted in rehearsal
# Whoever is passed so moves away, on a bicycle and in a vehicle, and how long that takes; cyclists stop pedalling, too.
FLINCHES_M, CAR_FLINCHES_M, FLINCHES_S = 0.45, 0.7, 0.7
SHOCKED_S, SHOCKED_MPS2 = 1.0, 1.6
FLINCHES_AFTER_S = 0.25  # the nearest point, and back again ``BACK_AFTER_S`` after it
BACK_AFTER_S = 1.6


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:
    """Who overtakes a cyclist: that is what viewers know as a close pass."""
    if setting.layout.name not in CYCLED:
        return search_cars(timeline, setting)
    return [replace(each, variant="overtaking") for each in overtaking_opportunities(timeline)]


def search_cars(timeline: Timeline, setting: Setting) -> list[Opportunity]:
    """Who overtakes a cyclist, however small; else anybody, at speed where there are such moments; else who meets
    somebody."""
    cyclists = search(timeline, setting) if setting.layout.name in CYCLED else []
    beside = [replace(each, variant="beside") for each in beside_opportunities(timeline)]
    fast = [each for each in beside if each.details["culprit_mps"] > FAST_MPS and each.speed_mps > FASTER_MPS]
    oncoming = [replace(each, variant="oncoming") for each in oncoming_opportunities(timeline)]
    contact_s = KIND.contact_s(setting)
    return best_in_view(setting, timeline, contact_s, cyclists, fast, oncoming + beside, share=SMALLER * LEAST_SHARE)


def plan(setting: Setting, timeline: Timeline, opportunity: Opportunity, contact_s: float, attempt: int) -> Plan:
    """Drifts towards the other one until a third of a metre or so is left, and back again."""
    rng = setting.rng("plan", attempt)
    data = opportunity.details
    gap = float(rng.uniform(*AIMED_M)) + 0.1 * attempt
    meets = opportunity.variant == "oncoming"
    free = data["side_m"] - data["widths_m"] if meets else data["touch_m"]
    # Of a cyclist, who is to the right, ``free`` above 0 is what the two would overlap by.
    by = free - gap if free > 0.0 and opportunity.variant != "overtaking" else free + gap
    # A driver who overtakes a cyclist moves over, if not enough; others drift towards whom they pass.
    shifts: tuple[Shift, ...] = ()
    if opportunity.variant == "overtaking" or (free > 0.0) == (by > 0.0):
        # The front is beside the other one's rear some time before their middles pass each other.
        early_s = min(BESIDE_M / max(opportunity.speed_mps, FASTER_MPS), OVER_S / 2)
        early_s = early_s if by > 0.0 and opportunity.variant == "overtaking" else 0.0
        shifts = (reaching(by, 0.97, contact_s - early_s, OVER_S), Shift(contact_s + 0.9, -by, OVER_S))
    begins_s, ends_s = contact_s - max(OVER_S + 1.2, opportunity.onset_s), contact_s + OVER_S
    culprit, victim = opportunity.culprit, opportunity.victims[0]
    chase = None
    if opportunity.variant == "overtaking":
        chase = Chase(victim, data["s_m"], data["s_m"], contact_s - opportunity.onset_s, contact_s, CHASES_MPS2)
    # Neither brakes: both know that it is going to fit, or never think about it.
    passes = Intent(shifts=shifts, overlooks=frozenset({victim}), errs_s=(begins_s, ends_s), chase=chase)
    cycles = timeline.tracks[victim].type is ParticipantType.BICYCLE
    away_m = FLINCHES_M if cycles else CAR_FLINCHES_M
    away = away_m if free > 0.0 and opportunity.variant == "beside" else -away_m
    slows = (Brake(contact_s + FLINCHES_AFTER_S, contact_s + SHOCKED_S, SHOCKED_MPS2),) if cycles else ()
    flinches = (
        Shift(contact_s + FLINCHES_AFTER_S, away, FLINCHES_S),
        Shift(contact_s + BACK_AFTER_S, -away, OVER_S),
    )
    is_passed = Intent(shifts=flinches, brakes=slows, overlooks=frozenset({culprit}), errs_s=(begins_s, ends_s))
    return doing(opportunity, contact_s, {culprit: passes, victim: is_passed})


def accepts(setting: Setting, opportunity: Opportunity, plan: Plan, rehearsal: Rehearsal) -> bool:  # noqa: ARG001
    timely = abs(rehearsal.nearest_s - plan.contact_s) < TIMELY_S
    calm = rehearsal.braked_mps2 < SOFT * HARD_MPS2 * setting.grip / 0.95
    return rehearsal.first is None and timely and calm and CLOSE_M[0] + 0.05 < rehearsal.nearest_m < CLOSE_M[1] - 0.05


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
    if braked > HARD_MPS2 * setting.grip / 0.95:
        return failed("somebody had to brake hard")
    return replace(shows(run, nearest - fps // 2, nearest + fps // 2, a, nearest), shown=(a, b))


KIND = Kind(
    search,
    plan,
    accepts,
    judge,
    errs=False,
    touches=False,
    attempts=3,
    earliest=EARLIEST,
    latest=LATEST,
    least_share=LEAST_SHARE,
    plain_share=PLAIN_SHARE,
    later=search_cars,
    traffic=BICYCLES,
)
