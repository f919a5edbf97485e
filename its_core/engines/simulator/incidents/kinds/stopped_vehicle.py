"""A vehicle breaks down: it rolls to a stop in its lane, hazard lights on, and the others wait behind it or go round
it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from its_core.engines.simulator.incidents.kind import Kind
from its_core.engines.simulator.incidents.negatives import doing, nobody_touches, shows
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict, failed
from its_core.engines.simulator.incidents.search.anyone import under_way
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.portable_math import dot
from its_core.engines.simulator.simulation.flow import STEP_S
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.trace import forward
from its_core.engines.simulator.traffic.habits import Brake, Intent, Shift
from its_core.taxonomy import RoadLayout

SLOWEST_MPS = 5.0
SLOWS_MPS2 = (1.6, 2.0, 2.4)  # rolls out: who brakes hard looks like somebody who has a reason to
STANDS_MPS = 0.5
SHORTEST_S = 2.5
LINE_AHEAD_M = 30.0
# To the right: where there is a hard shoulder, a verge, or a kerb.
ASIDE_M = {RoadLayout.HIGHWAY: (1.6, 2.6), RoadLayout.WORK_ZONE: (0.9, 1.6), RoadLayout.RURAL_ROAD: (0.9, 1.6)}
STREET_ASIDE_M = (0.3, 0.6)
LEAST_SHARE = 0.05
MOST_QUEUE, QUEUE_M = 1, 45.0  # more who wait behind it, so near, look like a jam
ROUND_M, ROUND_S, ROUND_OVER_S = 14.0, 1.5, 2.2  # others change lanes so far and so long before it
LOOKS_BACK_STEPS = 16


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:
    """Where a vehicle would come to stand that rolls out from here: away from signals and give-way lines, where there
    are such places."""
    found = []
    for number, each in enumerate(under_way(timeline, SLOWEST_MPS, 0.0)):
        slows = SLOWS_MPS2[number % len(SLOWS_MPS2)] * min(setting.grip / 0.6, 1.0)
        takes_s = each.speed_mps / slows
        way, s_m = int(each.details["way"]), each.details["s_m"] + 0.5 * each.speed_mps * takes_s
        if s_m > timeline.roads.length_m(way) - 5.0:
            continue
        x, y, _, _ = timeline.roads.place(way, s_m)
        details = {**each.details, "slows_mps2": slows}
        step = each.step + takes_s / STEP_S
        details["stands_m"] = s_m
        found.append(replace(each, step=step, where=(x, y), onset_s=takes_s, details=details))
    free = [each for each in found if not _before_line(timeline, each)] or found
    return [each for each in free if _outermost(timeline, each)] or free


def _outermost(timeline: Timeline, opportunity: Opportunity) -> bool:
    """Whether no lane lies to its right: a vehicle that breaks down rolls to the side of the road."""
    return timeline.roads.lanes[int(opportunity.details["way"])].right is None


def _before_line(timeline: Timeline, opportunity: Opportunity) -> bool:
    line_m = timeline.roads.lanes[int(opportunity.details["way"])].stop_s_m
    return line_m is not None and 0.0 < line_m - opportunity.details["stands_m"] < LINE_AHEAD_M


def _going_round(timeline: Timeline, opportunity: Opportunity, contact_s: float) -> dict[int, Intent]:
    """Those who come up behind it on a lane with another one beside it change over to that in time."""
    way, stands_m = int(opportunity.details["way"]), opportunity.details["stands_m"]
    beside = timeline.roads.lanes[way].left or timeline.roads.lanes[way].right
    if beside is None:
        return {}
    x, y, *_ = timeline.roads.place(way, stands_m)
    _, aside_m = timeline.roads.project(timeline.roads.index[beside], x, y)
    found = {}
    for track in timeline.tracks.values():
        moves_m = stands_m - ROUND_M - ROUND_S * SLOWEST_MPS
        when = track.passes(moves_m, way)
        if track.number != opportunity.culprit and when is not None and when > opportunity.step - LOOKS_BACK_STEPS:
            start_s = contact_s + (when - opportunity.step) * STEP_S
            found[track.number] = Intent(shifts=(Shift(start_s, -aside_m, ROUND_OVER_S),))
    return found


def plan(setting: Setting, timeline: Timeline, opportunity: Opportunity, contact_s: float, attempt: int) -> Plan:
    rng = setting.rng("plan", attempt)
    begins_s = contact_s - opportunity.onset_s
    shifts: tuple[Shift, ...] = ()
    if _outermost(timeline, opportunity):
        aside_m = ASIDE_M.get(setting.layout.name, STREET_ASIDE_M)
        shifts = (Shift(begins_s - 0.3, -float(rng.uniform(*aside_m)), 2.6),)
    intent = Intent(
        brakes=(Brake(begins_s, 1e9, opportunity.details["slows_mps2"]),),
        shifts=shifts,
        hazards_s=begins_s + float(rng.uniform(-1.6, -0.2)),
    )
    others = _going_round(timeline, opportunity, contact_s) if attempt < 2 else {}
    return doing(opportunity, contact_s, {**others, opportunity.culprit: intent})


def judge(setting: Setting, run: Run) -> Verdict:  # noqa: ARG001
    roles = run.staging.roles
    assert roles.culprit is not None
    stands = run.trace.speeds[:, roles.culprit] < STANDS_MPS
    if stands.sum() < SHORTEST_S * run.trace.fps or not stands[-1]:
        return failed("it did not stand long enough")
    first = int(np.argmax(stands))
    if _queue(run, roles.culprit) > MOST_QUEUE:
        return failed("a queue stood behind it")
    return shows(run, max(first - run.trace.fps, 0), len(stands), roles.culprit, first)


def _queue(run: Run, number: int) -> int:
    """How many others stand near it at the clip's end, on its way or a neighbouring one in its direction."""
    trace = run.trace
    drivers = len(run.staging.vehicles)
    off = trace.positions[-1, :drivers, :2] - trace.positions[-1, number, :2]
    near = (off * off).sum(axis=1) < QUEUE_M * QUEUE_M
    ahead = forward(trace, len(trace.positions) - 1, number)
    alike = [float(dot(forward(trace, len(trace.positions) - 1, other), ahead)) > 0.8 for other in range(drivers)]
    stands = trace.speeds[-1, :drivers] < STANDS_MPS
    return int((near & np.array(alike) & stands).sum()) - 1


KIND = Kind(search, plan, nobody_touches, judge, errs=False, touches=False, latest=0.42, least_share=LEAST_SHARE)
