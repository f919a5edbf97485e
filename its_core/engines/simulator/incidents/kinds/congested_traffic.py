"""Stop and go: the lanes of the road that the camera looks at are full, and nobody is faster than a bicycle."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.incidents.kind import Kind, Traffic
from its_core.engines.simulator.incidents.negatives import doing, nobody_touches, shows
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.verdicts import MOVES_MPS, Verdict, failed, in_most_thirds
from its_core.engines.simulator.incidents.search.anyone import under_way
from its_core.engines.simulator.incidents.setting import CAR_M, LOOKED_AT_M, Setting, in_picture
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.simulation.flow import STEP_S, jammed_arms
from its_core.engines.simulator.simulation.run import Run

Floats = NDArray[np.float64]

FASTEST_MPS = 5.0
MANY = 5
FULL_SHARE = 0.4  # of the main road's lanes in sight
EVERY_M = 6.0  # along a lane, a spot
ALONG_M, ASIDE_M = 6.5, 1.7  # within so much of a spot a vehicle fills it
SMALLEST_SHARE = 0.018  # of the picture's width, that a car takes at a spot
JUNCTION_M = 8.0  # before a line and behind a junction, where nobody has to stand


@dataclass(frozen=True, slots=True)
class _Seen:
    """At each of T times: how many vehicles the camera sees, how many of them move, how many are on the main road, the
    sum of these ones' speeds in m/s, and the share of the main road's spots that slow ones fill."""

    many: Floats
    moving: Floats
    on_road: Floats
    speeds: Floats
    full: Floats


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:
    """Moments at which slow vehicles fill the road, in stretches of traffic that would pass as a whole clip."""
    tracks = list(timeline.tracks.values())
    points, speeds = np.full((timeline.steps, len(tracks), 2), 1e6), np.zeros((timeline.steps, len(tracks)))
    for i, track in enumerate(tracks):
        steps = slice(track.first, track.first + len(track.x))
        points[steps, i, 0], points[steps, i, 1], speeds[steps, i] = track.x, track.y, track.speed
    seen = _in_view(setting, points, speeds)
    frames = round(setting.duration_s / STEP_S)
    before = KIND.contact_s(setting) / STEP_S
    found = []
    for each in under_way(timeline, 0.4, 0.0, FASTEST_MPS):
        start = timeline.snapshot_step(each.step - before)
        clip = slice(start, start + frames)
        if not _lacks(seen, clip) and in_most_thirds(seen.moving[clip] > 0):
            found.append(each)
    return found


def _in_view(setting: Setting, points: Floats, speeds: Floats) -> _Seen:
    """``points`` T×V×2, ``speeds`` T×V: where vehicles are (far away: not there), and how fast."""
    times, vehicles = speeds.shape
    lifted = np.concatenate([points, np.full((times, vehicles, 1), LOOKED_AT_M)], axis=2)
    view = in_picture(setting.camera, lifted.reshape(-1, 3), 0.0).reshape(times, vehicles)
    spots = _spots(setting)
    full, on_road, sums = np.zeros(times), np.zeros(times), np.zeros(times)
    for t in range(times if len(spots) else 0):
        offset = points[t, view[t]][None, :, :] - spots[:, None, :2]
        along = np.abs(offset[:, :, 0] * spots[:, None, 2] + offset[:, :, 1] * spots[:, None, 3])
        aside = np.abs(offset[:, :, 1] * spots[:, None, 2] - offset[:, :, 0] * spots[:, None, 3])
        fills, mps = (along < ALONG_M) & (aside < ASIDE_M), speeds[t, view[t]]
        full[t] = (fills & (mps < FASTEST_MPS)).any(axis=1).mean()
        on_road[t], sums[t] = fills.any(axis=0).sum(), mps[fills.any(axis=0)].sum()
    moving = (view & (speeds > MOVES_MPS)).sum(axis=1)
    return _Seen(view.sum(axis=1).astype(float), moving.astype(float), on_road, sums, full)


def _spots(setting: Setting) -> Floats:
    """Of the jammed lanes of which the camera sees the most: S×4, x, y and the unit vector ahead; none in junctions."""
    roads = setting.roads
    arms = jammed_arms(setting.layout, roads)
    by_arm: dict[str, list[tuple[float, float, float, float]]] = {}
    for way, lane in enumerate(roads.lanes):
        if lane.forbidden or lane.movement != "straight" or lane.arm not in arms:
            continue
        line, exit_m = lane.stop_s_m, roads.exits_m[way]
        for s in np.arange(5.0, roads.length_m(way), EVERY_M).tolist():
            if line is None or not line - JUNCTION_M < s < (exit_m if exit_m < np.inf else line) + JUNCTION_M:
                by_arm.setdefault(lane.arm, []).append(roads.place(way, s))
    best = np.zeros((0, 4))
    for rows in by_arm.values():
        spots = np.array(rows)
        lifted = np.column_stack([spots[:, :2], np.full(len(spots), LOOKED_AT_M)])
        depth = setting.camera.project(lifted)[:, 2]
        share = CAR_M * setting.camera.focal_px / np.maximum(depth, 1e-6) / setting.camera.width_px
        shown = spots[in_picture(setting.camera, lifted, 0.0) & (share > SMALLEST_SHARE)]
        if len(shown) > len(best):
            best = shown
    return best


def _lacks(seen: _Seen, clip: slice) -> str:
    """Why a stretch of time is not congested; empty where it is."""
    many = float(np.median(seen.many[clip]))
    mean = float(seen.speeds[clip].sum() / max(seen.on_road[clip].sum(), 1.0))
    full = float(np.median(seen.full[clip]))
    if many >= MANY - 1 and mean <= FASTEST_MPS and full >= FULL_SHARE:
        return ""
    return f"{many:.0f} vehicles in the picture, on the main road {mean:.1f} m/s on average, {full:.0%} full"


def plan(setting: Setting, timeline: Timeline, opportunity: Opportunity, contact_s: float, attempt: int) -> Plan:  # noqa: ARG001
    return doing(opportunity, contact_s, {})


def judge(setting: Setting, run: Run) -> Verdict:
    trace = run.trace
    frames, vehicles = len(trace.positions), len(run.staging.vehicles)
    seen = _in_view(setting, trace.positions[:, :vehicles, :2], trace.speeds[:, :vehicles])
    if why := _lacks(seen, slice(0, frames)):
        return failed(why)
    # One that is well in the picture in the middle of the clip stands for all.
    at = frames // 2
    lifted = trace.positions[:, :vehicles] + np.array([0.0, 0.0, LOOKED_AT_M])
    shown = in_picture(setting.camera, lifted.reshape(-1, 3), 0.0).reshape(frames, vehicles).sum(axis=0)
    number = int(np.argmax(np.where(in_picture(setting.camera, lifted[at]), shown, -1)))
    return replace(shows(run, 0, frames, number, at), shown=())  # no single one need be seen


KIND = Kind(search, plan, nobody_touches, judge, errs=False, touches=False, attempts=1, traffic=Traffic(crawls=True))
