"""How people take fright: each in their own way, in their own time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.randomness import rng_of

Floats = NDArray[np.float64]

# As a walker's ``startle`` runs: up at once, down from some time on.
STARTLE_UP_S, STARTLE_DOWN_FROM_S, STARTLE_DOWN_S = 0.25, 0.8, 0.9
# What each takes of their own: seconds until one shows it, to full height, held, and until one is calm again.
_DELAYS_S, _RISES_S, _HOLDS_S, _CALMS_S = (0.05, 0.6), (0.18, 0.45), (0.5, 1.9), (0.7, 1.7)
_STRENGTHS = (0.75, 1.05)  # of what torso, head and knees do
_REACHES = (0.94, 1.0)  # of the way to where the hands go
_ONE_HANDED, _OTHER_HAND = 0.35, (0.0, 0.45)  # of those who raise their hands; how far the other one goes
_LOOKS_ASIDE_RAD = 0.45  # at most, of the head


@dataclass(frozen=True, slots=True)
class _Way:
    """The turns of head, torso and right arm in a fright, as ``pedestrians.hung`` takes them (forwards, about z,
    outwards; of the forearm: bent, outwards), how deep the knees bend, radians, and how many take it so."""

    share: float
    torso: tuple[float, float]  # back, about z to either side
    head: float  # back
    arm: tuple[float, float, float]
    elbow: tuple[float, float]
    crouch: float
    one_handed: bool = True


# The hands are at the places named on a standing figure of average build.
_WAYS = (
    _Way(0.20, (0.06, 0.10), -0.05, (1.34, 0.02, 0.68), (2.18, 0.0), 0.08),  # at the mouth
    _Way(0.13, (-0.04, 0.08), -0.10, (1.47, -0.20, 0.56), (2.15, 0.0), 0.10),  # on the cheeks
    _Way(0.09, (0.08, 0.12), 0.06, (2.13, -1.06, 0.24), (1.85, 0.19), 0.06),  # on the hair
    _Way(0.18, (0.22, 0.40), -0.28, (1.43, 0.0, 0.39), (1.63, 0.0), 0.26),  # forearms before the face, turned away
    _Way(0.18, (-0.30, 0.22), -0.30, (0.36, 0.33, 0.34), (2.32, 0.33), 0.32, one_handed=False),  # ducks
    _Way(0.08, (0.14, 0.25), -0.10, (1.01, 0.02, 0.36), (1.39, 0.0), 0.16),  # wards it off
    _Way(0.10, (0.07, 0.30), 0.04, (-0.12, 0.15, 0.30), (0.75, -0.07), 0.05, one_handed=False),  # stands still
    _Way(0.04, (0.28, 0.05), 0.05, (2.54, -0.19, -0.48), (0.44, -0.90), 0.18, one_handed=False),  # throws the arms up
)


@dataclass(frozen=True, slots=True)
class Fright:
    """One person's: angles as ``pedestrians.hung`` takes them, the first two of torso and head, all three of each arm,
    first and last of each forearm, those of the legs by ``crouch_rad``; ``delay_s`` after the startle, ``rise_s``,
    ``hold_s`` and ``calm_s`` of its course."""

    torso: tuple[float, float]
    head: tuple[float, float]
    arms: tuple[tuple[float, float, float], tuple[float, float, float]]  # left, right
    elbows: tuple[tuple[float, float], tuple[float, float]]
    reach: tuple[float, float]  # how far each arm goes, 0 to about 1
    crouch_rad: float
    delay_s: float
    rise_s: float
    hold_s: float
    calm_s: float

    def felt(self, since_s: float) -> float:
        """0 (calm) to 1, so long after the startle."""
        shown_s = since_s - self.delay_s
        if shown_s <= 0.0:
            return 0.0
        calms_s = shown_s - self.rise_s - self.hold_s
        return _eased(shown_s / self.rise_s) * (1.0 - _eased(calms_s / self.calm_s))


@cache
def fright_of(look: int) -> Fright:
    """What follows from somebody's look alone."""
    rng = rng_of("fright", look)
    way = _WAYS[int(np.searchsorted(np.cumsum([each.share for each in _WAYS])[:-1], rng.random(), side="right"))]
    strength, side = float(rng.uniform(*_STRENGTHS)), 1.0 if rng.random() < 0.5 else -1.0
    reach = [float(rng.uniform(*_REACHES)) for _ in range(2)]
    if way.one_handed and rng.random() < _ONE_HANDED:
        reach[int(side > 0.0)] *= float(rng.uniform(*_OTHER_HAND))
    (forwards, about, outwards), (bent, tilted) = way.arm, way.elbow
    return Fright(
        torso=(strength * way.torso[0], side * strength * way.torso[1]),
        head=(strength * way.head, side * float(rng.uniform(-0.3, 1.0)) * _LOOKS_ASIDE_RAD),
        arms=((forwards, -about, -outwards), (forwards, about, outwards)),
        elbows=((bent, -tilted), (bent, tilted)),
        reach=(reach[0], reach[1]),
        crouch_rad=strength * way.crouch,
        delay_s=float(rng.uniform(*_DELAYS_S)),
        rise_s=float(rng.uniform(*_RISES_S)),
        hold_s=float(rng.uniform(*_HOLDS_S)),
        calm_s=float(rng.uniform(*_CALMS_S)),
    )


def felt_by(look: int, startle: Floats, fps: int) -> Floats:
    """F values 0 to 1: how much of their fright somebody shows whose ``startle`` runs so, frame by frame."""
    fright, shown = fright_of(look), np.zeros(len(startle))
    since_s = math.inf
    for frame, now in enumerate(startle.tolist()):
        if now > 0.0 and (frame == 0 or startle[frame - 1] == 0.0):
            # At the clip's beginning it may be over already: who then calms down has been afraid for longer.
            calms = frame == 0 and len(startle) > 1 and startle[1] < now
            since_s = STARTLE_DOWN_FROM_S + STARTLE_DOWN_S * (1.0 - now) if calms else STARTLE_UP_S * now
        else:
            since_s += 1.0 / fps
        # Who takes fright again while still afraid does not drop it at once: no faster than it eases.
        shown[frame] = max(fright.felt(since_s), shown[frame - 1] - 1.5 / fps / fright.calm_s if frame else 0.0)
    return shown


def _eased(share: float) -> float:
    share = min(max(share, 0.0), 1.0)
    return share * share * (3.0 - 2.0 * share)
