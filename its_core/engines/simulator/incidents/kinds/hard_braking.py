"""Somebody brakes hard to a standstill, for nothing that one can see, and whoever follows keeps clear."""

from __future__ import annotations

import numpy as np

from its_core.engines.simulator.incidents.kind import Kind
from its_core.engines.simulator.incidents.negatives import doing, nobody_touches, shows
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict, failed
from its_core.engines.simulator.incidents.search.anyone import under_way
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.physics.constants import GRAVITY_MPS2
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.traffic.habits import Brake, Intent

SLOWEST_MPS = 8.0
HARD_SHARE = 0.42  # of the grip: braking at least so hard is a hard stop
ONSET_S = 0.9  # before the middle of it
STANDS_S = (0.8, 3.0)  # afterwards
NEARLY_STANDS_MPS = 1.5
LINE_AHEAD_M = 55.0


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:
    """Away from signals and give-way lines, where there are such moments: before one a stop would be no surprise."""
    slowest = SLOWEST_MPS * min(0.5 + 0.5 * setting.grip / 0.95, 1.0)
    found = list(under_way(timeline, slowest, ONSET_S))
    return [each for each in found if not _before_line(timeline, each)] or found


def _before_line(timeline: Timeline, opportunity: Opportunity) -> bool:
    line_m = timeline.roads.lanes[int(opportunity.details["way"])].stop_s_m
    return line_m is not None and -1.0 < line_m - opportunity.details["s_m"] < LINE_AHEAD_M


def plan(setting: Setting, timeline: Timeline, opportunity: Opportunity, contact_s: float, attempt: int) -> Plan:  # noqa: ARG001
    rng = setting.rng("plan", attempt)
    how = float(rng.uniform(0.65, 0.85)) * setting.grip * GRAVITY_MPS2
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
    return shows(run, int(hard[0]), int(hard[-1]) + over, roles.culprit, int(hard[len(hard) // 2]))


KIND = Kind(search, plan, nobody_touches, judge, errs=False, touches=False, latest=0.78)
