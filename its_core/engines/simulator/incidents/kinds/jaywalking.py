"""Somebody crosses the road away from any crosswalk, with time enough, and nobody has to brake hard for them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.incidents.errors import stepping_out_plan
from its_core.engines.simulator.incidents.kind import Kind, Traffic
from its_core.engines.simulator.incidents.negatives import shows
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.measures import apart_m, hardest_braking_mps2
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict, failed
from its_core.engines.simulator.incidents.outcome.visibility import MOST_HIDDEN, hidden_share
from its_core.engines.simulator.incidents.rehearsal import MOVES_MPS, SCARED_WITHIN_M, Rehearsal
from its_core.engines.simulator.incidents.search.people import stepping_out_opportunities
from its_core.engines.simulator.incidents.setting import Setting, apparent_share, in_picture
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.roads.network import Network
from its_core.engines.simulator.simulation.flow import STEP_S
from its_core.engines.simulator.simulation.run import Run

EARLY_S = (2.6, 3.8)  # before a vehicle would be there
WALKS_S, ALONG_M = 5.0, 9.0  # how long and how far they go to where they cross
ON_ROAD_S = 1.8
PACE_MPS = (2.0, 2.7)  # people hurry across
NEAR_M = 6.5  # from the vehicle's way
AWAY_M, OFF_M = 8.0, 1.5  # from any crosswalk, and where nothing else is found
JUNCTION_M, CROSSES = 7.0, 0.35  # nearer than this, no way crosses at more than that sine of an angle
LEAST_SHARE = 0.038  # of the picture's width, that a car takes there
PLAIN_SHARE = 0.065
QUEUE_M, STANDS_MPS, QUEUE_S = 14.0, 1.5, (0.0, 2.0)  # no vehicle stands so near, so long before the point
ENOUGH = 8  # moments: then there are no others
LOOKS_EVERY = 5  # frames
CROSSED_M = (5.5, 8.0)  # of the carriageway, in the clip, at least, and
CROSSED_SHARE = 0.65  # of its width
SEEN_SHARE = 0.6  # of the time on the road
CROSSES_S = (-2.0, 3.0)  # about when they are in the middle of the vehicle's way, they are on the road
ROOM_M = 6.0  # to the middle of any vehicle
PASSES_MPS, BRAKES_WITHIN_M = MOVES_MPS, SCARED_WITHIN_M
PASSES_M, BRAKES_MPS2 = 1.2, 7.0  # cars that move come no nearer, and brake no harder: that would be a near miss
SPARE_M, SPARE_MPS2 = 0.25, 0.7  # rehearsals are not quite what the physics is


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:
    """Where nobody could take it for an ordinary crossing: far from crosswalks and junctions, and not through a
    queue."""
    early_s = float(setting.rng("early").uniform(*EARLY_S))
    found = stepping_out_opportunities(timeline, early_s, WALKS_S, ALONG_M)
    junction: dict[tuple[int, int], bool] = {}

    def is_plain(each: Opportunity) -> bool:
        if apparent_share(setting.camera, *each.where) < LEAST_SHARE:
            return False
        way, s_m = int(each.details["way"]), float(each.details["s_m"])
        key = way, int(s_m)
        if key not in junction:
            beside = _beside_crosswalk(setting, *each.where, AWAY_M)
            junction[key] = beside or _in_junction(timeline.roads, way, s_m, JUNCTION_M)
        return not junction[key] and not _beside_queue(timeline, each)

    plain = [each for each in found if is_plain(each)]
    unhurt = _with_nobody_near(timeline, plain) or plain
    near = [each for each in unhurt if abs(each.details["side_m"]) < NEAR_M]
    return near if len(near) >= ENOUGH else unhurt


def later(timeline: Timeline, setting: Setting) -> list[Opportunity]:
    """Where a place offers nothing as plain: anywhere off the crosswalks, or else anywhere."""
    found = stepping_out_opportunities(timeline, float(setting.rng("early").uniform(*EARLY_S)))
    away = [each for each in found if not _beside_crosswalk(setting, *each.where, OFF_M)]
    free = [each for each in away if not _beside_queue(timeline, each)]
    return _with_nobody_near(timeline, free) or free or away or found


def _with_nobody_near(timeline: Timeline, found: list[Opportunity]) -> list[Opportunity]:
    """Those moments in which no vehicle of the timeline, in which nobody crosses, would come near to who does."""
    tracks = list(timeline.tracks.values())
    places = np.full((2, len(tracks), timeline.steps), np.nan)
    for row, track in enumerate(tracks):
        places[:, row, track.first : track.first + len(track.x)] = track.x, track.y
    return [each for each in found if _nearest_m(timeline, each, places) > ROOM_M]


def _nearest_m(timeline: Timeline, opportunity: Opportunity, places: NDArray[np.float64]) -> float:
    """How near the middle of any vehicle comes to somebody who crosses at a usual pace; ``places`` 2×T×S."""
    x, y = opportunity.where
    _, _, tx, ty = timeline.roads.place(int(opportunity.details["way"]), opportunity.details["s_m"])
    side = 1.0 if opportunity.details["side_m"] > 0.0 else -1.0
    steps = np.arange(*(round(opportunity.step + each / STEP_S) for each in CROSSES_S))
    steps = steps[(steps >= 0) & (steps < timeline.steps)]
    walked = side * PACE_MPS[0] * (steps - opportunity.step) * STEP_S
    dx, dy = places[0][:, steps] - (x + ty * walked), places[1][:, steps] - (y - tx * walked)
    off = dx * dx + dy * dy
    return math.sqrt(float(np.nanmin(off))) if np.isfinite(off).any() else math.inf


def _beside_crosswalk(setting: Setting, x: float, y: float, away_m: float) -> bool:
    rects = (crosswalk.rect for crosswalk in setting.layout.crosswalks)
    return any(x1 - away_m < x < x2 + away_m and y1 - away_m < y < y2 + away_m for x1, y1, x2, y2 in rects)


def _in_junction(roads: Network, way: int, s_m: float, within_m: float) -> bool:
    """Whether ways cross near a place of a way."""
    x, y, tx, ty = roads.place(way, s_m)
    for other, lane in enumerate(roads.lanes):
        if lane.forbidden:
            continue
        along, aside = roads.project(other, x, y)
        if abs(aside) > within_m or not 0.0 < along < roads.length_m(other):
            continue
        _, _, ox, oy = roads.place(other, along)
        if abs(tx * oy - ty * ox) > CROSSES:
            return True
    return False


def _beside_queue(timeline: Timeline, opportunity: Opportunity) -> bool:
    x, y = opportunity.where
    for before_s in QUEUE_S:
        step = round(opportunity.step - before_s / STEP_S)
        for track in timeline.tracks.values():
            at = track.at(step)
            if at is None or track.speed[at] > STANDS_MPS:
                continue
            if math.hypot(float(track.x[at]) - x, float(track.y[at]) - y) < QUEUE_M:
                return True
    return False


def plan(setting: Setting, timeline: Timeline, opportunity: Opportunity, contact_s: float, attempt: int) -> Plan:
    """Somebody else's error, with so much time in hand that it is none."""
    pace_mps = float(setting.rng("pace", attempt).uniform(*PACE_MPS))
    found = stepping_out_plan(setting, timeline, opportunity, contact_s, attempt, averted=True, pace_mps=pace_mps)
    return replace(found, intents={}, unaware=frozenset({opportunity.culprit}))  # calm: they have looked


