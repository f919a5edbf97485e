"""Somebody turns where, or from the lane from which, one may not, or turns round in the road, and meets nobody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from its_core.engines.simulator.dimensions import TWO_WHEELERS
from its_core.engines.simulator.incidents.kind import Kind, Traffic
from its_core.engines.simulator.incidents.negatives import doing, shows
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict, failed
from its_core.engines.simulator.incidents.picture_size import plain_share
from its_core.engines.simulator.incidents.rehearsal import Rehearsal
from its_core.engines.simulator.incidents.search.anyone import best_in_view, opportunity_of
from its_core.engines.simulator.incidents.search.turning import MET, UNMET, slowing, turning_round
from its_core.engines.simulator.incidents.setting import LOOKED_AT_M, Setting, in_picture
from its_core.engines.simulator.incidents.timeline import Timeline, Track
from its_core.engines.simulator.portable_math import atan2
from its_core.engines.simulator.roads.layouts import U_TURN, Lane
from its_core.engines.simulator.roads.signals import RED
from its_core.engines.simulator.simulation.flow import STEP_S
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.traffic.habits import NORMAL, Intent

ONSETS_S = (2.5, 3.5)  # before the turn
RADIUS_M, TURN_M = 9.0, 15.0  # of the turn, about: its radius and its length
PLAIN_SHARE = 0.08
BEGUN_DEG, TURNED_DEG = 28.0, 55.0  # what is half a turn in the clip is not seen to be one
BEGUN_ROUND_DEG, ROUND_DEG = 40.0, 115.0  # likewise of who turns round
STANDS_MPS, WAITS_S = 0.4, 0.8  # in the middle of the turn
ON_RED, ACROSS, ANYHOW = "on_red", "across", "anyhow"
COMES_FROM_M, COMES_MPS = (9.0, 34.0), 5.0  # who drives on at a red light, before the turn
BEYOND_M = 4.0  # the turn's beginning
BESIDE_M = (-14.0, 3.0)  # who is cut off: so far ahead of the one who turns, who passes before them
CUTS_OFF_M = (-30.0, 3.0)  # whom one may overlook
WAITS_WITHIN_M, WAITS_MPS = 14.0, 1.0  # before the turn
ROUND = 0.6  # of illegal turns are U-turns, where traffic has both to offer


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:
    """Moments that are plain to see: turns on red past those who wait, across the way of those in the lane beside, and
    round in the road. Of a turn from the wrong lane with nobody near one hardly sees that it may not be."""
    return _chosen(timeline, setting, [each for each in _turns(timeline) if each.variant != ANYHOW])


def later(timeline: Timeline, setting: Setting) -> list[Opportunity]:
    """Any turn that may not be."""
    return _chosen(timeline, setting, _turns(timeline))


def _chosen(timeline: Timeline, setting: Setting, turns: list[Opportunity]) -> list[Opportunity]:
    """Turns or U-turns, as drawn; the others where the camera sees none of these."""
    rounds = turning_round(timeline)
    if not turns and not rounds:
        return []
    anywhere = [*rounds, *turns]
    rounds, turns = ([each for each in some if _in_whole(setting, timeline, each)] for some in (rounds, turns))
    met = [each for each in rounds if each.variant == MET]
    first = (met, rounds, turns) if setting.rng("round").random() < ROUND else (turns, met, rounds)
    share = plain_share(setting, PLAIN_SHARE)
    return best_in_view(setting, timeline, KIND.contact_s(setting), *first, anywhere, share=share)


def _in_whole(setting: Setting, timeline: Timeline, opportunity: Opportunity) -> bool:
    """Whether the picture shows a turn from its beginning to its end."""
    details = opportunity.details
    way = int(details["forbidden"])
    if opportunity.variant in (MET, UNMET):
        half_m = float(timeline.roads.lanes[way].turned_s_m or 0.0) - details["s_m"]
        begins_m, ends_m = details["s_m"] - half_m, details["s_m"] + half_m
    else:
        begins_m, ends_m = details["turn_m"], details["turn_m"] + TURN_M
    places = (timeline.roads.place(way, s_m) for s_m in np.linspace(begins_m, ends_m, 4).tolist())
    return bool(in_picture(setting.camera, np.array([(x, y, LOOKED_AT_M) for x, y, _, _ in places])).all())


def _turns(timeline: Timeline) -> list[Opportunity]:
    found: list[Opportunity] = []
    lanes = timeline.roads.lanes
    for forbidden, lane in enumerate(lanes):
        if not lane.forbidden or lane.movement == U_TURN:
            continue
        siblings = [way for way, other in enumerate(lanes) if other.approach == lane.approach and not other.forbidden]
        turn_m = min(timeline.roads.parts_m(forbidden, way) for way in siblings) if siblings else 0.0
        for track in timeline.tracks.values():
            if track.type not in TWO_WHEELERS:
                found += _on_red(timeline, track, siblings, forbidden, turn_m)
                found += _before_turn(timeline, track, siblings, forbidden, turn_m)
    return found


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
    """Moments at which a vehicle that goes another way would reach the turn, had it slowed down for it."""
    for onset_s, index in slowing(track, siblings, turn_m, RADIUS_M, ONSETS_S):
        when = track.first + index + onset_s / STEP_S
        variant = ACROSS if _beside(timeline, track, forbidden, int(when), turn_m, BESIDE_M) else ANYHOW
        yield _turning(timeline, track, index, when, onset_s, forbidden, turn_m, variant)


def _turning(
    timeline: Timeline, track: Track, at: int, when: float, onset_s: float, forbidden: int, turn_m: float, variant: str
) -> Opportunity:
    """The point of it lies in the turn, some metres behind its beginning."""
    found = opportunity_of(track, when, at, onset_s, variant)
    x, y, _, _ = timeline.roads.place(forbidden, turn_m + 2.0 * BEYOND_M)
    return replace(found, where=(x, y), details={**found.details, "forbidden": float(forbidden), "turn_m": turn_m})


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


def _beside(
    timeline: Timeline, track: Track, forbidden: int, step: int, turn_m: float, ahead_m: tuple[float, float]
) -> list[int]:
    """Those in lanes further left on the same arm who are between two distances ahead of the beginning of the turn."""
    lane = timeline.roads.lanes[forbidden]
    found = []
    for other in timeline.tracks.values():
        index = other.at(step)
        if index is None or other.number == track.number:
            continue
        beside = timeline.roads.lanes[int(other.way[index])]
        if beside.movement == lane.movement and other.speed[index] > WAITS_MPS:
            continue  # two who turn side by side look as if both might
        ahead = float(other.s_m[index]) - turn_m
        if beside.arm == lane.arm and beside.approach < lane.approach and ahead_m[0] < ahead < ahead_m[1]:
            found.append(other.number)
    return found


def plan(setting: Setting, timeline: Timeline, opportunity: Opportunity, contact_s: float, attempt: int) -> Plan:  # noqa: ARG001
    """First they look out for others, then they do not: who cuts others off overlooks those beside. Who turns round
    does not look out at first, as others have to slow down then. Who turns on red never does."""
    forbidden = int(opportunity.details["forbidden"])
    errs_s = contact_s - opportunity.onset_s - 0.5, contact_s + 4.0
    intent = Intent(ignores_signal=opportunity.variant == ON_RED, ignores_others=True, errs_s=errs_s)
    if attempt == 1 and opportunity.variant in (ON_RED, ACROSS):
        track, step = timeline.tracks[opportunity.culprit], int(opportunity.step)
        beside = _beside(timeline, track, forbidden, step, opportunity.details["turn_m"], CUTS_OFF_M)
        intent = replace(intent, overlooks=frozenset(beside))
    looks_out_at = 1 if opportunity.variant in (MET, UNMET) else 0
    if attempt == looks_out_at and opportunity.variant != ON_RED:
        intent = NORMAL
    found = doing(opportunity, contact_s, {opportunity.culprit: intent})
    return Plan(
        found.culprit, (), found.intents, found.cause, contact_s, found.where, ways={opportunity.culprit: forbidden}
    )


def accepts(setting: Setting, opportunity: Opportunity, plan: Plan, rehearsal: Rehearsal) -> bool:
    """Nobody touches, and it need not wait for others until the clip is over."""
    least_deg = _seen_from_deg(setting.roads.lanes[plan.ways[opportunity.culprit]])[1]
    return rehearsal.first is None and rehearsal.turned_deg > least_deg + 8.0


def _seen_from_deg(lane: Lane) -> tuple[float, float]:
    """How far a vehicle has turned on a way when viewers begin to see it, and when they have no doubt."""
    return (BEGUN_ROUND_DEG, ROUND_DEG) if lane.movement == U_TURN else (BEGUN_DEG, TURNED_DEG)


def judge(setting: Setting, run: Run) -> Verdict:  # noqa: ARG001
    roles = run.staging.roles
    assert roles.culprit is not None
    begun_deg, least_deg = _seen_from_deg(run.staging.vehicles[roles.culprit].driver.lane)
    rotation = run.trace.rotations[:, roles.culprit]
    yaw = 2.0 * np.degrees(np.unwrap(np.array([_half_angle(row) for row in rotation])))
    turned_deg = np.abs(yaw - yaw[0])
    if float(turned_deg.max()) < least_deg:
        return failed("it did not turn in the clip")
    half = (turned_deg > 8.0) & (turned_deg < least_deg)
    if int((half & (run.trace.speeds[:, roles.culprit] < STANDS_MPS)).sum()) > WAITS_S * run.trace.fps:
        return failed("it stood in the middle of its turn")
    begun, done = (int(np.flatnonzero(turned_deg > deg)[0]) for deg in (begun_deg, least_deg))
    fps = run.trace.fps
    return shows(run, begun - fps, max(begun + 2 * fps, done + fps), roles.culprit, begun)


def _half_angle(rotation: np.ndarray) -> float:
    return float(atan2(rotation[3], rotation[0]))


KIND = Kind(
    search,
    plan,
    accepts,
    judge,
    errs=False,
    touches=False,
    attempts=2,
    latest=0.42,
    plain_share=PLAIN_SHARE,
    later=later,
    traffic=Traffic(rare=True),
)
