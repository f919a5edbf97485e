"""Somebody turns where, or from the lane from which, one may not, and meets nobody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from its_core.engines.simulator.dimensions import TWO_WHEELERS
from its_core.engines.simulator.incidents.kind import Kind, Traffic
from its_core.engines.simulator.incidents.negatives import doing, shows
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict, failed
from its_core.engines.simulator.incidents.rehearsal import Rehearsal
from its_core.engines.simulator.incidents.search.anyone import best_in_view, opportunity_of
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.incidents.timeline import Timeline, Track
from its_core.engines.simulator.roads.layouts import Lane
from its_core.engines.simulator.roads.signals import RED
from its_core.engines.simulator.simulation.flow import STEP_S
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.traffic.habits import NORMAL, Intent

ONSETS_S = (2.5, 3.5)  # before the turn
BEGUN_DEG, TURNED_DEG = 28.0, 55.0  # what is half a turn in the clip is not seen to be one
STANDS_MPS, WAITS_S = 0.4, 0.8  # in the middle of the turn
ON_RED, ACROSS, ANYHOW = "on_red", "across", "anyhow"
COMES_FROM_M, COMES_MPS = (9.0, 34.0), 5.0  # who drives on at a red light, before the turn
BEYOND_M = 4.0  # the turn's beginning
BESIDE_M = (-14.0, 9.0)  # who is cut off: so far ahead of the one who turns
WAITS_WITHIN_M, WAITS_MPS = 14.0, 1.0  # before the turn
PLAIN = 0.9  # of illegal turns, where there are signals: nothing but such moments will do


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:
    """On red past those who wait, or across the way of those in the lane beside, where there are such moments: of a
    turn with nobody near, one hardly sees that it may not be."""
    found: list[Opportunity] = []
    lanes = timeline.roads.lanes
    for forbidden, lane in enumerate(lanes):
        if not lane.forbidden:
            continue
        siblings = [way for way, other in enumerate(lanes) if other.approach == lane.approach and not other.forbidden]
        turn_m = min(timeline.roads.parts_m(forbidden, way) for way in siblings) if siblings else 0.0
        for track in timeline.tracks.values():
            if track.type not in TWO_WHEELERS:
                found += _on_red(timeline, track, siblings, forbidden, turn_m)
                found += _before_turn(timeline, track, siblings, forbidden, turn_m)
    plain = [each for each in found if each.variant != ANYHOW]
    if timeline.programme is not None and setting.rng("plain").random() < PLAIN:
        return plain
    return best_in_view(setting, timeline, KIND.contact_s(setting), plain, found)


def _on_red(
    timeline: Timeline, track: Track, siblings: list[int], forbidden: int, turn_m: float
) -> Iterator[Opportunity]:
    """A vehicle that comes up to a red light at which somebody waits in the lane beside, and could drive on."""
    lane = timeline.roads.lanes[forbidden]
    if lane.signal is None or timeline.programme is None:
        return
    phase = timeline.roads.phases[lane.signal]
    for step in range(track.first + 2, track.first + len(track.s_m), 4):
        at = track.at(step)
        if at is None or int(track.way[at]) not in siblings or track.speed[at] < COMES_MPS:
            continue
        left_m = turn_m - float(track.s_m[at])
        if not COMES_FROM_M[0] < left_m < COMES_FROM_M[1]:
            continue
        onset_s = left_m / float(track.speed[at])
        when = step + onset_s / STEP_S
        aspects = [timeline.programme.aspect(phase, timeline.start_s + timeline.time_s(each)) for each in (step, when)]
        ahead = _ahead(timeline, track, step, turn_m + BEYOND_M)
        if any(aspect != RED for aspect in aspects) or ahead or not _waits_beside(timeline, lane, step, turn_m):
            continue
        yield _turning(timeline, track, at, when, onset_s + 0.2, forbidden, turn_m, ON_RED)


def _before_turn(
    timeline: Timeline, track: Track, siblings: list[int], forbidden: int, turn_m: float
) -> Iterator[Opportunity]:
    """Moments at which a vehicle that will go another way reaches the turn."""
    for way in siblings:
        when = track.passes(turn_m, way)
        at = track.at(int(when)) if when is not None else None
        if when is None or at is None:
            continue
        variant = ACROSS if _cuts_off(timeline, track, at, int(when), forbidden) else ANYHOW
        for onset_s in ONSETS_S:
            yield _turning(timeline, track, at, when, onset_s, forbidden, turn_m, variant)


def _turning(
    timeline: Timeline, track: Track, at: int, when: float, onset_s: float, forbidden: int, turn_m: float, variant: str
) -> Opportunity:
    """The point of it lies in the turn, some metres behind its beginning."""
    found = opportunity_of(track, when, at, onset_s, variant)
    x, y, _, _ = timeline.roads.place(forbidden, turn_m + 2.0 * BEYOND_M)
    return replace(found, where=(x, y), details={**found.details, "forbidden": float(forbidden)})


def _ahead(timeline: Timeline, track: Track, step: int, until_m: float) -> bool:
    """Whether somebody in the same lane is between a vehicle and a place of its way."""
    at = track.at(step)
    assert at is not None
    approach = timeline.roads.lanes[int(track.way[at])].approach
    for other in timeline.tracks.values():
        index = other.at(step)
        if index is None or other.number == track.number:
            continue
        same = timeline.roads.lanes[int(other.way[index])].approach == approach
        if same and track.s_m[at] < other.s_m[index] < until_m:
            return True
    return False


def _waits_beside(timeline: Timeline, lane: Lane, step: int, turn_m: float) -> bool:
    """Whether somebody waits at the line in another lane of the same arm."""
    for other in timeline.tracks.values():
        at = other.at(step)
        if at is None or other.speed[at] > WAITS_MPS:
            continue
        beside = timeline.roads.lanes[int(other.way[at])]
        waits_m = turn_m - float(other.s_m[at])
        if beside.arm == lane.arm and beside.approach != lane.approach and 0.0 < waits_m < WAITS_WITHIN_M:
            return True
    return False


def _cuts_off(timeline: Timeline, track: Track, at: int, step: int, forbidden: int) -> bool:
    """Whether somebody in another lane of the same arm is about beside a vehicle at the beginning of the turn."""
    lane = timeline.roads.lanes[forbidden]
    for other in timeline.tracks.values():
        index = other.at(step)
        if index is None or other.number == track.number:
            continue
        beside = timeline.roads.lanes[int(other.way[index])]
        ahead_m = float(other.s_m[index] - track.s_m[at])
        if beside.movement == lane.movement and other.speed[index] > WAITS_MPS:
            continue  # two who turn side by side look as if both might
        if beside.arm == lane.arm and beside.approach != lane.approach and BESIDE_M[0] < ahead_m < BESIDE_M[1]:
            return True
    return False


def plan(setting: Setting, timeline: Timeline, opportunity: Opportunity, contact_s: float, attempt: int) -> Plan:  # noqa: ARG001
    # If they would wait for others until the clip is over, they do not.
    on_red = opportunity.variant == ON_RED
    pushy = Intent(
        ignores_signal=on_red, ignores_others=True, errs_s=(contact_s - opportunity.onset_s - 0.5, contact_s + 4.0)
    )
    found = doing(opportunity, contact_s, {opportunity.culprit: pushy if on_red or attempt == 1 else NORMAL})
    return Plan(
        found.culprit, (), found.intents, found.cause, contact_s, found.where,
        ways={opportunity.culprit: int(opportunity.details["forbidden"])},
    )  # fmt: skip


def accepts(setting: Setting, opportunity: Opportunity, plan: Plan, rehearsal: Rehearsal) -> bool:  # noqa: ARG001
    """Nobody touches, and it need not wait for others until the clip is over."""
    return rehearsal.first is None and rehearsal.turned_deg > TURNED_DEG + 8.0


def judge(setting: Setting, run: Run) -> Verdict:  # noqa: ARG001
    roles = run.staging.roles
    assert roles.culprit is not None
    rotation = run.trace.rotations[:, roles.culprit]
    yaw = 2.0 * np.degrees(np.unwrap(np.array([_half_angle(row) for row in rotation])))
    turned = np.flatnonzero(np.abs(yaw - yaw[0]) > BEGUN_DEG)
    if float(np.abs(yaw - yaw[0]).max()) < TURNED_DEG:
        return failed("it did not turn in the clip")
    half = (np.abs(yaw - yaw[0]) > 8.0) & (np.abs(yaw - yaw[0]) < TURNED_DEG)
    if int((half & (run.trace.speeds[:, roles.culprit] < STANDS_MPS)).sum()) > WAITS_S * run.trace.fps:
        return failed("it stood in the middle of its turn")
    frame = int(turned[0])
    fps = run.trace.fps
    return shows(run, frame - fps, frame + 2 * fps, roles.culprit, frame)


def _half_angle(rotation: np.ndarray) -> float:
    from its_core.engines.simulator.portable_math import atan2

    return float(atan2(rotation[3], rotation[0]))


KIND = Kind(
    search, plan, accepts, judge, errs=False, touches=False, attempts=2, latest=0.42, traffic=Traffic(rare=True)
)
