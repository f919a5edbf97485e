"""Somebody brakes hard to a standstill, for nothing that one can see, and whoever follows keeps clear."""

from __future__ import annotations

import numpy as np

from its_core.engines.simulator.dimensions import VEHICLES
from its_core.engines.simulator.incidents.kind import Kind
from its_core.engines.simulator.incidents.negatives import doing, nobody_touches, shows
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.measures import apart_m
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict, failed
from its_core.engines.simulator.incidents.search.anyone import best_in_view, under_way
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.physics.constants import GRAVITY_MPS2
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.traffic.habits import Brake, Intent

SLOWEST_MPS = 8.0
HARD_SHARE = 0.6  # of the grip: braking at least so hard is a hard stop
BRAKES_SHARE = (0.78, 0.85)
ONSET_S = 0.9  # before the middle of it
STANDS_S = (0.8, 2.2)  # afterwards
NEARLY_STANDS_MPS = 1.5
LINE_AHEAD_M = 55.0
LEAST_SHARE = 0.05
LONGEST_M = 8.0  # half a bus, and more
ALMOST_M = 0.9  # who comes up behind nearer than this has almost run into it
FOLLOWS_M = (6.0, 32.0)  # behind: so near somebody has to brake too


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:
    """On the straight, away from signals and give-way lines, with somebody behind who has to brake too, where there are
    such moments: before a line or in a turn a stop would be no surprise."""
    slowest = SLOWEST_MPS * min(0.5 + 0.5 * setting.grip / 0.95, 1.0)
    contact_s = KIND.contact_s(setting)
    fastest = (setting.duration_s - contact_s + ONSET_S - 0.4) * BRAKES_SHARE[0] * setting.grip * GRAVITY_MPS2
    found = list(under_way(timeline, slowest, ONSET_S, max(fastest, slowest + 3.0)))
    free = [each for each in found if not _before_line(timeline, each) and _straight(timeline, each)]
    followed = [each for each in free if _followed(timeline, each)]
    return best_in_view(setting, timeline, contact_s, followed, free, found)


def _straight(timeline: Timeline, opportunity: Opportunity) -> bool:
    return timeline.roads.lanes[int(opportunity.details["way"])].movement == "straight"


def _followed(timeline: Timeline, opportunity: Opportunity) -> bool:
    step = int(opportunity.step)
    for track in timeline.tracks.values():
        at = track.at(step)
        if at is None or track.way[at] != opportunity.details["way"]:
            continue
        behind_m = opportunity.details["s_m"] - float(track.s_m[at])
        if FOLLOWS_M[0] < behind_m < FOLLOWS_M[1] and track.speed[at] > SLOWEST_MPS / 2:
            return True
    return False


def _before_line(timeline: Timeline, opportunity: Opportunity) -> bool:
    line_m = timeline.roads.lanes[int(opportunity.details["way"])].stop_s_m
    return line_m is not None and -1.0 < line_m - opportunity.details["s_m"] < LINE_AHEAD_M


def plan(setting: Setting, timeline: Timeline, opportunity: Opportunity, contact_s: float, attempt: int) -> Plan:  # noqa: ARG001
    rng = setting.rng("plan", attempt)
    how = float(rng.uniform(*BRAKES_SHARE)) * setting.grip * GRAVITY_MPS2
    begins_s = contact_s - ONSET_S
    ends_s = begins_s + opportunity.speed_mps / how + float(rng.uniform(*STANDS_S))
    intent = Intent(brakes=(Brake(begins_s, ends_s, how),))
    return doing(opportunity, contact_s, {opportunity.culprit: intent})


def judge(setting: Setting, run: Run) -> Verdict:
    roles = run.staging.roles
    assert roles.culprit is not None and roles.contact_s is not None
    fps = run.trace.fps
    speeds = run.trace.speeds[:, roles.culprit]
    over = max(fps // 4, 1)
    loss = (speeds[:-over] - speeds[over:]) * fps / over
    hard = np.flatnonzero(loss > HARD_SHARE * setting.grip * GRAVITY_MPS2)
    if not len(hard):
        return failed("nobody braked hard")
    slowest = float(speeds[int(hard[0]) :].min())
    if slowest > NEARLY_STANDS_MPS:
        return failed(f"the driver who braked hard still drove at {slowest:.1f} m/s")
    if _almost_run_into(run, roles.culprit, int(hard[0])):
        return failed("somebody almost ran into it")
    return shows(run, int(hard[0]), int(hard[-1]) + over, roles.culprit, int(hard[len(hard) // 2]))


def _almost_run_into(run: Run, number: int, start: int) -> bool:
    """Whether another vehicle comes so near from a frame on that viewers would call it a collision, or nearly one."""
    trace = run.trace
    reach_m = VEHICLES[trace.actors[number].type].length_m / 2 + LONGEST_M
    for other in range(len(run.staging.vehicles)):
        off = trace.positions[start:, other, :2] - trace.positions[start:, number, :2]
        near = (off * off).sum(axis=1) < reach_m * reach_m
        same = trace.lane[start:, other] == trace.lane[start:, number]
        if (
            other != number
            and bool((near & same).any())
            and float(apart_m(trace, number, other)[start:].min()) < ALMOST_M
        ):
            return True
    return False


KIND = Kind(search, plan, nobody_touches, judge, errs=False, touches=False, latest=0.45, least_share=LEAST_SHARE)