def accepts(setting: Setting, opportunity: Opportunity, plan: Plan, rehearsal: Rehearsal) -> bool:  # noqa: ARG001
    calm = rehearsal.passed_m > PASSES_M + SPARE_M and rehearsal.scared_mps2 < BRAKES_MPS2 - SPARE_MPS2
    return rehearsal.first is None and calm


def judge(setting: Setting, run: Run) -> Verdict:
    roles = run.staging.roles
    assert roles.culprit is not None
    layout = run.staging.layout
    places = run.trace.positions[:, roles.culprit, :2].tolist()
    on = np.array([layout.on_road(x, y) and not _on_crosswalk(run, x, y) for x, y in places])
    if on.sum() < ON_ROAD_S * run.trace.fps:
        return failed("nobody was on the road for long enough")
    frames = np.flatnonzero(on)
    if why := _endangered(run, roles.culprit, frames):
        return failed(why)
    crossed_m = math.dist(places[int(frames[0])], places[int(frames[-1])])
    walker = run.staging.walkers[roles.culprit - run.trace.vehicles].walker
    width_m = max((each.end_m - each.start_m for each in walker.route.crossings), default=0.0)
    if crossed_m < min(max(CROSSED_SHARE * width_m, CROSSED_M[0]), CROSSED_M[1]):
        return failed(f"they crossed {crossed_m:.1f} m of {width_m:.1f} m of road only")
    if len(_seen(setting, run, frames)) < SEEN_SHARE * len(frames[::LOOKS_EVERY]):
        return failed("they are hidden or outside the picture for part of the way")
    return shows(run, int(frames[0]), int(frames[-1]) + 1, roles.culprit, _best_frame(setting, run, frames))


def _endangered(run: Run, person: int, frames: NDArray[np.int64]) -> str:
    """Why a crossing was a near miss; empty where it was none."""
    trace, (first, last) = run.trace, (int(frames[0]), int(frames[-1]) + 1)
    for car in range(trace.vehicles):
        moves = trace.speeds[first:last, car] > PASSES_MPS
        if not moves.any() or trace.actors[car].parked:
            continue
        gap_m = apart_m(trace, car, person)[first:last]
        if gap_m[moves].min() < PASSES_M:
            return f"a car came as near as {gap_m[moves].min():.1f} m"
        if gap_m.min() < BRAKES_WITHIN_M and hardest_braking_mps2(trace, car, first, last) > BRAKES_MPS2:
            return "a driver had to brake hard"
    return ""


def _best_frame(setting: Setting, run: Run, frames: NDArray[np.int64]) -> int:
    """In the middle of those frames in which the person is seen."""
    seen = _seen(setting, run, frames)
    return seen[len(seen) // 2]


def _seen(setting: Setting, run: Run, frames: NDArray[np.int64]) -> list[int]:
    """Of every fifth of these frames, those in which the person is in the picture and not hidden."""
    number = run.staging.roles.culprit
    assert number is not None
    some = frames[::LOOKS_EVERY]
    shown = some[in_picture(setting.camera, run.trace.positions[some, number] + np.array([0.0, 0.0, 0.7]))]
    return [int(at) for at in shown if hidden_share(setting, run.trace, int(at), number) <= MOST_HIDDEN]


def _on_crosswalk(run: Run, x: float, y: float) -> bool:
    rects = (crosswalk.rect for crosswalk in run.staging.layout.crosswalks)
    return any(x1 < x < x2 and y1 < y < y2 for x1, y1, x2, y2 in rects)


KIND = Kind(
    search,
    plan,
    accepts,
    judge,
    errs=False,
    touches=False,
    attempts=3,
    latest=0.48,
    plain_share=PLAIN_SHARE,
    later=later,
    traffic=Traffic(rare=True, usual=True),
)
