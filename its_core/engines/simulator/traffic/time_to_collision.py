"""How near a vehicle and a person come to each other, in metres and in seconds."""

from __future__ import annotations

import math

import numpy as np

from its_core.engines.simulator.dimensions import PEDESTRIAN_RADIUS_M
from its_core.engines.simulator.roads.paths import Floats, Path

LOOK_S = 3.0
STEP_S = 0.05


def gap_m(position: Floats, forward: Floats, half: Floats, person: Floats) -> float:
    """Free ground between a vehicle's rectangle (``half``: half length, half width) and a person's circle; 0 when
    they touch."""
    offset = person - position
    along = abs(float(offset[0] * forward[0] + offset[1] * forward[1])) - float(half[0])
    aside = abs(float(forward[0] * offset[1] - forward[1] * offset[0])) - float(half[1])
    return max(math.hypot(max(along, 0.0), max(aside, 0.0)) - PEDESTRIAN_RADIUS_M, 0.0)


def time_to_reach_s(
    path: Path,
    s_m: float,
    aside_m: float,
    half: Floats,
    speed_mps: float,
    person: Floats,
    person_mps: Floats,
    acceleration_mps2: float = 0.0,
) -> float:
    """Seconds until a vehicle reaches a person when both go on as they do; infinite when it would not within
    ``LOOK_S``.

    The vehicle keeps to its path, ``aside_m`` left of it, at its speed (changing by ``acceleration_mps2``, not below
    a standstill); the person walks straight on. This is the time to collision of surrogate safety studies, along a
    curved path.
    """
    if speed_mps < 0.3:
        return math.inf
    times = np.arange(0.0, LOOK_S, STEP_S)
    moving = np.minimum(times, -speed_mps / acceleration_mps2) if acceleration_mps2 < 0 else times
    driven = s_m + speed_mps * moving + 0.5 * acceleration_mps2 * moving**2
    people = person + times[:, None] * person_mps
    s, lateral = path.project(people, s_m - 6.0, s_m + speed_mps * LOOK_S + 8.0)
    near = np.abs(lateral - aside_m) < half[1] + PEDESTRIAN_RADIUS_M
    near &= np.abs(s - driven) < half[0] + PEDESTRIAN_RADIUS_M
    hits = np.flatnonzero(near)
    return float(times[hits[0]]) if len(hits) else math.inf
