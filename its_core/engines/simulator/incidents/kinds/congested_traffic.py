"""Stop and go: many vehicles in the picture, hardly any faster than a bicycle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from its_core.engines.simulator.incidents.kind import Kind, Traffic
from its_core.engines.simulator.incidents.negatives import doing, nobody_touches, shows
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict, failed
from its_core.engines.simulator.incidents.search.anyone import under_way
from its_core.engines.simulator.incidents.setting import Setting, in_picture
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.simulation.run import Run

FASTEST_MPS = 5.0
MANY = 5


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:
    found = []
    for each in under_way(timeline, 0.4, 0.0, FASTEST_MPS):
        step = int(each.step)
        there = [(track, at) for track in timeline.tracks.values() if (at := track.at(step)) is not None]
        points = np.array([(track.x[at], track.y[at], 0.7) for track, at in there])
        seen = in_picture(setting.camera, points, 0.0)
        slow = np.array([track.speed[at] < FASTEST_MPS for track, at in there])
        if (seen & slow).sum() >= MANY and (seen & ~slow).sum() <= 0.4 * seen.sum():
            found.append(each)
    return found


def plan(setting: Setting, timeline: Timeline, opportunity: Opportunity, contact_s: float, attempt: int) -> Plan:  # noqa: ARG001
    return doing(opportunity, contact_s, {})


def judge(setting: Setting, run: Run) -> Verdict:
    trace = run.trace
    frames, vehicles = len(trace.positions), len(run.staging.vehicles)
    seen = in_picture(setting.camera, trace.positions[:, :vehicles].reshape(-1, 3), 0.0).reshape(frames, vehicles)
    speeds = trace.speeds[:, :vehicles]
    many = seen.sum(axis=1)
    mean = float(speeds[seen].mean()) if seen.any() else 99.0
    if float(np.median(many)) < MANY - 1 or mean > FASTEST_MPS:
        return failed(f"{float(np.median(many)):.0f} vehicles in the picture at {mean:.1f} m/s on average")
    # One that is well in the picture in the middle of the clip stands for all.
    at = frames // 2
    well = in_picture(setting.camera, trace.positions[at, :vehicles] + np.array([0.0, 0.0, 0.7]))
    number = int(np.argmax(np.where(well, seen.sum(axis=0), -1)))
    return replace(shows(run, 0, frames, number, at), shown=())  # no single one need be seen


KIND = Kind(search, plan, nobody_touches, judge, errs=False, touches=False, attempts=1, traffic=Traffic(crawls=True))
