"""Side by side and towards each other: somebody who leaves the lane."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import kernel
from its_core.engines.simulator.dimensions import TWO_WHEELERS, VEHICLES
from its_core.engines.simulator.incidents.opportunity import Opportunity
from its_core.engines.simulator.incidents.timeline import Timeline, Track
from its_core.engines.simulator.simulation.flow import STEP_S
from its_core.taxonomy import Cause, CollisionType, ParticipantType

Floats = NDArray[np.float64]

EVERY_STEPS = 4
_DRIFTS_S = 1.4  # before they meet, somebody who drifts over the middle of the road is in the other lane
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
    for track, at, way in there:
        if track.speed[at] < 5.0:
            continue
        lane = roads.lanes[way]
        neighbours = {roads.index[name] for name in (lane.left, lane.right) if name is not None}
        _, _, tx, ty = roads.place(way, float(track.s_m[at]))
        for other, other_at, other_way in there:
            beside = other_way == way and other.type is ParticipantType.BICYCLE
            if not (beside or other_way in neighbours) or other.speed[other_at] < 3.0:
                continue
            dx, dy = float(other.x[other_at] - track.x[at]), float(other.y[other_at] - track.y[at])
            along, side = dx * tx + dy * ty, dy * tx - dx * ty
            reach = 0.62 * (VEHICLES[track.type].length_m + VEHICLES[other.type].length_m) / 2
            if abs(along) < reach and (1.5 if beside else 2.0) < abs(side) < 5.0:
                yield track, other, side


def oncoming_opportunities(timeline: Timeline) -> list[Opportunity]:
    """Vehicles that meet on a road without anything between the directions: head-on, or along their sides. Those first
    of all whose culprit meets nobody else while drifting over the middle of the road."""
    found: list[Opportunity] = []
    tracks = list(timeline.tracks.values())
    for culprit in tracks:
        if culprit.type in TWO_WHEELERS:
            continue
        tx, ty = _headings(timeline, culprit)
        for victim in tracks:
            found += _meeting(timeline, culprit, (tx, ty), victim)
    met: dict[int, list[float]] = {}
    for each in found:
        met.setdefault(each.culprit, []).append(each.step)
    alone = [
        each for each in found if not any(0.0 < (each.step - step) * STEP_S < _DRIFTS_S for step in met[each.culprit])
    ]
    return alone or found


def _headings(timeline: Timeline, track: Track) -> tuple[Floats, Floats]:
    """Unit vectors along a vehicle's way at each of its samples."""
    ways = timeline.roads.ways
    i = ways.first[track.way] + np.clip(track.s_m.astype(np.int64), 0, None)
    i = np.minimum(i, ways.first[track.way + 1] - 1)
    return ways.tx[i], ways.ty[i]


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


def _meeting(
    timeline: Timeline, culprit: Track, headings: tuple[Floats, Floats], victim: Track
) -> Iterator[Opportunity]:
    first = max(culprit.first, victim.first)
    last = min(culprit.first + len(culprit.s_m), victim.first + len(victim.s_m))
    if last - first < 4 or culprit.number == victim.number:
        return
    mine, other = slice(first - culprit.first, last - culprit.first), slice(first - victim.first, last - victim.first)
    ways, tx, ty = timeline.roads.ways, headings[0][mine], headings[1][mine]
    k, share, side_m = _passed(culprit.x[mine], culprit.y[mine], tx, ty, victim.x[other], victim.y[other])
    if k < 0:
        return
    j = ways.first[victim.way[other][k]] + int(victim.s_m[other][k])
    facing = float(tx[k] * ways.tx[j] + ty[k] * ways.ty[j])
    speed, other_speed = float(culprit.speed[mine][k]), float(victim.speed[other][k])
    if facing > -0.95 or not 2.3 < side_m < 5.2 or speed < 5.0 or other_speed < 4.0:
        return
    x = 0.5 * float(culprit.x[mine][k] + victim.x[other][k])
    y = 0.5 * float(culprit.y[mine][k] + victim.y[other][k])
    widths = VEHICLES[culprit.type].width_m / 2 + VEHICLES[victim.type].width_m / 2
    yield Opportunity(
        step=first + k + share,
        where=(x, y),
        culprit=culprit.number,
        victims=(victim.number,),
        cause=Cause.FELL_ASLEEP,
        collision=CollisionType.HEAD_ON,
        onset_s=2.0,
        speed_mps=speed + other_speed,
        details={"side_m": side_m, "widths_m": widths, "culprit_mps": speed, "victim_mps": other_speed},
    )
