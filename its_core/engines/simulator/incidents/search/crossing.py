"""Ways that cross or join: somebody who does not stop for the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from its_core.engines.simulator.dimensions import VEHICLES
from its_core.engines.simulator.incidents.opportunity import Opportunity
from its_core.engines.simulator.incidents.timeline import Timeline, Track
from its_core.engines.simulator.portable_math import cos
from its_core.engines.simulator.roads.network import Crossing
from its_core.engines.simulator.roads.signals import GREEN
from its_core.engines.simulator.simulation.flow import STEP_S
from its_core.taxonomy import Cause, CollisionType, ParticipantType

ONSETS_S = (1.5, 2.0, 2.5, 3.0, 3.5, 4.25)
RESTS_S = (1.5, 1.75, 2.0, 2.25, 2.5, 3.0, 3.5, 4.0, 4.75)
PULLS_MPS2 = (1.4, 3.4)
FASTEST_MPS = 23.5
TURN_ONSETS_S = (2.5, 3.0, 3.5, 4.25, 5.0, 5.75)  # whoever turns slows down for it first
TURNS_MPS2 = 5.2  # sideways pull in a turn that is taken too fast
LEAST_DEG, JOINING_DEG = 14.0, 55.0
_SHIFTED_S = 1.5  # a turning driver may come that much earlier or later than they did


@dataclass(frozen=True, slots=True)
class Approach:
    """How a culprit comes to a point at the right moment: ``onset_s`` before it at ``from_m`` of the way, at
    ``speed_mps`` then, ``from_rest`` with that acceleration (0: rolling). ``goes_elsewhere``: not where they went in
    the timeline."""

    onset_s: float
    from_m: float
    speed_mps: float
    from_rest: float
    goes_elsewhere: bool = False


def crossing_opportunities(
    timeline: Timeline, victims: Callable[[ParticipantType], bool], culprits: Callable[[ParticipantType], bool]
) -> list[Opportunity]:
    """Front-to-side collisions at angles of 35 to 150 degrees, by the error that the place allows. Where ways join, one
    of the two is still turning when they touch: more than between the ways."""
    found: list[Opportunity] = []
    by_way = tracks_by_way(timeline)
    by_approach: dict[str, list[Track]] = {}
    for way, tracks in by_way.items():
        mine = by_approach.setdefault(timeline.roads.lanes[way].approach, [])
        mine += [track for track in tracks if track not in mine]
    for crossing in timeline.roads.crossings():
        angle = abs(crossing.angle_deg)
        if not LEAST_DEG <= angle <= 150.0 or timeline.roads.lanes[crossing.way].forbidden:
            continue
        for victim in by_way.get(crossing.other, ()):
            when = victim.passes(crossing.other_s_m, crossing.other)
            if when is None or not victims(victim.type):
                continue
            at = victim.at(int(when))
            if at is None or victim.speed[at] < 3.0:
                continue
            for culprit in by_approach.get(timeline.roads.lanes[crossing.way].approach, ()):
                if culprit.number != victim.number and culprits(culprit.type):
                    found += _errors(timeline, crossing, culprit, victim, when, float(victim.speed[at]))
    return found


def tracks_by_way(timeline: Timeline) -> dict[int, list[Track]]:
    found: dict[int, list[Track]] = {}
    for track in timeline.tracks.values():
        for way in sorted(set(track.way.tolist())):
            found.setdefault(way, []).append(track)
    return found


def _errors(
    timeline: Timeline, crossing: Crossing, culprit: Track, victim: Track, when: float, victim_mps: float
) -> Iterator[Opportunity]:
    """The errors by which a culprit would meet a victim that passes at a step of the timeline."""
    lane = timeline.roads.lanes[crossing.way]
    other = timeline.roads.lanes[crossing.other]
    cause = _cause(timeline, crossing, when)
    if cause is None:
        return
    for approach in approaches(timeline, culprit, crossing.way, crossing.s_m, when, others=True):
        speed = approach.speed_mps if approach.from_rest == 0.0 else approach.from_rest * approach.onset_s
        x, y, _, _ = timeline.roads.place(crossing.way, crossing.s_m)
        cosine = _cos_deg(crossing.angle_deg)
        relative = math.sqrt(max(speed * speed + victim_mps * victim_mps - 2 * speed * victim_mps * cosine, 0.0))
        yield Opportunity(
            step=when,
            where=(x, y),
            culprit=culprit.number,
            victims=(victim.number,),
            cause=cause,
            collision=CollisionType.T_BONE,
            onset_s=approach.onset_s,
            speed_mps=relative,
            details={
                "way": crossing.way,
                "other_way": crossing.other,
                "s_m": crossing.s_m,
                "other_s_m": crossing.other_s_m,
                "angle_deg": crossing.angle_deg if abs(crossing.angle_deg) > 35.0 else JOINING_DEG,
                "from_m": approach.from_m,
                "from_rest": approach.from_rest,
                "turns": float(approach.goes_elsewhere),
                "culprit_mps": speed,
                "victim_mps": victim_mps,
                "half_m": VEHICLES[culprit.type].width_m / 2,
                "other_half_m": VEHICLES[victim.type].width_m / 2,
                "front_m": culprit.front_m,
                "other_front_m": victim.front_m,
                "line_m": -1.0 if lane.stop_s_m is None else lane.stop_s_m,
                "other_line_m": -1.0 if other.stop_s_m is None else other.stop_s_m,
            },
        )


def _cause(timeline: Timeline, crossing: Crossing, when: float) -> Cause | None:
    """What a driver on the first way does wrong who drives into the crossing at that step; None where nothing is."""
    lane, other = timeline.roads.lanes[crossing.way], timeline.roads.lanes[crossing.other]
    time_s = timeline.start_s + timeline.time_s(when)
    if lane.signal is not None and timeline.programme is not None:
        if other.name in lane.conflicts:
            return Cause.LEFT_TURN_ACROSS_PATH if lane.movement == "left" else Cause.FAILURE_TO_YIELD
        if other.signal is None or lane.approach == other.approach:
            return None
        phase, other_phase = _phase(timeline, lane.signal), _phase(timeline, other.signal)
        if phase == other_phase or timeline.programme.aspect(other_phase, time_s) != GREEN:
            return None
        return Cause.RED_LIGHT_RUNNING
    if other.name in lane.conflicts:
        left = lane.movement == "left" and other.movement == "straight" and _oncoming(timeline, crossing)
        return Cause.LEFT_TURN_ACROSS_PATH if left else Cause.FAILURE_TO_YIELD
    return None


def _oncoming(timeline: Timeline, crossing: Crossing) -> bool:
    """Whether the two ways begin towards each other, on one street."""
    _, _, x, y = timeline.roads.place(crossing.way, 10.0)
    _, _, other_x, other_y = timeline.roads.place(crossing.other, 10.0)
    return x * other_x + y * other_y < -0.7


def _phase(timeline: Timeline, head: int) -> int:
    return timeline.roads.phases[head]


def approaches(
    timeline: Timeline, culprit: Track, way: int, s_m: float, when: float, others: bool = False
) -> Iterator[Approach]:
    """How a culprit could be at ``s_m`` of a way at that step, had it not braked or waited. ``others``: also one who
    went another of the ways that part from the lane."""
    turns = timeline.roads.lanes[way].movement != "straight"
    if others and turns:
        yield from _turning(timeline, culprit, way, s_m, when)
    for onset_s in ONSETS_S:
        at = culprit.at(round(when - onset_s / STEP_S))
        if at is None or culprit.way[at] != way:
            continue
        left, speed = s_m - float(culprit.s_m[at]), float(culprit.speed[at])
        if left < 4.0 or speed < 3.0 or culprit.acceleration[at] < (-2.4 if turns else -1.3):
            continue
        needed = left / onset_s
        if turns:
            passes = culprit.passes(s_m, way)
            fits = passes is not None and abs(passes - when) * STEP_S < _SHIFTED_S and onset_s > 2.2
        else:
            fits = 0.8 * speed <= needed <= min(1.32 * speed, FASTEST_MPS) and speed > 4.0
        if fits and is_free(timeline, culprit, way, at, s_m):
            yield Approach(onset_s, s_m - left, needed, 0.0)
    yield from _from_rest(timeline, culprit, way, s_m, when)


def _turning(timeline: Timeline, culprit: Track, way: int, s_m: float, when: float) -> Iterator[Approach]:
    """One who went another of the ways that part from the lane could have taken this one instead: slowing down evenly
    for its bend, or out of waiting."""
    roads = timeline.roads
    caps = roads.caps(way, TURNS_MPS2)
    cap = float(caps[min(int(s_m), len(caps) - 1)])
    line = roads.lanes[way].stop_s_m
    for onset_s in TURN_ONSETS_S:
        at = culprit.at(round(when - onset_s / STEP_S))
        if at is None or culprit.way[at] == way or roads.lanes[culprit.way[at]].approach != roads.lanes[way].approach:
            continue
        here, speed = float(culprit.s_m[at]), float(culprit.speed[at])
        if here > roads.parts_m(int(culprit.way[at]), way) - 2.0:
            continue
        ends = 2.0 * (s_m - here) / onset_s - speed
        pulls = 2.0 * (s_m - here) / (onset_s * onset_s)
        waits = speed < 1.2 and line is not None and -3.0 < line - here - culprit.front_m < 5.0
        rolls = speed > 4.0 and 2.5 < ends < cap and -2.6 < (ends - speed) / onset_s < 1.0
        starts = waits and PULLS_MPS2[0] < pulls < PULLS_MPS2[1] and pulls * onset_s < 1.25 * cap
        if (rolls or starts) and is_free(timeline, culprit, way, at, s_m):
            speed_mps = speed if starts else (s_m - here) / onset_s
            yield Approach(onset_s, here, speed_mps, pulls if starts else 0.0, goes_elsewhere=True)


def _from_rest(timeline: Timeline, culprit: Track, way: int, s_m: float, when: float) -> Iterator[Approach]:
    """Out of waiting: the start is as long before the point as the way there takes."""
    lane = timeline.roads.lanes[way]
    if lane.stop_s_m is None:
        return
    for rest_s in RESTS_S:
        at = culprit.at(round(when - rest_s / STEP_S))
        if at is None or culprit.way[at] != way or culprit.speed[at] > 1.2:
            continue
        left = s_m - float(culprit.s_m[at])
        pulls = 2.0 * left / (rest_s * rest_s)
        waits_m = lane.stop_s_m - float(culprit.s_m[at]) - culprit.front_m
        if -3.0 < waits_m < 5.0 and PULLS_MPS2[0] < pulls < PULLS_MPS2[1] and is_free(timeline, culprit, way, at, s_m):
            yield Approach(rest_s, s_m - left, float(culprit.speed[at]), pulls)


def is_free(timeline: Timeline, culprit: Track, way: int, at: int, s_m: float) -> bool:
    """Whether nobody is between a vehicle and an arc length of its way, at that sample of it."""
    approach = timeline.roads.lanes[way].approach
    step = culprit.first + at
    here = float(culprit.s_m[at])
    for other in timeline.tracks.values():
        index = other.at(step)
        if index is None or other.number == culprit.number:
            continue
        if timeline.roads.lanes[int(other.way[index])].approach != approach:
            continue
        ahead = float(other.s_m[index])
        if here < ahead < s_m + 4.0 and not (other.way[index] != way and ahead > s_m - 6.0):
            gone = ahead - here > 30.0 and other.speed[index] > 8.0
            if not gone:
                return False
    return True


def _cos_deg(angle_deg: float) -> float:
    return float(cos(math.radians(angle_deg)))
