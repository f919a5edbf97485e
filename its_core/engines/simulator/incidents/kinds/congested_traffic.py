"""Stop and go: many vehicles in the picture, hardly any faster than a bicycle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.incidents.cast.assembly import near_m
from its_core.engines.simulator.incidents.kind import Kind, Traffic
from its_core.engines.simulator.incidents.negatives import doing, nobody_touches, shows
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.verdicts import MOVES_MPS, Verdict, failed, in_most_thirds
from its_core.engines.simulator.incidents.search.anyone import under_way
from its_core.engines.simulator.incidents.setting import Setting, in_picture
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.simulation.flow import STEP_S
from its_core.engines.simulator.simulation.run import Run

Floats = NDArray[np.float64]

FASTEST_MPS = 5.0
MANY = 5


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:
    """Moments at which slow vehicles fill the picture, in stretches of traffic that would pass as a whole clip."""
    seen, slow, moving, speeds = _in_view(timeline, setting)
    frames = round(setting.duration_s / STEP_S)
    before = KIND.contact_s(setting) / STEP_S
    found = []
    for each in under_way(timeline, 0.4, 0.0, FASTEST_MPS):
        step = int(each.step)
        if slow[step] < MANY or seen[step] - slow[step] > 0.4 * seen[step]:
            continue
        clip = slice(timeline.snapshot_step(each.step - before), timeline.snapshot_step(each.step - before) + frames)
        if _passes(seen[clip], speeds[clip]) and in_most_thirds(moving[clip] > 0):
            found.append(each)
    return found


def _in_view(timeline: Timeline, setting: Setting) -> tuple[Floats, Floats, Floats, Floats]:
    """At each step: how many vehicles the camera sees, how many of them are slow, how many move, and the sum of their
    speeds in m/s."""
    seen, slow, moving, speeds = np.zeros((4, timeline.steps))
    near = near_m(setting.layout.name)
    for track in timeline.tracks.values():
        points = np.column_stack([track.x, track.y, np.full(len(track.x), 0.7)])
        x, y = track.x - setting.layout.focus_m[0], track.y - setting.layout.focus_m[1]
        view = in_picture(setting.camera, points, 0.0) & (x * x + y * y < near * near)
        steps = slice(track.first, track.first + len(view))
        seen[steps] += view
        slow[steps] += view & (track.speed < FASTEST_MPS)
        moving[steps] += view & (track.speed > MOVES_MPS)
        speeds[steps] += np.where(view, track.speed, 0.0)
    return seen, slow, moving, speeds


def _passes(seen: Floats, speeds: Floats) -> bool:
    """Whether there are many vehicles and they are slow, by their number and the sum of their speeds at each time."""
    return bool(np.median(seen) >= MANY - 1 and speeds.sum() <= FASTEST_MPS * seen.sum())


def plan(setting: Setting, timeline: Timeline, opportunity: Opportunity, contact_s: float, attempt: int) -> Plan:  # noqa: ARG001
    return doing(opportunity, contact_s, {})


def judge(setting: Setting, run: Run) -> Verdict:
    trace = run.trace
    frames, vehicles = len(trace.positions), len(run.staging.vehicles)
    seen = in_picture(setting.camera, trace.positions[:, :vehicles].reshape(-1, 3), 0.0).reshape(frames, vehicles)
    speeds = trace.speeds[:, :vehicles]
    many, sums = seen.sum(axis=1).astype(float), np.where(seen, speeds, 0.0).sum(axis=1)
    if not _passes(many, sums):
        mean = float(sums.sum() / max(many.sum(), 1.0))
        return failed(f"{float(np.median(many)):.0f} vehicles in the picture at {mean:.1f} m/s on average")
    # One that is well in the picture in the middle of the clip stands for all.
    at = frames // 2
    well = in_picture(setting.camera, trace.positions[at, :vehicles] + np.array([0.0, 0.0, 0.7]))
    number = int(np.argmax(np.where(well, seen.sum(axis=0), -1)))
    return replace(shows(run, 0, frames, number, at), shown=())  # no single one need be seen


KIND = Kind(search, plan, nobody_touches, judge, errs=False, touches=False, attempts=1, traffic=Traffic(crawls=True))
