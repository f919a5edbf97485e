"""Where tyres and sliding bodies mark the ground, from the motion in a trace."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm
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
_GAP_FRAMES = 2  # for which a mark may be broken off
_TURNING, _BENDS = 0.02, 4  # change of a quaternion from which the marks of a frame are bent, and of how many pieces
_LIFTED_M = 0.12  # a wheel higher than this leaves no mark


def tyre_marks(trace: Trace, sky: Daylight) -> list[Floats]:
    """Of each frame, the strips (K×7 as ``ground_paint.stain_strips`` takes them) that were marked since the one
    before it. Water, snow and ice hide most of a mark."""
    seen = (1.0 - 0.65 * sky.wet) * (1.0 - 0.45 * sky.snow)
    frames = len(trace.positions)
    found: list[list[Floats]] = [[] for _ in range(frames)]
    for number in range(trace.vehicles):
        levels = mark_levels(trace, number)
        sliding_body = _on_its_side(trace, number) & (trace.speeds[:, number] > _SLOWEST_MPS)
        for frame in (np.flatnonzero((levels > 0.03) | sliding_body)).tolist():
            if frame == 0:
                continue
            if sliding_body[frame]:
                found[frame].append(_scratches(trace, number, frame, seen))
            else:
                found[frame].append(_wheel_strips(trace, number, frame, levels[frame] * seen))
    return [np.concatenate(strips) if strips else np.zeros((0, 7)) for strips in found]


def mark_levels(trace: Trace, number: int) -> Floats:
    """F: how dark a mark the vehicle's tyres leave, 0 to 1."""
    speeds = trace.speeds[:, number]
    slowing = np.zeros(len(speeds))
    slowing[1:] = (speeds[:-1] - speeds[1:]) * trace.fps
    low, high = _MARKING_MPS2
    hard = np.clip((slowing - low) / (high - low), 0.0, 1.0) * (slowing < _IMPACT_MPS2) * trace.braking[:, number]
    levels = np.where(trace.sliding[:, number], _LOCKED, _BRAKED * hard)
    return _evened(levels) * (speeds > _SLOWEST_MPS)


def _evened(levels: Floats) -> Floats:
    """Rubber neither stops nor starts to mark for a frame or two: short gaps are filled, and each marked frame takes
    the mean of the marked ones about it."""
    marked = np.flatnonzero(levels > 0.0)
    filled = levels.copy()
    for before, after in zip(marked[:-1].tolist(), marked[1:].tolist(), strict=True):
        if 1 < after - before <= _GAP_FRAMES + 1:
            filled[before + 1 : after] = min(levels[before], levels[after])
    padded = np.pad(filled, 2)
    near = np.stack([padded[shift : shift + len(filled)] for shift in range(5)])
    count = np.maximum((near > 0.0).sum(axis=0), 1)
    return np.asarray(np.where(filled > 0.0, near.sum(axis=0) / count, 0.0))


def _on_its_side(trace: Trace, number: int) -> NDArray[np.bool_]:
    _, x, y, _ = trace.rotations[:, number].T
    return np.asarray(1.0 - 2.0 * (x * x + y * y) < 0.5)


def _wheel_strips(trace: Trace, number: int, frame: int, taken: float) -> Floats:
    kind = trace.actors[number].type
    radius = float(car(kind).hubs[0, 2])
    half = _TYRE_HALF_M[kind in HEAVY]
    turned = float(np.abs(trace.rotations[frame, number] - trace.rotations[frame - 1, number]).max())
    count = 1 if turned < _TURNING else _BENDS
    ends = [wheel_feet(trace, number, frame - 1 + part / count) for part in range(count + 1)]
    strips = []
    for before, after in pairwise(ends):
        grounded = (before[:, 2] - radius < _LIFTED_M) & (after[:, 2] - radius < _LIFTED_M)
        strips += [(*a[:2], *b[:2], half, taken, _MOST) for a, b, on in zip(before, after, grounded, strict=True) if on]
    return np.array(strips).reshape(-1, 7)


def wheel_feet(trace: Trace, number: int, frame: float) -> Floats:
    """The middles of a vehicle's wheels in the world, W×3; ``frame`` may lie between two of the trace."""
    kind = trace.actors[number].type
    wheels = (0, 2) if kind in TWO_WHEELERS else (0, 1, 2, 3)
    return _placed(trace, number, frame, car(kind).hubs[list(wheels)])


def _scratches(trace: Trace, number: int, frame: int, seen: float) -> Floats:
    """Two lines under a body that slides on its side or roof."""
    points = np.array([[0.0, 0.7, 0.5], [0.0, -0.6, 0.5]])
    before, after = (_placed(trace, number, at, points) for at in (frame - 1, frame))
    strips = [(*a[:2], *b[:2], 0.09, _SCRATCHED * seen, -_SCRATCHED) for a, b in zip(before, after, strict=True)]
    return np.array(strips).reshape(-1, 7)


def _placed(trace: Trace, number: int, frame: float, points: Sequence[Sequence[float]] | Floats) -> Floats:
    """Points of a body's frame (K×3) in the world."""
    rotation, place = _pose(trace, number, frame)
    turn = turn_of(rotation)
    given = np.asarray(points)
    return np.stack(
        [
            turn[axis, 0] * given[:, 0] + turn[axis, 1] * given[:, 1] + turn[axis, 2] * given[:, 2] + place[axis]
            for axis in range(3)
        ],
        axis=1,
    )


def _pose(trace: Trace, number: int, frame: float) -> tuple[Floats, Floats]:
    """A vehicle's quaternion and place; between two frames along the curve that its velocities make of its way."""
    at = int(frame)
    share = frame - at
    if share == 0.0:
        return trace.rotations[at, number], trace.positions[at, number]
    first, last = trace.rotations[at, number], trace.rotations[at + 1, number]
    mixed = (1.0 - share) * first + share * (last if float(pm.dot(first, last)) >= 0.0 else -last)
    start, end = trace.positions[at : at + 2, number]
    leaving, arriving = trace.velocities[at : at + 2, number] / trace.fps
    rest = 1.0 - share
    place = (1.0 + 2.0 * share) * rest * rest * start + share * share * (3.0 - 2.0 * share) * end
    place = place + share * rest * (rest * leaving - share * arriving)
    return mixed / float(pm.norm(mixed)), place
