"""Cyclists whom a driver behind them could overtake."""

from __future__ import annotations

from collections.abc import Iterator

from its_core.engines.simulator.dimensions import TWO_WHEELERS, VEHICLES
from its_core.engines.simulator.incidents.opportunity import Opportunity
from its_core.engines.simulator.incidents.timeline import Timeline, Track
from its_core.engines.simulator.simulation.flow import STEP_S
from its_core.taxonomy import Cause, ParticipantType

EVERY_STEPS = 4
ONSETS_S = (2.25, 3.0, 3.75, 4.5)
PULLS_MPS2 = (-1.2, 2.4)  # of a driver who gets there in that time
FASTER_MPS, FASTEST_MPS = 3.0, 16.0  # than the cyclist, and in all
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
            if at is None or timeline.roads.lanes[int(cyclist.way[at])].movement != "straight":
                continue
            for driver in drivers:
                found += _overtakes(timeline, cyclist, at, driver, step)
    return found


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
            details={"s_m": there_m, "touch_m": aside_m - driver_aside_m + widths_m, "culprit_mps": passes_mps},
        )
        return


def _between(timeline: Timeline, step: int, way: int, from_m: float, to_m: float) -> bool:
    for track in timeline.tracks.values():
        at = track.at(step)
        if at is not None and track.way[at] == way and from_m < track.s_m[at] < to_m:
            return True
    return False
