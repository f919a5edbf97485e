"""People on the road: a driver who does not yield, or somebody who steps out in front of one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from its_core.engines.simulator.dimensions import TWO_WHEELERS, VEHICLES
from its_core.engines.simulator.incidents.opportunity import Opportunity
from its_core.engines.simulator.incidents.search.crossing import approaches, tracks_by_way
from its_core.engines.simulator.incidents.timeline import Footpath, Timeline, Track
from its_core.engines.simulator.simulation.flow import STEP_S
from its_core.taxonomy import Cause

_STEPPING_OUT_EVERY = 6
_REACH_M = 9.0  # how far from a car's way somebody may stand who steps out


def crosswalk_opportunities(timeline: Timeline) -> list[Opportunity]:
    """Somebody is crossing, and a driver who would have let them does not."""
    found: list[Opportunity] = []
    by_way = tracks_by_way(timeline)
    for person in timeline.people.values():
        for way, when, s_m in _crossed(timeline, person):
            for culprit in by_way.get(way, ()):
                if culprit.type in TWO_WHEELERS:
                    continue
                for approach in approaches(timeline, culprit, way, s_m - culprit.front_m, when):
                    x, y, _, _ = timeline.roads.place(way, s_m)
                    walked, _ = timeline.walker(person.number).path.project_one(x, y)
                    speed = approach.speed_mps if approach.from_rest == 0.0 else approach.from_rest * approach.onset_s
                    found.append(
                        Opportunity(
                            step=when,
                            where=(x, y),
                            culprit=culprit.number,
                            victims=(person.number,),
                            cause=Cause.FAILURE_TO_YIELD,
                            collision=None,
                            onset_s=approach.onset_s,
                            speed_mps=speed,
                            details={
                                "way": way,
                                "s_m": s_m,
                                "front_m": culprit.front_m,
                                "half_m": VEHICLES[culprit.type].width_m / 2,
                                "from_rest": approach.from_rest,
                                "walk_s_m": walked,
                            },
                        )
                    )
    return found


def _crossed(timeline: Timeline, person: Footpath) -> Iterator[tuple[int, float, float]]:
    """The ways that a person walks over: way, step, arc length."""
    on = np.flatnonzero(person.on_road & (person.crosswalk >= 0))
    if len(on) < 3:
        return
    for way, stretches in enumerate(timeline.roads.stretches):
        if timeline.roads.lanes[way].forbidden:
            continue
        for stretch in stretches:
            steps = on[person.crosswalk[on] == stretch.crosswalk]
            if len(steps) < 3:
                continue
            beside = []
            for step in steps[::2].tolist():
                s, aside = timeline.roads.project(way, float(person.x[step]), float(person.y[step]))
                beside.append((step, s, aside))
            for (a, s, before), (b, _, after) in pairwise(beside):
                near = stretch.start_m - 3.0 < s < stretch.end_m + 3.0
                if near and (before > 0.0) != (after > 0.0):
                    share = abs(before) / max(abs(before) + abs(after), 1e-6)
                    yield way, a + share * (b - a), s
                    break


def stepping_out_opportunities(
    timeline: Timeline, early_s: float = 0.0, walks_s: float = 3.0, along_m: float = 4.0
) -> list[Opportunity]:
    """Somebody on the pavement beside a car's way, a few steps from it, who steps out so long before it comes. They
    have ``walks_s`` to get there, and are at most ``along_m`` from that place, along the road."""
    found: list[Opportunity] = []
    for step in range(int((walks_s - 0.5 + early_s) / STEP_S), timeline.steps - 8, _STEPPING_OUT_EVERY):
        for track in timeline.tracks.values():
            at = track.at(step)
            if at is None or track.speed[at] < 4.5 or track.type in TWO_WHEELERS:
                continue
            found += _beside(timeline, step, track, at, early_s, walks_s, along_m)
    return found


def _beside(
    timeline: Timeline, step: int, track: Track, at: int, early_s: float, walks_s: float, along_m: float
) -> Iterator[Opportunity]:
    """People who could be in front of a vehicle at that step had they gone straight onto the road."""
    way, s_m = int(track.way[at]), float(track.s_m[at]) + track.front_m
    x, y, tx, ty = timeline.roads.place(way, s_m)
    before = max(step - int((walks_s + early_s) / STEP_S), 0)
    for person in timeline.people.values():
        dx, dy = float(person.x[before]) - x, float(person.y[before]) - y
        along, side = dx * tx + dy * ty, dy * tx - dx * ty
        near = abs(along) < along_m and 2.2 < abs(side) < _REACH_M
        if near and not person.on_road[before : step + 1].any():
            yield Opportunity(
                step=step - early_s / STEP_S,
                where=(x, y),
                culprit=person.number,
                victims=(track.number,),
                cause=Cause.STEPPED_OUT,
                collision=None,
                onset_s=walks_s,
                speed_mps=float(track.speed[at]),
                details={
                    "way": way,
                    "s_m": s_m,
                    "side_m": side,
                    "half_m": VEHICLES[track.type].width_m / 2,
                    "x_m": float(person.x[before]),
                    "y_m": float(person.y[before]),
                },
            )
            return
