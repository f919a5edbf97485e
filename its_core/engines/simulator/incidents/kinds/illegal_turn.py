"""Somebody turns where, or from the lane from which, one may not, and meets nobody."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from its_core.engines.simulator.dimensions import TWO_WHEELERS
from its_core.engines.simulator.incidents.kind import Kind
from its_core.engines.simulator.incidents.negatives import doing, shows
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict, failed
from its_core.engines.simulator.incidents.rehearsal import Rehearsal
from its_core.engines.simulator.incidents.search.anyone import opportunity_of
from its_core.engines.simulator.incidents.search.crossing import parts_m
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.incidents.timeline import Timeline, Track
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.traffic.habits import NORMAL, Intent

ONSETS_S = (2.5, 3.5)  # before the turn
TURNED_DEG = 28.0


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:  # noqa: ARG001
    found: list[Opportunity] = []
    lanes = timeline.roads.lanes
    for forbidden, lane in enumerate(lanes):
        if not lane.forbidden:
            continue
        siblings = [way for way, other in enumerate(lanes) if other.approach == lane.approach and not other.forbidden]
        turn_m = min(parts_m(timeline.roads, forbidden, way) for way in siblings) if siblings else 0.0
        for track in timeline.tracks.values():
            if track.type not in TWO_WHEELERS:
                found += _before_turn(track, siblings, forbidden, turn_m)
    return found


def _before_turn(track: Track, siblings: list[int], forbidden: int, turn_m: float) -> Iterator[Opportunity]:
    """Moments at which a vehicle that will go another way reaches the turn."""
    for way in siblings:
        when = track.passes(turn_m + 4.0, way)
        at = track.at(int(when)) if when is not None else None
        if when is None or at is None:
            continue
        for onset_s in ONSETS_S:
            found = opportunity_of(track, when, at, onset_s)
            details = {**found.details, "forbidden": float(forbidden)}
            yield Opportunity(
                when, found.where, found.culprit, (), found.cause, None, onset_s, found.speed_mps, details
            )


def plan(setting: Setting, timeline: Timeline, opportunity: Opportunity, contact_s: float, attempt: int) -> Plan:  # noqa: ARG001
    # If they would wait for others until the clip is over, they do not.
    pushy = Intent(ignores_others=True, errs_s=(contact_s - 3.0, contact_s + 4.0))
    found = doing(opportunity, contact_s, {opportunity.culprit: NORMAL if attempt == 0 else pushy})
    return Plan(
        found.culprit, (), found.intents, found.cause, contact_s, found.where,
        ways={opportunity.culprit: int(opportunity.details["forbidden"])},
    )  # fmt: skip


def accepts(setting: Setting, opportunity: Opportunity, plan: Plan, rehearsal: Rehearsal) -> bool:  # noqa: ARG001
    """Nobody touches, and it need not wait for others until the clip is over."""
    return rehearsal.first is None and rehearsal.turned_deg > TURNED_DEG + 12.0


def judge(setting: Setting, run: Run) -> Verdict:  # noqa: ARG001
    roles = run.staging.roles
    assert roles.culprit is not None
    rotation = run.trace.rotations[:, roles.culprit]
    yaw = 2.0 * np.degrees(np.unwrap(np.array([_half_angle(row) for row in rotation])))
    turned = np.flatnonzero(np.abs(yaw - yaw[0]) > TURNED_DEG)
    if not len(turned):
        return failed("it did not turn in the clip")
    frame = int(turned[0])
    fps = run.trace.fps
    return shows(run, frame - fps, frame + 2 * fps, roles.culprit, frame)


def _half_angle(rotation: np.ndarray) -> float:
    from its_core.engines.simulator.portable_math import atan2

    return float(atan2(rotation[3], rotation[0]))


KIND = Kind(search, plan, accepts, judge, errs=False, touches=False, attempts=2, latest=0.65)
