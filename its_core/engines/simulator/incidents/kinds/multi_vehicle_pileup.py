"""One driver runs into the vehicle ahead, and the one behind into both: three or more vehicles."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from its_core.engines.simulator.dimensions import TWO_WHEELERS
from its_core.engines.simulator.incidents.errors import following_plan
from its_core.engines.simulator.incidents.kind import Kind
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.verdicts import (
    COMING_S,
    Verdict,
    collision_verdict,
    failed,
    first_blow,
    nearing,
    window,
)
from its_core.engines.simulator.incidents.picture_size import SMALLEST_SHARE
from its_core.engines.simulator.incidents.rehearsal import Rehearsal
from its_core.engines.simulator.incidents.search.following import following_opportunities, pairs
from its_core.engines.simulator.incidents.setting import Setting, in_picture, legible
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.simulation.flow import STEP_S
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.traffic.drivers import hardest_braking_mps2
from its_core.engines.simulator.traffic.habits import Intent
from its_core.taxonomy import CollisionType

CHAIN_S = 2.7  # after the first two met: whoever comes later is no part of it
ENDS_S = 0.6  # before the clip does, at the latest, the third has run into them
NEEDS_S = 2.2  # of the clip after the first two met
CLOSE_S = 2.6  # behind the first two, the third must follow within so many seconds, and the fourth behind the third
SLOWS_MPS2 = 5.0  # who has run into somebody
SPARE_S = 0.2
WAKES_S = 0.4  # before they would touch, the third sees it at the latest
ENLARGED = 1.5


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:
    """Rear-end collisions with somebody so close behind that they run into the two before the clip ends."""
    contact_s = KIND.contact_s(setting)
    in_time_s = min(CHAIN_S, setting.duration_s - ENDS_S - contact_s) - SPARE_S
    return _large(setting, [each for each in _trains(timeline, setting) if each.details["third_s"] < in_time_s])


def later(timeline: Timeline, setting: Setting) -> list[Opportunity]:
    """Rear-end collisions with somebody behind."""
    return _large(setting, _trains(timeline, setting))


def _large(setting: Setting, found: list[Opportunity]) -> list[Opportunity]:
    """Those that are large in the picture, if there are any."""
    near = [each for each in found if legible(setting.camera, *each.where, ENLARGED * SMALLEST_SHARE)]
    return near or found


def _trains(timeline: Timeline, setting: Setting) -> list[Opportunity]:
    found = []
    for each in following_opportunities(timeline, hardest_braking_mps2(setting.grip)):
        step = round(each.step - each.onset_s / STEP_S)
        train = _behind(timeline, step, each.culprit)
        leader, culprit = timeline.tracks[each.victims[0]], timeline.tracks[each.culprit]
        if not train or any(track.type in TWO_WHEELERS for track in (leader, culprit)):
            continue
        third_s = _arrives_s(timeline, each, step, train[0])
        details = {**each.details, "third": float(train[0]), "third_s": third_s}
        if len(train) > 1:
            details["fourth"] = float(train[1])
        found.append(replace(each, details=details))
    return found


def _arrives_s(timeline: Timeline, opportunity: Opportunity, step: int, third: int) -> float:
    """How long after the first two met the third is there, who goes on as at a step while the two slow down."""
    culprit, behind = timeline.tracks[opportunity.culprit], timeline.tracks[third]
    here, there = culprit.at(step), behind.at(step)
    assert here is not None and there is not None
    faster_mps = float(behind.speed[there] - culprit.speed[here])
    gap_m = float(culprit.s_m[here] - culprit.rear_m - behind.s_m[there] - behind.front_m)
    gap_m = max(gap_m - faster_mps * opportunity.onset_s, 0.0)
    # Two of about the same mass go on with the mean of their speeds.
    closing_mps = max(faster_mps + 0.5 * opportunity.speed_mps, 0.5)
    return (math.sqrt(closing_mps * closing_mps + 2.0 * SLOWS_MPS2 * gap_m) - closing_mps) / SLOWS_MPS2


def _behind(timeline: Timeline, step: int, last: int) -> list[int]:
    """Those who follow closely behind a vehicle, up to two, one behind the other."""
    follower = {front.number: back for back, front in pairs(timeline, step)}
    train: list[int] = []
    while len(train) < 2:
        behind = follower.get(last)
        if behind is None or behind.type in TWO_WHEELERS:
            break
        here, there = behind.at(step), timeline.tracks[last].at(step)
        if here is None or there is None or behind.speed[here] < 4.0:
            break
        ahead = timeline.tracks[last]
        gap = float(ahead.s_m[there] - ahead.rear_m - behind.s_m[here] - behind.front_m)
        if not 2.0 < gap < CLOSE_S * float(behind.speed[here]) + 4.0:
            break
        train.append(behind.number)
        last = behind.number
    return train


def plan(setting: Setting, timeline: Timeline, opportunity: Opportunity, contact_s: float, attempt: int) -> Plan:  # noqa: ARG001
    first = following_plan(setting, opportunity, contact_s, attempt)
    rng = setting.rng("third", attempt)
    intents = dict(first.intents)
    struck = []
    for i, name in enumerate(("third", "fourth")):
        if name in opportunity.details:
            number = int(opportunity.details[name])
            soonest_s = max(float(rng.uniform(1.3, 2.2)), opportunity.details["third_s"] - WAKES_S)
            wakes_s = contact_s + soonest_s + 0.3 * attempt + 0.7 * i
            intents[number] = Intent(blind_s=(contact_s - opportunity.onset_s, wakes_s), reaction_s=0.9)
            struck.append(number)
    return replace(first, intents=intents, struck=tuple(struck))


def accepts(setting: Setting, opportunity: Opportunity, plan: Plan, rehearsal: Rehearsal) -> bool:  # noqa: ARG001
    pair = frozenset((plan.culprit, plan.victims[0]))
    hard = rehearsal.closing_mps > 2.5
    return rehearsal.first == pair and abs(rehearsal.first_s - plan.contact_s) < 0.9 and hard


def judge(setting: Setting, run: Run) -> Verdict:
    """A rear-end collision first, then at least one more vehicle in the chain of contacts, in the picture."""
    blow = first_blow(run)
    if isinstance(blow, str):
        return failed(blow)
    chain = set(blow.numbers)
    end_frame = blow.frame
    until = min(blow.frame + CHAIN_S * run.trace.fps, len(run.trace.positions) - ENDS_S * run.trace.fps)
    for contact in run.trace.contacts:
        vehicles = [number for number in contact.numbers if number < run.trace.vehicles]
        joins = len(vehicles) == 2 and chain & set(vehicles) and not chain >= set(vehicles)
        if joins and contact.frame < until and in_picture(setting.camera, np.array([contact.point_m]), 0.0)[0]:
            chain |= set(vehicles)
            end_frame = max(end_frame, contact.frame)
    if len(chain) < 3:
        return failed("only two vehicles met")
    a, b = blow.numbers
    start, end = window(run, blow.frame, nearing(run, a, b, COMING_S), tuple(sorted(chain)))
    end = max(end, min(end_frame + run.trace.fps // 2, len(run.trace.positions)))
    first = collision_verdict(run, CollisionType.REAR_END)
    return replace(first, anomaly_start=start, anomaly_end=end) if first.happened else first


KIND = Kind(search, plan, accepts, judge, needs_s=NEEDS_S, later=later)
