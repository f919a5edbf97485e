"""Vehicles that could turn off their lane or round in the road: when they would come to the turn, having slowed down
for it, and whether others leave them room."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.incidents.opportunity import Opportunity
from its_core.engines.simulator.incidents.search.anyone import opportunity_of
from its_core.engines.simulator.incidents.timeline import Timeline, Track
from its_core.engines.simulator.roads.layouts import U_TURN
from its_core.engines.simulator.roads.network import USUAL_BEND_MPS2
from its_core.engines.simulator.roads.signals import GREEN
from its_core.engines.simulator.simulation.flow import STEP_S
from its_core.taxonomy import ParticipantType

Floats = NDArray[np.float64]

TURNS = frozenset({ParticipantType.SEDAN, ParticipantType.HATCHBACK, ParticipantType.SUV})  # in so little room
SLOWS_MPS2, HARDEST_MPS2 = 1.8, 2.6  # before the turn: as drivers do, and as they could
ONSETS_S = (2.5, 3.5, 4.5)  # before the turn: the indicator, and the brake
HALF_WAY_S = 1.5  # after its beginning, when it is across the lanes of oncoming traffic
CLEAR_M, CLEAR_S = 6.0, 1.2  # of that place, of who comes along
MEETS_M = 45.0
MET, UNMET = "round_met", "round_unmet"  # whether somebody who comes along has to slow down


def turning_round(timeline: Timeline) -> list[Opportunity]:
    """Whoever could make a U-turn with some room for it."""
    found: list[Opportunity] = []
    lanes = timeline.roads.lanes
    for way, lane in enumerate(lanes):
        if lane.movement != U_TURN:
            continue
        for sibling, other in enumerate(lanes):
            if other.approach == lane.approach and other.movement == "straight":
                for track in timeline.tracks.values():
                    if track.type in TURNS:
                        found += _round(timeline, track, sibling, way)
    return found


def _round(timeline: Timeline, track: Track, sibling: int, way: int) -> Iterator[Opportunity]:
    lane = timeline.roads.lanes[way]
    turn_m = timeline.roads.parts_m(way, sibling) - 2.0
    assert lane.turned_s_m is not None
    across_m = (turn_m + lane.turned_s_m) / 2
    radius_m = (lane.turned_s_m - turn_m) / math.pi
    for onset_s, index in slowing(track, [sibling], turn_m, radius_m, ONSETS_S):
        step = track.first + index + onset_s / STEP_S
        if not _may_go(timeline, way, step):
            continue
        variant = _room(timeline, track, way, sibling, turn_m, across_m, step)
        if variant is None:
            continue
        x, y, _, _ = timeline.roads.place(way, across_m)
        details = {"way": float(way), "s_m": across_m, "forbidden": float(way)}
        yield replace(opportunity_of(track, step, index, onset_s, variant), where=(x, y), details=details)


def slowing(
    track: Track, ways: Collection[int], turn_m: float, radius_m: float, onsets_s: Sequence[float]
) -> Iterator[tuple[float, int]]:
    """Samples of a track so long before a turn at arc length ``turn_m`` of its ways that its driver, braking for the
    turn's ``radius_m`` from there on, would come to it after each of some times: the time, and the first such one."""
    left_m = turn_m - track.s_m
    starts = np.flatnonzero(np.isin(track.way, list(ways)) & (left_m > 1.0))
    takes_s = _takes_s(left_m[starts], track.speed[starts], math.sqrt(USUAL_BEND_MPS2 * radius_m))
    for onset_s in onsets_s:
        timely = np.flatnonzero(np.abs(takes_s - onset_s) <= STEP_S)
        if len(timely):
            yield onset_s, int(starts[timely[0]])


def _takes_s(left_m: Floats, speed: Floats, slow_mps: float) -> Floats:
    """Seconds until a turn ``left_m`` away, for drivers who go on and brake for it; infinite where that would be too
    hard."""
    squares = np.maximum(speed * speed - slow_mps * slow_mps, 0.0)
    pull = np.minimum(squares / (2.0 * left_m), HARDEST_MPS2)
    brakes_mps2 = np.maximum(pull, SLOWS_MPS2)
    change_s = np.abs(speed - slow_mps) / brakes_mps2
    takes_s = (left_m - squares / (2.0 * brakes_mps2)) / np.maximum(speed, slow_mps) + change_s
    return np.asarray(np.where(squares > 2.0 * HARDEST_MPS2 * left_m, np.inf, takes_s))


def _may_go(timeline: Timeline, way: int, step: float) -> bool:
    """Whether no signal stops the one who turns."""
    lane = timeline.roads.lanes[way]
    if lane.signal is None or timeline.programme is None:
        return True
    phase = timeline.roads.phases[lane.signal]
    times = [timeline.start_s + timeline.time_s(each) for each in (step, step - 2.0 / STEP_S)]
    return all(timeline.programme.aspect(phase, time_s) == GREEN for time_s in times)


def _room(
    timeline: Timeline, track: Track, way: int, sibling: int, turn_m: float, across_m: float, step: float
) -> str | None:
    """Whether somebody will have to slow down for the turn; None where somebody is in its way."""
    x, y, tx, ty = timeline.roads.place(way, across_m)
    variant = UNMET
    _, _, ahead_x, ahead_y = timeline.roads.place(way, turn_m)
    for other in timeline.tracks.values():
        if other.number == track.number:
            continue
        at = other.at(int(step))
        later = other.at(int(step + HALF_WAY_S / STEP_S))
        if at is None:
            continue
        along = float((other.x[at] - x) * ahead_x + (other.y[at] - y) * ahead_y)
        beside = float((other.x[at] - x) * tx + (other.y[at] - y) * ty)
        if int(other.way[at]) == sibling or abs(beside) > 12.0:
            continue
        _, _, fx, fy = timeline.roads.place(int(other.way[at]), float(other.s_m[at]))
        comes = -(fx * ahead_x + fy * ahead_y)
        if abs(along) < CLEAR_M or (later is not None and _near(other, later, x, y)):
            return None
        if along > 0.0 and comes > 0.7 and other.speed[at] > 3.0:
            if along < CLEAR_M + CLEAR_S * float(other.speed[at]):
                return None
            if along < MEETS_M:
                variant = MET
    return variant


def _near(track: Track, at: int, x: float, y: float) -> bool:
    dx, dy = float(track.x[at]) - x, float(track.y[at]) - y
    return dx * dx + dy * dy < CLEAR_M * CLEAR_M
