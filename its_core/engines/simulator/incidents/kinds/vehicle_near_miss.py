"""Two vehicles almost collide: somebody errs as in a crash, and brakes or swerves just in time."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from its_core.engines.simulator.incidents.errors import beside_plan, crossing_plan, following_plan, oncoming_plan
from its_core.engines.simulator.incidents.kind import Kind
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.measures import apart_m, hardest_braking_mps2, swerved_m
from its_core.engines.simulator.incidents.outcome.verdicts import COMING_S, Verdict, failed, nearing, window
from its_core.engines.simulator.incidents.picture_size import plain_share
from its_core.engines.simulator.incidents.rehearsal import Rehearsal
from its_core.engines.simulator.incidents.search.anyone import best_in_view
from its_core.engines.simulator.incidents.search.beside import beside_opportunities, oncoming_opportunities
from its_core.engines.simulator.incidents.search.crossing import crossing_opportunities
from its_core.engines.simulator.incidents.search.following import following_opportunities
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.traffic import drivers
from its_core.engines.simulator.traffic.habits import Brake, Shift
from its_core.taxonomy import ParticipantType

CROSSING, FOLLOWING, BESIDE, ONCOMING = "crossing", "following", "beside", "oncoming"
NEAREST_M = {CROSSING: 1.5, FOLLOWING: 1.3, BESIDE: 0.6, ONCOMING: 1.1}
FAST_MPS = 6.5  # what one can see that somebody had to brake from
EVADES_MPS2, EVADES_M = 5.0, 0.7  # of one of the two; the other does half as much
LEAST_MPS = 3.5  # of either, in the two seconds before
NEEDS_S = 1.3  # of the clip after the point: the two are seen to pass each other
LEAST_SHARE, PLAIN_SHARE = 0.046, 0.085
LATEST_SHARE = 0.94  # of the clip
CLOSING_MPS = 8.0  # on somebody ahead


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:
    """Both at speed, where there are such moments: of two who creep, nobody can tell that they almost collided. Who
    comes up behind somebody is the last choice: that looks like hard braking."""

    def anyone(type_: ParticipantType) -> bool:
        return type_ is not ParticipantType.PEDESTRIAN

    hardest = drivers.hardest_braking_mps2(setting.grip)
    crossing = [replace(each, variant=CROSSING) for each in crossing_opportunities(timeline, anyone, anyone)]
    following = [replace(each, variant=FOLLOWING) for each in following_opportunities(timeline, hardest)]
    beside = [replace(each, variant=BESIDE) for each in beside_opportunities(timeline)]
    oncoming = [replace(each, variant=ONCOMING) for each in oncoming_opportunities(timeline)]
    fast = [each for each in crossing if min(each.details["culprit_mps"], each.details["victim_mps"]) > FAST_MPS]
    fast += [each for each in oncoming if each.details["culprit_mps"] > FAST_MPS]
    closing = [each for each in following if each.speed_mps > CLOSING_MPS]
    swerving = [each for each in beside if each.details["culprit_mps"] > FAST_MPS]
    everything = crossing + following + beside + oncoming
    share = plain_share(setting, PLAIN_SHARE)
    at_speed = oncoming + closing + swerving
    return best_in_view(setting, timeline, KIND.contact_s(setting), fast, at_speed, everything, share=share)


def plan(setting: Setting, timeline: Timeline, opportunity: Opportunity, contact_s: float, attempt: int) -> Plan:  # noqa: ARG001
    """``averted_s`` grows from attempt to attempt: too late at first, in good time at last; not where two come towards
    each other."""
    rng = setting.rng("averted", attempt)
    grip = min(setting.grip / 0.95, 1.0)
    match opportunity.variant:
        case "crossing":
            averted_s = (0.6 + 0.15 * attempt + float(rng.uniform(0.0, 0.08))) / grip
            planned = crossing_plan(setting, opportunity, contact_s, attempt, averted_s)
            return _also_evades(planned, rng, contact_s - 0.75 * averted_s, float(rng.uniform(0.6, 1.0)) * averted_s)
        case "following":
            closing_s = opportunity.speed_mps / (6.5 * grip)
            averted_s = (0.28 + 0.08 * attempt) * closing_s + 0.15 + float(rng.uniform(0.0, 0.06))
            return following_plan(setting, opportunity, contact_s, attempt, averted_s)
        case "beside":
            planned = beside_plan(setting, opportunity, contact_s, attempt, 0.12 + 0.05 * attempt)
            away_m = math.copysign(float(rng.uniform(0.6, 0.9)), opportunity.details["touch_m"])
            return _also_evades(planned, rng, contact_s - 0.25, 0.7, away_m)
    averted_s = 0.4 - 0.15 * attempt + float(rng.uniform(0.0, 0.08))  # from attempt to attempt they come nearer
    planned = oncoming_plan(setting, opportunity, contact_s, attempt, averted_s)
    return _also_evades(planned, rng, contact_s - 0.8, 0.9, -float(rng.uniform(0.5, 0.8)))


def _also_evades(plan: Plan, rng: np.random.Generator, from_s: float, over_s: float, by_m: float = 0.0) -> Plan:
    """The other one brakes hard for a moment, and swerves to the left by ``by_m`` and back."""
    victim = plan.victims[0]
    brakes = (Brake(from_s, from_s + over_s, float(rng.uniform(5.5, 7.5))),)
    shifts = (Shift(from_s, by_m, 0.9), Shift(from_s + 1.4, -by_m, 2.0)) if by_m else ()
    intent = replace(plan.intents[victim], brakes=brakes, shifts=shifts)
    return replace(plan, intents={**plan.intents, victim: intent})


def accepts(setting: Setting, opportunity: Opportunity, plan: Plan, rehearsal: Rehearsal) -> bool:
    near = rehearsal.nearest_m < 0.85 * NEAREST_M[opportunity.variant]
    timely = abs(rehearsal.nearest_s - plan.contact_s) < 1.6
    in_clip = rehearsal.nearest_s < LATEST_SHARE * setting.duration_s
    return rehearsal.first is None and near and timely and in_clip and rehearsal.nearest_m > 0.1


def judge(setting: Setting, run: Run) -> Verdict:
    """Nobody touches; the two come within two metres on a collision course, and one of them brakes hard or swerves."""
    roles = run.staging.roles
    assert roles.culprit is not None and roles.contact_s is not None
    a, b = roles.culprit, roles.victims[0]
    gap = apart_m(run.trace, a, b)
    point = round(roles.contact_s * run.trace.fps)
    about = slice(max(point - 2 * run.trace.fps, 0), min(point + 2 * run.trace.fps, len(gap)))
    nearest = about.start + int(np.argmin(gap[about]))
    if gap[nearest] > max(NEAREST_M.values()):
        return failed(f"they came no nearer than {gap[nearest]:.1f} m")
    if not 0.1 < nearest / len(gap) < LATEST_SHARE + 0.02:
        return failed("they came near each other too close to the clip's ends")
    early, late = max(nearest - 2 * run.trace.fps, 0), min(nearest + run.trace.fps, len(gap))
    grip = min(setting.grip / 0.95, 1.0)
    if float(run.trace.speeds[early : nearest + 1, (a, b)].max(axis=0).min()) < LEAST_MPS:
        return failed("one of them hardly moved")
    evades = sorted(
        max(
            hardest_braking_mps2(run.trace, number, early, late) / (EVADES_MPS2 * grip),
            swerved_m(run.asides[:, number], early, late) / EVADES_M,
        )
        for number in (a, b)
    )
    if evades[1] < 1.0 or evades[0] < 0.5:
        return failed("one of them did not have to brake or swerve")
    coming = nearing(run, a, b, COMING_S)
    start, _ = window(run, nearest, coming, (a, b))
    end = min(nearest + round(0.8 * run.trace.fps), len(gap))
    x, y = (float(value) for value in (run.trace.positions[nearest, a, :2] + run.trace.positions[nearest, b, :2]) / 2)
    return Verdict(True, "", start, end, None, (x, y, 0.6), nearest, (a, b))


KIND = Kind(
    search,
    plan,
    accepts,
    judge,
    touches=False,
    attempts=6,
    least_share=LEAST_SHARE,
    plain_share=PLAIN_SHARE,
    needs_s=NEEDS_S,
)
