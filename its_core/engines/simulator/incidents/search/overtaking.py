"""Cyclists whom a driver behind them could overtake."""

from __future__ import annotations

from collections.abc import Iterator

from its_core.engines.simulator.dimensions import TWO_WHEELERS, VEHICLES
from its_core.engines.simulator.incidents.opportunity import Opportunity
from its_core.engines.simulator.incidents.timeline import Timeline, Track
from its_core.engines.simulator.simulation.flow import STEP_S
from its_core.taxonomy import Cause, ParticipantType

EVERY_STEPS = 4
ONSETS_S = (2.25, 3.0, 3.75, 4.5, 5.25)
PULLS_MPS2 = (-1.2, 2.4)  # of a driver who gets there in that time
FASTER_MPS, FASTEST_MPS = 3.0, 16.0  # than the cyclist, and in all
CLOSE_M = 0.3  # between the two when one is beside the other
ROOM_M, ROOM_S = 6.0, 1.2  # ahead of the two, and by how much faster who passes is than who is there
STRAIGHT_M, LEAST_BEND = (14.0, 15.0), 0.005  # of a way, behind and ahead of the two; 1/m
MOVED_OVER_M = 0.4  # from the middle of the lane: who is so far to the left already leaves room


def overtaking_opportunities(timeline: Timeline) -> list[Opportunity]:
    """A driver behind a cyclist, with nobody between them, who is beside the cyclist some seconds later."""
    cyclists = [track for track in timeline.tracks.values() if track.type is ParticipantType.BICYCLE]
    drivers = [track for track in timeline.tracks.values() if track.type not in TWO_WHEELERS]
    found: list[Opportunity] = []
    for cyclist in cyclists:
        last = min(timeline.steps, cyclist.first + len(cyclist.s_m)) - 8
        for step in range(max(cyclist.first + 8, int(ONSETS_S[0] / STEP_S)), last, EVERY_STEPS):
            at = cyclist.at(step)
            if at is None or not _goes_straight(timeline, int(cyclist.way[at]), float(cyclist.s_m[at])):
                continue
            for driver in drivers:
                found += _overtakes(timeline, cyclist, at, driver, step)
    return found


def _goes_straight(timeline: Timeline, way: int, s_m: float) -> bool:
    """Whether a way does not bend about a place, and whoever turns on it need not slow down for that yet."""
    lane, ways = timeline.roads.lanes[way], timeline.roads.ways
    if lane.movement == "straight":
        return True
    if lane.stop_s_m is not None and -STRAIGHT_M[0] < lane.stop_s_m - s_m < STRAIGHT_M[1]:
        return False
    first, end = int(ways.first[way]), int(ways.first[way + 1])
    from_, to = (min(max(first + int(s_m + each), first), end) for each in (-STRAIGHT_M[0], STRAIGHT_M[1]))
    return bool((ways.bend[from_:to] < LEAST_BEND).all())


def _overtakes(timeline: Timeline, cyclist: Track, at: int, driver: Track, step: int) -> Iterator[Opportunity]:
    way, there_m, cyclist_mps = int(cyclist.way[at]), float(cyclist.s_m[at]), float(cyclist.speed[at])
    for onset_s in ONSETS_S:
        begins = step - round(onset_s / STEP_S)
        own, other = driver.at(begins), cyclist.at(begins)
        if own is None or other is None or driver.way[own] != way or cyclist.way[other] != way:
            continue
        here_m, speed = float(driver.s_m[own]), float(driver.speed[own])
        pull = 2.0 * (there_m - here_m - speed * onset_s) / (onset_s * onset_s)
        passes_mps = speed + pull * onset_s
        fits = PULLS_MPS2[0] < pull < PULLS_MPS2[1] and cyclist_mps + FASTER_MPS < passes_mps < FASTEST_MPS
        behind_m = float(cyclist.s_m[other]) - here_m - driver.front_m - cyclist.rear_m
        if not fits or behind_m < 2.0 or _between(timeline, begins, way, here_m, float(cyclist.s_m[other])):
            continue
        if _brakes_after(timeline, step, way, there_m, passes_mps):
            continue
        _, driver_aside_m = timeline.roads.project(way, float(driver.x[own]), float(driver.y[own]))
        _, aside_m = timeline.roads.project(way, float(cyclist.x[at]), float(cyclist.y[at]))
        if driver_aside_m > MOVED_OVER_M or aside_m > -0.5:
            continue
        widths_m = VEHICLES[driver.type].width_m / 2 + VEHICLES[cyclist.type].width_m / 2
        yield Opportunity(
            step=step,
            where=(float(cyclist.x[at]), float(cyclist.y[at])),
            culprit=driver.number,
            victims=(cyclist.number,),
            cause=Cause.INATTENTION,
            collision=None,
            onset_s=onset_s,
            speed_mps=passes_mps - cyclist_mps,
            details={
                "s_m": there_m,
                "touch_m": aside_m - driver_aside_m + widths_m,
                "passes_m": widths_m + CLOSE_M,
                "culprit_mps": passes_mps,
            },
        )
        return


def _brakes_after(timeline: Timeline, step: int, way: int, from_m: float, mps: float) -> bool:
    """Whether somebody slower is so near ahead of the two that whoever passes would brake hard next."""
    for track in timeline.tracks.values():
        at = track.at(step)
        if at is not None and track.way[at] == way:
            ahead_m, closing_mps = float(track.s_m[at]) - from_m, max(mps - float(track.speed[at]), 0.0)
            if 0.0 < ahead_m < ROOM_M + ROOM_S * closing_mps:
                return True
    return False


def _between(timeline: Timeline, step: int, way: int, from_m: float, to_m: float) -> bool:
    for track in timeline.tracks.values():
        at = track.at(step)
        if at is not None and track.way[at] == way and from_m < track.s_m[at] < to_m:
            return True
    return False
