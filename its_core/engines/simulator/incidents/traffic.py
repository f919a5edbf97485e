"""Everyone else: streams of cars that flow or queue, and people on the pavements."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.dimensions import VEHICLES
from its_core.engines.simulator.incidents.casting import Part
from its_core.engines.simulator.incidents.setting import Setting, actor
from its_core.engines.simulator.randomness import normal
from its_core.engines.simulator.roads.layouts import Lane
from its_core.engines.simulator.roads.paths import Floats, Path
from its_core.engines.simulator.simulation.staging import StagedVehicle, StagedWalker
from its_core.engines.simulator.traffic.drivers import Manner, speed_caps
from its_core.engines.simulator.traffic.walkers import Walk

ROOM_M = 2.5  # between people when a clip begins
Accepts = Callable[[Lane, float, float], bool]  # lane, arc length at frame 0, speed


@dataclass(frozen=True, slots=True)
class Stream:
    """Cars of one lane, the foremost first. ``queue``: they stand at the stop line; otherwise they flow, the first
    one ``start_m`` along."""

    lanes: tuple[Lane, ...]  # ways that leave the same lane; each car draws one
    queue: bool = False
    start_m: float = 0.0
    end_m: float = 0.0
    headway_s: tuple[float, float] = (1.6, 3.4)


def background(
    setting: Setting,
    streams: Sequence[Stream],
    parts: Sequence[Part],
    staged: Sequence[StagedVehicle],
    accepts: Accepts,
) -> list[StagedVehicle]:
    """As many of ``parts`` as find room in the streams, taken from them in turn; numbered after ``staged``.

    ``accepts`` says whether a car may be there, beyond keeping clear of all the others.
    """
    order = sorted(setting.rng.permutation(len(streams)).tolist(), key=lambda i: not streams[i].queue)
    sources = [_candidates(setting, streams[i]) for i in order]  # queues first: they stand where the camera looks
    found = list(staged)
    waiting = list(parts)
    while waiting and sources:
        for source in list(sources):
            if not waiting:
                break
            place = _next_free(source, found, waiting[0], accepts)
            if place is None:
                sources.remove(source)
                continue
            lane, s_m, speed, manner = place
            found.append(StagedVehicle(actor(len(found), waiting.pop(0)), lane, s_m, speed, manner))
    return found[len(staged) :]


_Candidate = tuple[Lane, float, float, Manner]


def _candidates(setting: Setting, stream: Stream) -> Iterator[_Candidate]:
    """Places of one stream, front to back."""
    rng = setting.rng
    if stream.queue:
        lane = stream.lanes[0]
        assert lane.stop_s_m is not None
        s_m = lane.stop_s_m - 0.9 - 2.7
        for _ in range(int(rng.integers(1, 5))):
            lane = stream.lanes[int(rng.integers(len(stream.lanes)))]
            yield lane, s_m, 0.0, _manner(setting, lane)
            s_m -= setting.between(7.2, 8.6)
        return
    s_m = stream.start_m - setting.between(0.0, 6.0)
    while s_m > stream.end_m:
        lane = stream.lanes[int(rng.integers(len(stream.lanes)))]
        manner = _manner(setting, lane)
        cap = float(np.interp(s_m, _path(lane).s, speed_caps(_path(lane), manner)))
        yield lane, s_m, 0.98 * min(manner.desired_mps, cap), manner
        s_m -= 5.5 + manner.desired_mps * setting.between(*stream.headway_s)


def _manner(setting: Setting, lane: Lane) -> Manner:
    return Manner(
        desired_mps=lane.speed_limit_mps * setting.between(0.86, 1.04),
        headway_s=setting.between(1.0, 1.6),
        gap_m=setting.between(1.8, 2.6),
        pulls_mps2=setting.between(1.5, 2.3),
        aside_m=setting.between(-0.18, 0.18),
    )


@cache
def _path(lane: Lane) -> Path:
    return Path(lane.points)


def _next_free(
    source: Iterator[_Candidate], found: Sequence[StagedVehicle], part: Part, accepts: Accepts
) -> _Candidate | None:
    half = VEHICLES[part.type].length_m / 2
    for lane, s_m, speed, manner in source:
        if accepts(lane, s_m, speed) and all(_clear(lane, s_m, speed, half, other) for other in found):
            return lane, s_m, speed, manner
    return None


def _clear(lane: Lane, s_m: float, speed: float, half_m: float, other: StagedVehicle) -> bool:
    """Whether a car there and another staged one leave each other room: bumpers apart in a lane, or beside one
    another."""
    path = _path(lane)
    at = _path(other.lane).at(other.s_m)
    s, aside = path.project(at[None])
    if abs(float(aside[0])) > 2.6:
        return True
    ahead = float(s[0]) - s_m
    follower, leader = (speed, other.speed_mps) if ahead > 0 else (other.speed_mps, speed)
    bumpers = half_m + VEHICLES[other.actor.type].length_m / 2
    stopping = max(0.0, follower**2 - leader**2) / (2 * 3.0)
    return abs(ahead) > bumpers + 1.2 + 0.7 * follower + stopping


def strollers(setting: Setting, parts: Sequence[Part], first_number: int) -> list[StagedWalker]:
    """People walking along the pavements, nearer the middle of the scene more often, nobody in another's way."""
    found: list[StagedWalker] = []
    taken: list[Floats] = []
    for part in parts if setting.layout.walkways else ():
        for _ in range(20):
            walk = _stroll(setting)
            at = Path(walk.points).at(walk.s_m)
            if all(float(pm.norm(at - other)) > ROOM_M for other in taken):
                taken.append(at)
                found.append(StagedWalker(actor(first_number + len(found), part), walk))
                break
    return found


def _stroll(setting: Setting) -> Walk:
    ways = setting.layout.walkways
    a, b = ways[int(setting.rng.integers(len(ways)))]
    if setting.rng.random() < 0.5:
        a, b = b, a
    # People keep right, each at a distance of their own from the middle of the pavement.
    side = -setting.between(0.15, 1.1)
    length = math.dist(a, b)
    left = (-(b[1] - a[1]) / length * side, (b[0] - a[0]) / length * side)
    points = ((a[0] + left[0], a[1] + left[1]), (b[0] + left[0], b[1] + left[1]))
    nearest = float(Path(points).project(np.array([setting.layout.focus_m]))[0][0])
    s_m = min(max(nearest + normal(setting.rng, 0.0, 16.0), 1.0), length - 9.0)
    return Walk(points, setting.between(1.15, 1.55), s_m=s_m)
