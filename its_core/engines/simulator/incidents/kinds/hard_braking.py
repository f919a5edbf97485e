"""Somebody brakes hard, for nothing that one can see, and whoever follows keeps clear."""

from __future__ import annotations

import numpy as np

from its_core.engines.simulator.incidents.kind import Kind
from its_core.engines.simulator.incidents.negatives import doing, nobody_touches, shows
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict, failed
from its_core.engines.simulator.incidents.search.anyone import under_way
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.traffic.habits import Brake, Intent

SLOWEST_MPS = 8.0
HARD_SHARE = 0.42  # of the grip: braking at least so hard is a hard stop
ONSET_S = 0.9  # before the middle of it


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:
    slowest = SLOWEST_MPS * min(0.5 + 0.5 * setting.grip / 0.95, 1.0)
    return list(under_way(timeline, slowest, ONSET_S))


def plan(setting: Setting, timeline: Timeline, opportunity: Opportunity, contact_s: float, attempt: int) -> Plan:  # noqa: ARG001
    rng = setting.rng("plan", attempt)
    how = float(rng.uniform(0.60, 0.85)) * setting.grip * 9.81
    ends_s = contact_s + float(rng.uniform(0.3, 2.5))
    intent = Intent(brakes=(Brake(contact_s - ONSET_S, ends_s, how),))
    return doing(opportunity, contact_s, {opportunity.culprit: intent})


def judge(setting: Setting, run: Run) -> Verdict:
    roles = run.staging.roles
    assert roles.culprit is not None and roles.contact_s is not None
    fps = run.trace.fps
    speeds = run.trace.speeds[:, roles.culprit]
    over = max(fps // 4, 1)
    loss = (speeds[:-over] - speeds[over:]) * fps / over
    hard = np.flatnonzero(loss > HARD_SHARE * setting.grip * 9.81)
    if not len(hard):
        return failed("nobody braked hard")
    return shows(run, int(hard[0]), int(hard[-1]) + over, roles.culprit, int(hard[len(hard) // 2]))


KIND = Kind(search, plan, nobody_touches, judge, errs=False, touches=False)
