"""One behind the other: somebody who does not see that the vehicle ahead slows down."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from its_core.engines.simulator.incidents.opportunity import Opportunity
from its_core.engines.simulator.incidents.timeline import Timeline, Track
from its_core.engines.simulator.simulation.flow import STEP_S
from its_core.taxonomy import Cause, CollisionType, ParticipantType

EVERY_STEPS = 4
LONGEST_S = 5.5
SHORTEST_S = 0.9
SLOWEST_MPS = 2.4  # closing speed
LEADER_BRAKES_MPS2 = (4.5, 6.0, 7.2)


def following_opportunities(timeline: Timeline, hardest_mps2: float) -> list[Opportunity]:
    """Front-to-rear collisions: with a leader who slows down as it does anyway, or who brakes hard."""
    found: list[Opportunity] = []
    for step in range(0, timeline.steps - 8, EVERY_STEPS):
        for follower, leader in pairs(timeline, step):
            found += _as_it_is(step, follower, leader)
            found += _leader_brakes(timeline, step, follower, leader, hardest_mps2)
    return found


def pairs(timeline: Timeline, step: int) -> Iterator[tuple[Track, Track]]:
    """Every vehicle and the one before it on the same way."""
    lanes: dict[int, list[tuple[float, Track]]] = {}
    for track in timeline.tracks.values():
        at = track.at(step)
        if at is not None:
            lanes.setdefault(int(track.way[at]), []).append((float(track.s_m[at]), track))
    for there in lanes.values():
        ordered = [track for _, track in sorted(there, key=lambda each: each[0])]
        yield from pairwise(ordered)


def _as_it_is(step: int, follower: Track, leader: Track) -> Iterator[Opportunity]:
    here, there = follower.at(step), leader.at(step)
    assert here is not None and there is not None
    speed = float(follower.speed[here])
    if speed < 4.0 or follower.acceleration[here] < -1.0 or follower.type is ParticipantType.BICYCLE:
        return
    count = min(int(LONGEST_S / STEP_S), len(leader.s_m) - there)
    ahead = leader.s_m[there : there + count] - leader.rear_m - follower.front_m
    same = leader.way[there : there + count] == leader.way[there]
    gap = ahead - (follower.s_m[here] + speed * STEP_S * np.arange(count))
    closed = np.flatnonzero((gap <= 0.0) & same)
    if not len(closed):
        return
    k = int(closed[0])
    closing = speed - float(leader.speed[there + k])
    if k * STEP_S < SHORTEST_S or closing < SLOWEST_MPS or not same[: k + 1].all():
        return
    x, y = float(leader.x[there + k]), float(leader.y[there + k])
    yield Opportunity(
        step=step + k,
        where=(x, y),
        culprit=follower.number,
        victims=(leader.number,),
        cause=Cause.INATTENTION,
        collision=CollisionType.REAR_END,
        onset_s=k * STEP_S,
        speed_mps=closing,
    )


def _leader_brakes(
    timeline: Timeline, step: int, follower: Track, leader: Track, hardest_mps2: float
) -> Iterator[Opportunity]:
    here, there = follower.at(step), leader.at(step)
    assert here is not None and there is not None
    speed, lead = float(follower.speed[here]), float(leader.speed[there])
    gap = float(leader.s_m[there] - leader.rear_m - follower.s_m[here] - follower.front_m)
    slow = min(speed, lead) < 8.0 or follower.type is ParticipantType.BICYCLE or leader.type is ParticipantType.BICYCLE
    if slow or not 3.0 < gap < 42.0 or follower.acceleration[here] < -1.0:
        return
    brakes = min(LEADER_BRAKES_MPS2[(step // EVERY_STEPS) % len(LEADER_BRAKES_MPS2)], hardest_mps2)
    times = STEP_S * np.arange(1, int(LONGEST_S / STEP_S))
    braking = np.minimum(times, lead / brakes)
    closed = np.flatnonzero(gap + lead * braking - 0.5 * brakes * braking * braking - speed * times <= 0.0)
    if not len(closed):
        return
    onset_s = float(times[closed[0]])
    closing = speed - max(lead - brakes * onset_s, 0.0)
    if onset_s < SHORTEST_S or closing < SLOWEST_MPS:
        return
    at = min(
        float(follower.s_m[here]) + speed * onset_s + follower.front_m, timeline.roads.length_m(int(follower.way[here]))
    )
    x, y, _, _ = timeline.roads.place(int(follower.way[here]), at)
    cause = Cause.FOLLOWING_TOO_CLOSELY if gap < 0.95 * speed else Cause.INATTENTION
    yield Opportunity(
        step=step + onset_s / STEP_S,
        where=(x, y),
        culprit=follower.number,
        victims=(leader.number,),
        cause=cause,
        collision=CollisionType.REAR_END,
        onset_s=onset_s,
        speed_mps=closing,
        details={"leader_brakes_mps2": brakes, "follower_mps": speed, "gap_m": gap},
    )
