"""Side by side and towards each other: somebody who leaves the lane."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import kernel
from its_core.engines.simulator.dimensions import TWO_WHEELERS, VEHICLES
from its_core.engines.simulator.incidents.opportunity import Opportunity
from its_core.engines.simulator.incidents.timeline import Timeline, Track
from its_core.engines.simulator.roads.network import Network
from its_core.engines.simulator.simulation.flow import STEP_S
from its_core.taxonomy import Cause, CollisionType, ParticipantType

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EVERY_STEPS = 4
_DRIFTS_S = 1.4  # before they meet, somebody who drifts over the middle of the road is in the other lane
_SHORTEST = 4  # samples, that two are there together
_SWERVES_S = 1.5  # a change of lane without a look takes about so long up to the touch


def beside_opportunities(timeline: Timeline) -> list[Opportunity]:
    """Sideswipes: two vehicles abreast on neighbouring ways."""
    found: list[Opportunity] = []
    for step in range(int(2.0 / STEP_S), timeline.steps - 8, EVERY_STEPS):
        for culprit, victim, side_m in _abreast(timeline, step):
            at, other_at = culprit.at(step), victim.at(step)
            assert at is not None and other_at is not None
            touch_m = abs(side_m) - VEHICLES[culprit.type].width_m / 2 - VEHICLES[victim.type].width_m / 2
            if touch_m < 0.25 or culprit.type in TWO_WHEELERS:
                continue
            sign = 1.0 if side_m > 0.0 else -1.0
            x = 0.5 * float(culprit.x[at] + victim.x[other_at])
            y = 0.5 * float(culprit.y[at] + victim.y[other_at])
            found.append(
                Opportunity(
                    step=step,
                    where=(x, y),
                    culprit=culprit.number,
                    victims=(victim.number,),
                    cause=Cause.UNSAFE_LANE_CHANGE,
                    collision=CollisionType.SIDESWIPE,
                    onset_s=_SWERVES_S,
                    speed_mps=abs(float(culprit.speed[at] - victim.speed[other_at])),
                    details={"touch_m": sign * touch_m, "lane_m": side_m, "culprit_mps": float(culprit.speed[at])},
                )
            )
    return found


def _abreast(timeline: Timeline, step: int) -> Iterator[tuple[Track, Track, float]]:
    """Pairs that run beside each other on neighbouring ways, and how far to the left the second one is."""
    roads = timeline.roads
    there = [
        (track, at, int(track.way[at])) for track in timeline.tracks.values() if (at := track.at(step)) is not None
    ]
    beside_way: dict[int, list[tuple[Track, int, bool]]] = {}
    for track, at, way in there:
        if track.speed[at] < 5.0:
            continue
        if way not in beside_way:
            beside_way[way] = list(_beside(roads, way, there))
        _, _, tx, ty = roads.place(way, float(track.s_m[at]))
        for other, other_at, beside in beside_way[way]:
            dx, dy = float(other.x[other_at] - track.x[at]), float(other.y[other_at] - track.y[at])
            along, side = dx * tx + dy * ty, dy * tx - dx * ty
            reach = 0.62 * (VEHICLES[track.type].length_m + VEHICLES[other.type].length_m) / 2
            if abs(along) < reach and (1.5 if beside else 2.0) < abs(side) < 5.0:
                yield track, other, side


def _beside(roads: Network, way: int, there: list[tuple[Track, int, int]]) -> Iterator[tuple[Track, int, bool]]:
    """Who of all who are there drives on a neighbouring way, or cycles on the same one (True)."""
    lane = roads.lanes[way]
    neighbours = {roads.index[name] for name in (lane.left, lane.right) if name is not None}
    for other, at, other_way in there:
        cycles = other_way == way and other.type is ParticipantType.BICYCLE
        if (cycles or other_way in neighbours) and not other.speed[at] < 3.0:
            yield other, at, cycles


def oncoming_opportunities(timeline: Timeline) -> list[Opportunity]:
    """Vehicles that meet on a road without anything between the directions: head-on, or along their sides. Those first
    of all whose culprit meets nobody else while drifting over the middle of the road."""
    found: list[Opportunity] = []
    tracks = list(timeline.tracks.values())
    if not tracks:
        return found
    paths = _paths(timeline, tracks)
    for i, culprit in enumerate(tracks):
        if culprit.type in TWO_WHEELERS:
            continue
        last, share, side_m = _passed_by(i, paths)
        for j in np.flatnonzero(last >= 0).tolist():
            at, k = int(last[j]), paths.start[i] + last[j]
            ahead = paths.tx[k], paths.ty[k]
            found += _meeting(timeline.roads, culprit, tracks[j], at, ahead, float(share[j]), float(side_m[j]))
    met: dict[int, list[float]] = {}
    for each in found:
        met.setdefault(each.culprit, []).append(each.step)
    alone = [
        each for each in found if not any(0.0 < (each.step - step) * STEP_S < _DRIFTS_S for step in met[each.culprit])
    ]
    return alone or found


class _Paths(NamedTuple):
    """T tracks' samples one after another: ``start`` T+1 where each begins, ``first`` T its first step, places and unit
    vectors along the ways."""

    start: Ints
    first: Ints
    x: Floats
    y: Floats
    tx: Floats
    ty: Floats


def _paths(timeline: Timeline, tracks: Sequence[Track]) -> _Paths:
    ways = timeline.roads.ways
    way = np.concatenate([track.way for track in tracks])
    s_m = np.concatenate([track.s_m for track in tracks])
    i = ways.first[way] + np.clip(s_m.astype(np.int64), 0, None)
    i = np.minimum(i, ways.first[way + 1] - 1)
    start = np.cumsum([0, *(len(track.s_m) for track in tracks)])
    x, y = np.concatenate([track.x for track in tracks]), np.concatenate([track.y for track in tracks])
    return _Paths(start, np.array([track.first for track in tracks]), x, y, ways.tx[i], ways.ty[i])


@kernel
def _passed(x: Floats, y: Floats, tx: Floats, ty: Floats, other_x: Floats, other_y: Floats) -> tuple[int, float, float]:
    """When one vehicle, which heads along (tx, ty), passes the middle of another for the first time: the number of the
    last of K samples before (−1: never), the share of a step after it, and how far to the left the other one is."""
    before = -1.0
    for k in range(len(x)):
        along = (other_x[k] - x[k]) * tx[k] + (other_y[k] - y[k]) * ty[k]
        if before > 0.0 and along <= 0.0:
            last = k - 1
            side = (other_y[last] - y[last]) * tx[last] - (other_x[last] - x[last]) * ty[last]
            return last, before / max(before - along, 1e-6), side
        before = along
    return -1, 0.0, 0.0


@kernel
def _passed_by(culprit: int, paths: _Paths) -> tuple[Ints, Floats, Floats]:
    """``_passed`` of one track and each of T: the number of its own sample; −1 too where the two are not there together
    for long."""
    start, first, x, y, tx, ty = paths
    count = len(first)
    last, share, side = np.full(count, -1), np.zeros(count), np.zeros(count)
    for other in range(count):
        from_step = max(first[culprit], first[other])
        mine, its = start[culprit] + from_step - first[culprit], start[other] + from_step - first[other]
        together = min(start[culprit + 1] - mine, start[other + 1] - its)
        if together < _SHORTEST or other == culprit:
            continue
        i, j = slice(mine, mine + together), slice(its, its + together)
        k, share[other], side[other] = _passed(x[i], y[i], tx[i], ty[i], x[j], y[j])
        last[other] = -1 if k < 0 else k + from_step - first[culprit]
    return last, share, side


def _meeting(
    roads: Network, culprit: Track, victim: Track, at: int, ahead: tuple[float, float], share: float, side_m: float
) -> Iterator[Opportunity]:
    """``at``: the culprit's sample before it passes the victim, heading ``ahead`` then; ``share`` and ``side_m`` as
    ``_passed_by`` has them."""
    step, ways = culprit.first + at, roads.ways
    other = step - victim.first
    j = ways.first[victim.way[other]] + int(victim.s_m[other])
    facing = float(ahead[0] * ways.tx[j] + ahead[1] * ways.ty[j])
    speed, other_speed = float(culprit.speed[at]), float(victim.speed[other])
    if facing > -0.95 or not 2.3 < side_m < 5.2 or speed < 5.0 or other_speed < 4.0:
        return
    x = 0.5 * float(culprit.x[at] + victim.x[other])
    y = 0.5 * float(culprit.y[at] + victim.y[other])
    widths = VEHICLES[culprit.type].width_m / 2 + VEHICLES[victim.type].width_m / 2
    yield Opportunity(
        step=step + share,
        where=(x, y),
        culprit=culprit.number,
        victims=(victim.number,),
        cause=Cause.FELL_ASLEEP,
        collision=CollisionType.HEAD_ON,
        onset_s=2.0,
        speed_mps=speed + other_speed,
        details={"side_m": side_m, "widths_m": widths, "culprit_mps": speed, "victim_mps": other_speed},
    )
