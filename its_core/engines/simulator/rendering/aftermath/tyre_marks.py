"""Where tyres and sliding bodies mark the ground, from the motion in a trace."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.dimensions import HEAVY, TWO_WHEELERS
from its_core.engines.simulator.meshes.vehicles import car
from its_core.engines.simulator.optics.daylight import Daylight
from its_core.engines.simulator.rendering.poses import turn_of
from its_core.engines.simulator.trace import Trace

Floats = NDArray[np.float64]

_LOCKED = 0.60  # share of the road's light that a tyre's mark takes where the wheel slides
_BRAKED = 0.34  # the same where it is braked as hard as tyres can
_MOST = 0.70
_SCRATCHED = -0.30  # metal on asphalt leaves bright lines
_MARKING_MPS2 = (5.0, 8.5)  # decelerations at which braked tyres begin to leave marks, and leave them in full
_IMPACT_MPS2 = 14.0  # no tyre brakes like that: it is a collision
_TYRE_HALF_M = {False: 0.10, True: 0.24}  # of a car's wheel and of a heavy vehicle's, which has two side by side
_SLOWEST_MPS = 0.8
_LIFTED_M = 0.12  # a wheel higher than this leaves no mark


def tyre_marks(trace: Trace, sky: Daylight) -> list[Floats]:
    """Of each frame, the strips (K×7 as ``ground_paint.stain_strips`` takes them) that were marked since the one
    before it. Water, snow and ice hide most of a mark."""
    seen = (1.0 - 0.65 * sky.wet) * (1.0 - 0.45 * sky.snow)
    frames = len(trace.positions)
    found: list[list[Floats]] = [[] for _ in range(frames)]
    for number in range(trace.vehicles):
        levels = _levels(trace, number)
        sliding_body = _on_its_side(trace, number) & (trace.speeds[:, number] > _SLOWEST_MPS)
        for frame in (np.flatnonzero((levels > 0.03) | sliding_body)).tolist():
            if frame == 0:
                continue
            if sliding_body[frame]:
                found[frame].append(_scratches(trace, number, frame, seen))
            else:
                found[frame].append(_wheel_strips(trace, number, frame, levels[frame] * seen))
    return [np.concatenate(strips) if strips else np.zeros((0, 7)) for strips in found]


def _levels(trace: Trace, number: int) -> Floats:
    """F: how dark a mark the vehicle's tyres leave, 0 to 1."""
    speeds = trace.speeds[:, number]
    slowing = np.zeros(len(speeds))
    slowing[1:] = (speeds[:-1] - speeds[1:]) * trace.fps
    low, high = _MARKING_MPS2
    hard = np.clip((slowing - low) / (high - low), 0.0, 1.0) * (slowing < _IMPACT_MPS2) * trace.braking[:, number]
    levels = np.where(trace.sliding[:, number], _LOCKED, _BRAKED * hard)
    return np.asarray(levels * (speeds > _SLOWEST_MPS))


def _on_its_side(trace: Trace, number: int) -> NDArray[np.bool_]:
    _, x, y, _ = trace.rotations[:, number].T
    return np.asarray(1.0 - 2.0 * (x * x + y * y) < 0.5)


def _wheel_strips(trace: Trace, number: int, frame: int, taken: float) -> Floats:
    kind = trace.actors[number].type
    hubs = car(kind).hubs
    wheels = (0, 2) if kind in TWO_WHEELERS else (0, 1, 2, 3)
    radius = float(hubs[0, 2])
    ends = []
    for at in (frame - 1, frame):
        feet = _placed(trace, number, at, hubs[list(wheels)])
        ends.append(feet)
    grounded = (ends[0][:, 2] - radius < _LIFTED_M) & (ends[1][:, 2] - radius < _LIFTED_M)
    half = _TYRE_HALF_M[kind in HEAVY]
    strips = [(*a[:2], *b[:2], half, taken, _MOST) for a, b, on in zip(*ends, grounded, strict=True) if on]
    return np.array(strips).reshape(-1, 7)


def _scratches(trace: Trace, number: int, frame: int, seen: float) -> Floats:
    """Two lines under a body that slides on its side or roof."""
    points = np.array([[0.0, 0.7, 0.5], [0.0, -0.6, 0.5]])
    before, after = (_placed(trace, number, at, points) for at in (frame - 1, frame))
    strips = [(*a[:2], *b[:2], 0.09, _SCRATCHED * seen, -_SCRATCHED) for a, b in zip(before, after, strict=True)]
    return np.array(strips).reshape(-1, 7)


def _placed(trace: Trace, number: int, frame: int, points: Sequence[Sequence[float]] | Floats) -> Floats:
    """Points of a body's frame (K×3) in the world."""
    turn, place = turn_of(trace.rotations[frame, number]), trace.positions[frame, number]
    given = np.asarray(points)
    return np.stack(
        [
            turn[axis, 0] * given[:, 0] + turn[axis, 1] * given[:, 1] + turn[axis, 2] * given[:, 2] + place[axis]
            for axis in range(3)
        ],
        axis=1,
    )
