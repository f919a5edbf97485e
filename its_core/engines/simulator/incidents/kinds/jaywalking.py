"""Somebody crosses the road away from any crosswalk, with time enough, and nobody has to brake hard for them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.incidents.errors import stepping_out_plan
from its_core.engines.simulator.incidents.kind import Kind
from its_core.engines.simulator.incidents.negatives import shows
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict, failed
from its_core.engines.simulator.incidents.outcome.visibility import MOST_HIDDEN, hidden_share
from its_core.engines.simulator.incidents.rehearsal import Rehearsal
from its_core.engines.simulator.incidents.search.people import stepping_out_opportunities
from its_core.engines.simulator.incidents.setting import Setting, in_picture
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.simulation.run import Run

EARLY_S = (2.4, 3.8)  # before a vehicle would be there
ON_ROAD_S = 1.2
PACE_MPS = (1.7, 2.6)  # people hurry across
NEAR_M = 6.5  # from the vehicle's way
AWAY_M = 1.5  # from any crosswalk
ENOUGH = 8  # moments: then there are no others
LOOKS_EVERY = 5  # frames
CROSSED_M = 5.5  # of the carriageway, in the clip


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:
    found = stepping_out_opportunities(timeline, float(setting.rng("early").uniform(*EARLY_S)))
    away = [each for each in found if not _beside_crosswalk(setting, *each.where)]
    near = [each for each in away if abs(each.details["side_m"]) < NEAR_M]
    return next((those for those in (near, away) if len(those) >= ENOUGH), found)


def _beside_crosswalk(setting: Setting, x: float, y: float) -> bool:
    rects = (crosswalk.rect for crosswalk in setting.layout.crosswalks)
    return any(x1 - AWAY_M < x < x2 + AWAY_M and y1 - AWAY_M < y < y2 + AWAY_M for x1, y1, x2, y2 in rects)


def plan(setting: Setting, timeline: Timeline, opportunity: Opportunity, contact_s: float, attempt: int) -> Plan:
    """Somebody else's error, with so much time in hand that it is none."""
    pace_mps = float(setting.rng("pace", attempt).uniform(*PACE_MPS))
    found = stepping_out_plan(setting, timeline, opportunity, contact_s, attempt, averted=True, pace_mps=pace_mps)
    return replace(found, intents={})


def accepts(setting: Setting, opportunity: Opportunity, plan: Plan, rehearsal: Rehearsal) -> bool:  # noqa: ARG001
    return rehearsal.first is None and rehearsal.nearest_m > 1.2


def judge(setting: Setting, run: Run) -> Verdict:
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
    crossed_m = math.dist(places[int(frames[0])], places[int(frames[-1])])
    if crossed_m < CROSSED_M:
        return failed(f"they crossed {crossed_m:.1f} m of the road only")
    return shows(run, int(frames[0]), int(frames[-1]) + 1, roles.culprit, _best_frame(setting, run, frames))


def _best_frame(setting: Setting, run: Run, frames: NDArray[np.int64]) -> int:
    """In the middle of those frames in which the person is in the picture and not hidden, or of all."""
    number = run.staging.roles.culprit
    assert number is not None
    lifted = run.trace.positions[frames, number] + np.array([0.0, 0.0, 0.7])
    seen = frames[in_picture(setting.camera, lifted)][::LOOKS_EVERY]
    clear = [int(at) for at in seen if hidden_share(setting, run.trace, int(at), number) <= MOST_HIDDEN]
    best = clear or frames.tolist()
    return int(best[len(best) // 2])


def _on_crosswalk(run: Run, x: float, y: float) -> bool:
    rects = (crosswalk.rect for crosswalk in run.staging.layout.crosswalks)
    return any(x1 < x < x2 and y1 < y < y2 for x1, y1, x2, y2 in rects)


KIND = Kind(search, plan, accepts, judge, errs=False, touches=False, attempts=3, latest=0.6)
