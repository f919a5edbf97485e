"""Vehicles that are under way near the place, whatever they are about to do there."""

from __future__ import annotations

from collections.abc import Iterator

from its_core.engines.simulator.dimensions import TWO_WHEELERS
from its_core.engines.simulator.incidents.opportunity import Opportunity
from its_core.engines.simulator.incidents.picture_size import SMALLEST_SHARE_OF_ONE
from its_core.engines.simulator.incidents.setting import Setting, legible
from its_core.engines.simulator.incidents.timeline import Timeline, Track
from its_core.taxonomy import Cause

EVERY_STEPS = 6


def best_in_view(
    setting: Setting,
    timeline: Timeline,
    contact_s: float,
    *choices: list[Opportunity],
    share: float = SMALLEST_SHARE_OF_ONE,
) -> list[Opportunity]:
    """The first of several lists, best first, that holds a moment which the camera shows and round which a clip fits;
    the last one where none does. ``contact_s``: when in the clip it comes to its point; ``share``: of the picture's
    width, that a car must take there."""
    latest_s = timeline.time_s(timeline.steps) - setting.duration_s + contact_s
    for found in choices:
        for each in found:
            in_time = contact_s < timeline.time_s(each.step) < latest_s
            if in_time and legible(setting.camera, *each.where, share):
                return found
    return choices[-1]


def under_way(
    timeline: Timeline, slowest_mps: float, onset_s: float, fastest_mps: float = 99.0
) -> Iterator[Opportunity]:
    """Every vehicle but two-wheelers, every now and then, while it drives between two speeds."""
    for step in range(0, timeline.steps - 8, EVERY_STEPS):
        for track in timeline.tracks.values():
            at = track.at(step)
            if at is None or track.type in TWO_WHEELERS or not slowest_mps <= track.speed[at] <= fastest_mps:
                continue
            yield opportunity_of(track, step, at, onset_s)


def opportunity_of(track: Track, step: float, at: int, onset_s: float, variant: str = "") -> Opportunity:
    """Of one vehicle alone, at a sample of its track."""
    return Opportunity(
        step=step,
        where=(float(track.x[at]), float(track.y[at])),
        culprit=track.number,
        victims=(),
        cause=Cause.INATTENTION,
        collision=None,
        onset_s=onset_s,
        speed_mps=float(track.speed[at]),
        details={"way": float(track.way[at]), "s_m": float(track.s_m[at])},
        variant=variant,
    )
