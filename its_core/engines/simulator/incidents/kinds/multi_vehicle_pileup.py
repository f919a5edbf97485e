"""One driver runs into the vehicle ahead, and the one behind into both: three or more vehicles."""

from __future__ import annotations

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
CLOSE_S = 2.6  # behind the first two, the third must follow within so many seconds, and the fourth behind the third
ENLARGED = 1.5


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:
    """Rear-end collisions with somebody close behind."""
    found = []
    for each in following_opportunities(timeline, hardest_braking_mps2(setting.grip)):
        step = round(each.step - each.onset_s / STEP_S)
        train = _behind(timeline, step, each.culprit)
        leader, culprit = timeline.tracks[each.victims[0]], timeline.tracks[each.culprit]
        if not train or any(track.type in TWO_WHEELERS for track in (leader, culprit)):
            continue
        details = {**each.details, "third": float(train[0])}
        if len(train) > 1:
            details["fourth"] = float(train[1])
        found.append(replace(each, details=details))
    near = [each for each in found if legible(setting.camera, *each.where, ENLARGED * SMALLEST_SHARE)]
    return near or found


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
            wakes_s = contact_s + float(rng.uniform(1.3, 2.2)) + 0.3 * attempt + 0.7 * i
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


KIND = Kind(search, plan, accepts, judge, latest=0.55)
