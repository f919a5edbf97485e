"""How people walk: in steps that fit their speed, each with a bearing of their own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

from its_core.engines.simulator.portable_math import sin
from its_core.engines.simulator.randomness import rng_of

# Metres a step over steps a second, the walk ratio: about the same at every speed (Sekiya and Nagasaki, Gait & Posture
# 7, 1998: 0.0065 m for each step a minute).
_WALK_RATIO_MS = 0.39
BRISK_MPS = 1.4
LEG_M = 0.86  # of a figure of average height, the knees a little bent
_WIDEST_RAD = 0.70  # thighs swing no further: who runs leaves the ground instead
# What each takes of their own: how far arms swing, of what the legs do, and how far elbows are bent; how far one leans,
# turns the shoulders and nods (back is positive), radians.
_ARMS, _ELBOWS_RAD = (0.35, 1.15), (0.08, 0.5)
_LEANS_RAD, _TWISTS_RAD, _NODS_RAD = (-0.11, 0.0), (0.03, 0.11), (-0.16, 0.06)
# Of some, one hand holds something, or both do, before them, and they look at it: a phone.
_HOLD_ONE, _HOLD_BOTH, _LOOKS_DOWN = 0.22, 0.06, 0.6
_HELD_ARM, _HELD_ELBOW_RAD, _DOWN_RAD = 0.1, (1.2, 1.75), (-0.45, -0.25)

Sides = tuple[float, float]  # left, right


@dataclass(frozen=True, slots=True)
class Gait:
    """One person's bearing; angles in radians, as ``pedestrians.hung`` takes them."""

    arms: tuple[float, float]  # left, right: how far they swing, of what the legs do
    elbows_rad: tuple[float, float]
    lean_rad: float  # of a brisk walk
    twist_rad: float
    nod_rad: float


def steps_hz(speed_mps: float) -> float:
    """Steps a second at a speed of 0 or more."""
    return math.sqrt(speed_mps / _WALK_RATIO_MS)


def swing_rad(speed_mps: float, leg_m: float = LEG_M) -> float:
    """How far thighs swing to either side of the vertical at a speed of 0 or more: as far as a step is long."""
    half = math.sqrt(speed_mps * _WALK_RATIO_MS) / (2.0 * leg_m)
    return min(half * (1.0 + half * half / 6.0), _WIDEST_RAD)


def struck_step(stride_rad: float, speed_mps: float) -> tuple[Sides, Sides, Sides]:
    """Turns of thighs, shins and arms (left, right) with which who is struck in mid-step begins to fall, radians: those
    of a plain walk, no more of it than a body of capsules can show."""
    swing = swing_rad(speed_mps) * float(sin(stride_rad))
    back = -0.25 * min(speed_mps / BRISK_MPS, 1.0)
    return (swing, -swing), (swing + back, -swing + back), (-0.75 * swing, 0.75 * swing)


@cache
def gait_of(look: int) -> Gait:
    """What follows from somebody's look alone."""
    rng = rng_of("gait", look)
    arms, elbows = ([float(rng.uniform(*each)) for _ in range(2)] for each in (_ARMS, _ELBOWS_RAD))
    lean, twist, nod = (float(rng.uniform(*each)) for each in (_LEANS_RAD, _TWISTS_RAD, _NODS_RAD))
    holds, first = float(rng.random()), int(rng.integers(2))
    if holds < _HOLD_ONE + _HOLD_BOTH:
        for side in (first,) if holds < _HOLD_ONE else (0, 1):
            arms[side], elbows[side] = _HELD_ARM, float(rng.uniform(*_HELD_ELBOW_RAD))
        if rng.random() < _LOOKS_DOWN:
            nod = float(rng.uniform(*_DOWN_RAD))
    return Gait((arms[0], arms[1]), (elbows[0], elbows[1]), lean, twist, nod)
