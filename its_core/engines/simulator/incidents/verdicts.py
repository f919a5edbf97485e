"""The verdict on a run, and measures that judges share: first contact, and when everything had come to rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.dimensions import VEHICLES
from its_core.engines.simulator.physics.contacts import Episode
from its_core.engines.simulator.roads.paths import Floats
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.trace import Trace, forward

WINDOW = (0.25, 0.70)  # shares of the clip between which the incident must come to its point
REST_MPS = 0.3


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the incident happened in a run. ``anomaly_start`` and ``anomaly_end`` are frame numbers, half-open;
    ``why`` says what happened instead, and is empty when it did; ``where_m`` is the spot that the camera must show."""

    happened: bool
    why: str
    anomaly_start: int | None = None
    anomaly_end: int | None = None
    where_m: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Blow:
    """How the first two participants met. ``points`` are where each was struck in its own frame (x right, y forward,
    metres), ``angle_deg`` lies between their headings, 0 to 180."""

    episode: Episode
    frame: int
    points: tuple[Floats, Floats]
    angle_deg: float

    @property
    def where_m(self) -> tuple[float, float, float]:
        x, y, z = (float(value) for value in self.episode.point_m)
        return x, y, z


def first_blow(run: Run) -> Blow | str:
    """The first contact of actors 0 and 1, or why it does not count: they never touch, someone else is touched, wrong
    time."""
    trace = run.trace
    if not run.episodes:
        return "the participants never touched"
    first = run.episodes[0]
    if {first.first, first.second} != {0, 1}:
        return f"{_named(trace, first)} touched first"
    for episode in run.episodes:
        if not {episode.first, episode.second} <= {0, 1, None}:
            return f"{_named(trace, episode)} touched as well"
    share = first.time_s * trace.fps / len(trace.positions)
    if not WINDOW[0] <= share <= WINDOW[1]:
        return f"contact came at {share:.0%} of the clip, outside {WINDOW[0]:.0%} to {WINDOW[1]:.0%}"
    frame = int(np.ceil(first.time_s * trace.fps - 1e-9))
    points = (first.local[0][:3] / first.blow_ns, first.local[1][:3] / first.blow_ns)
    before = max(frame - 1, 0)
    cosine = float(pm.dot(forward(trace, before, 0), forward(trace, before, 1)))
    return Blow(first, frame, points, float(np.degrees(pm.acos(np.clip(cosine, -1, 1)))))


def touched(run: Run) -> str:
    """What touched first in a run where nothing should have."""
    return f"{_named(run.trace, run.episodes[0])} touched"


def struck_front(trace: Trace, number: int, point: Floats) -> bool:
    return bool(point[1] > VEHICLES[trace.actors[number].type].length_m / 2 - 0.9)


def struck_rear(trace: Trace, number: int, point: Floats) -> bool:
    return bool(point[1] < -VEHICLES[trace.actors[number].type].length_m / 2 + 0.7)


def struck_side(trace: Trace, number: int, point: Floats) -> bool:
    body = VEHICLES[trace.actors[number].type]
    return bool(abs(point[0]) > 0.62 * body.width_m / 2 and abs(point[1]) < body.length_m / 2 - 0.2)


def at_rest_from(trace: Trace, numbers: tuple[int, ...], after: int) -> int:
    """The first frame from ``after`` on from which all of these stay slower than ``REST_MPS``; the clip's end when
    they do not."""
    moving = np.flatnonzero((trace.speeds[:, numbers] >= REST_MPS).any(axis=1))
    return max(after, int(moving[-1]) + 1 if len(moving) else 0)


def first_frame(condition: ArrayLike, at_most: int) -> int:
    """The first frame that fulfils a condition, ``at_most`` when none before it does."""
    found = np.flatnonzero(condition)
    return min(int(found[0]), at_most) if len(found) else at_most


def _named(trace: Trace, episode: Episode) -> str:
    names = [
        f"{trace.actors[n].type.value} {n + 1}" if n is not None else "something standing"
        for n in (episode.first, episode.second)
    ]
    return " and ".join(names)
