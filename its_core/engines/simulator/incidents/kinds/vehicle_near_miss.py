"""Two vehicles almost collide: somebody errs as in a crash, and brakes or swerves just in time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from its_core.engines.simulator.incidents.errors import beside_plan, crossing_plan, following_plan, oncoming_plan
from its_core.engines.simulator.incidents.kind import Kind
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.measures import apart_m, hardest_braking_mps2, swerved_m
from its_core.engines.simulator.incidents.outcome.verdicts import COMING_S, Verdict, failed, nearing, window
from its_core.engines.simulator.incidents.rehearsal import Rehearsal
from its_core.engines.simulator.incidents.search.beside import beside_opportunities, oncoming_opportunities
from its_core.engines.simulator.incidents.search.crossing import crossing_opportunities
from its_core.engines.simulator.incidents.search.following import following_opportunities
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.traffic import drivers
from its_core.taxonomy import ParticipantType

CROSSING, FOLLOWING, BESIDE, ONCOMING = "crossing", "following", "beside", "oncoming"
NEAREST_M = {CROSSING: 2.0, FOLLOWING: 1.6, BESIDE: 0.6, ONCOMING: 1.1}
EVADES_MPS2, EVADES_M = 3.5, 0.5


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:
    def anyone(type_: ParticipantType) -> bool:
        return type_ is not ParticipantType.PEDESTRIAN

    hardest = drivers.hardest_braking_mps2(setting.grip)
    found = [replace(each, variant=CROSSING) for each in crossing_opportunities(timeline, anyone, anyone)]
    found += [replace(each, variant=FOLLOWING) for each in following_opportunities(timeline, hardest)]
    found += [replace(each, variant=BESIDE) for each in beside_opportunities(timeline)]
    found += [replace(each, variant=ONCOMING) for each in oncoming_opportunities(timeline)]
    return found


def plan(setting: Setting, timeline: Timeline, opportunity: Opportunity, contact_s: float, attempt: int) -> Plan:  # noqa: ARG001
    """``averted_s`` grows from attempt to attempt: too late at first, in good time at last."""
    rng = setting.rng("averted", attempt)
    grip = min(setting.grip / 0.95, 1.0)
    match opportunity.variant:
        case "crossing":
            averted_s = (0.85 + 0.16 * attempt + float(rng.uniform(0.0, 0.1))) / grip
            return crossing_plan(setting, opportunity, contact_s, attempt, averted_s)
        case "following":
            closing_s = 0.5 * opportunity.speed_mps / (6.5 * grip)
            averted_s = closing_s + 0.15 + 0.12 * attempt + float(rng.uniform(0.0, 0.08))
            return following_plan(setting, opportunity, contact_s, attempt, averted_s)
        case "beside":
            return beside_plan(setting, opportunity, contact_s, attempt, 0.12 + 0.05 * attempt)
    averted_s = 0.35 + 0.1 * attempt + float(rng.uniform(0.0, 0.08))
    return oncoming_plan(setting, opportunity, contact_s, attempt, averted_s)


def accepts(setting: Setting, opportunity: Opportunity, plan: Plan, rehearsal: Rehearsal) -> bool:  # noqa: ARG001
    near = rehearsal.nearest_m < 0.85 * NEAREST_M[opportunity.variant]
    timely = abs(rehearsal.nearest_s - plan.contact_s) < 1.6
    return rehearsal.first is None and near and timely and rehearsal.nearest_m > 0.06


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
    if not 0.08 < nearest / len(gap) < 0.94:
        return failed("they came near each other too close to the clip's ends")
    early, late = max(nearest - 2 * run.trace.fps, 0), min(nearest + run.trace.fps, len(gap))
    braked = max(hardest_braking_mps2(run.trace, number, early, late) for number in (a, b))
    swerved = max(swerved_m(run.asides[:, number], early, late) for number in (a, b))
    if braked < EVADES_MPS2 * min(setting.grip / 0.95, 1.0) and swerved < EVADES_M:
        return failed("nobody had to brake or swerve")
    coming = nearing(run, a, b, COMING_S)
    start, _ = window(run, nearest, coming, (a, b))
    end = min(nearest + round(0.8 * run.trace.fps), len(gap))
    x, y = (float(value) for value in (run.trace.positions[nearest, a, :2] + run.trace.positions[nearest, b, :2]) / 2)
    return Verdict(True, "", start, end, None, (x, y, 0.6), nearest, (a, b))


KIND = Kind(search, plan, accepts, judge, touches=False, attempts=7)
