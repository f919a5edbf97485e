"""Somebody turns where, or from the lane from which, one may not, and meets nobody."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from its_core.engines.simulator.dimensions import TWO_WHEELERS
from its_core.engines.simulator.incidents.kind import Kind
from its_core.engines.simulator.incidents.negatives import doing, nobody_touches, shows
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.search.anyone import opportunity_of
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.incidents.timeline import Timeline, Track
from its_core.engines.simulator.incidents.verdicts import Verdict, failed
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.traffic.habits import NORMAL

ONSETS_S = (2.5, 3.5)  # before the turn
TURNED_DEG = 28.0


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:  # noqa: ARG001
    found: list[Opportunity] = []
    lanes = timeline.roads.lanes
    for forbidden, lane in enumerate(lanes):
        if not lane.forbidden:
            continue
        siblings = [way for way, other in enumerate(lanes) if other.approach == lane.approach and not other.forbidden]
        parts_m = min(_parts_m(timeline, forbidden, way) for way in siblings) if siblings else 0.0
        for track in timeline.tracks.values():
            if track.type not in TWO_WHEELERS:
                found += _before_turn(track, siblings, forbidden, parts_m)
    return found


def _parts_m(timeline: Timeline, way: int, other: int) -> float:
    """How far two ways from one lane run together."""
    end = min(timeline.roads.length_m(way), timeline.roads.length_m(other))
    for s in np.arange(0.0, end, 2.0).tolist():
        x, y, _, _ = timeline.roads.place(way, s)
        u, v, _, _ = timeline.roads.place(other, s)
        if (x - u) * (x - u) + (y - v) * (y - v) > 0.04:
            return float(s)
    return float(end)


def _before_turn(track: Track, siblings: list[int], forbidden: int, parts_m: float) -> Iterator[Opportunity]:
    """Moments at which a vehicle that will go another way reaches the turn."""
    for way in siblings:
        when = track.passes(parts_m + 4.0, way)
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
    found = doing(opportunity, contact_s, {opportunity.culprit: NORMAL})
    return Plan(
        found.culprit, (), found.intents, found.cause, contact_s, found.where,
        ways={opportunity.culprit: int(opportunity.details["forbidden"])},
    )  # fmt: skip


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


KIND = Kind(search, plan, nobody_touches, judge, errs=False, touches=False, attempts=1)
