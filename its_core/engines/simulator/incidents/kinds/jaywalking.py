"""Somebody crosses the road away from any crosswalk, with time enough, and nobody has to brake hard for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from its_core.engines.simulator.incidents.errors import stepping_out_plan
from its_core.engines.simulator.incidents.kind import Kind
from its_core.engines.simulator.incidents.negatives import shows
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict, failed
from its_core.engines.simulator.incidents.rehearsal import Rehearsal
from its_core.engines.simulator.incidents.search.people import stepping_out_opportunities
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.simulation.run import Run

EARLY_S = (2.9, 4.3)  # before a vehicle would be there
ON_ROAD_S = 1.2


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:
    return stepping_out_opportunities(timeline, float(setting.rng("early").uniform(*EARLY_S)))


def plan(setting: Setting, timeline: Timeline, opportunity: Opportunity, contact_s: float, attempt: int) -> Plan:
    """Somebody else's error, with so much time in hand that it is none."""
    found = stepping_out_plan(setting, timeline, opportunity, contact_s, attempt, averted=True)
    route, steps_s, pace = found.routes[opportunity.culprit]
    return replace(found, intents={}, routes={opportunity.culprit: (route, steps_s, max(pace, 1.3))})


def accepts(setting: Setting, opportunity: Opportunity, plan: Plan, rehearsal: Rehearsal) -> bool:  # noqa: ARG001
    return rehearsal.first is None and rehearsal.nearest_m > 1.2


def judge(setting: Setting, run: Run) -> Verdict:  # noqa: ARG001
    roles = run.staging.roles
    assert roles.culprit is not None
    layout = run.staging.layout
    places = run.trace.positions[:, roles.culprit, :2].tolist()
    on = np.array([layout.on_road(x, y) and not _on_crosswalk(run, x, y) for x, y in places])
    if on.sum() < ON_ROAD_S * run.trace.fps:
        return failed("nobody was on the road for long enough")
    if float(run.trace.startle[:, roles.culprit].max()) > 0.3:
        return failed("a car came so near that they were startled")
    frames = np.flatnonzero(on)
    return shows(run, int(frames[0]), int(frames[-1]) + 1, roles.culprit, int(frames[len(frames) // 2]))


def _on_crosswalk(run: Run, x: float, y: float) -> bool:
    rects = (crosswalk.rect for crosswalk in run.staging.layout.crosswalks)
    return any(x1 < x < x2 and y1 < y < y2 for x1, y1, x2, y2 in rects)


KIND = Kind(search, plan, accepts, judge, errs=False, touches=False, attempts=3)
