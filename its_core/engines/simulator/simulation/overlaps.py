"""Which bodies overlap, as rectangles seen from above: contacts to come on rails, and faults at the start of a clip."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import inline, kernel
from its_core.engines.simulator.traffic.perception import Bodies

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def overlapping(bodies: Bodies, margin_m: float = 0.0) -> list[tuple[int, int]]:
    """Pairs of bodies of different road users whose rectangles come nearer than a margin; people among themselves left
    out."""
    found = _overlapping(
        bodies.x, bodies.y, bodies.fx, bodies.fy, bodies.front_m, bodies.rear_m, bodies.half_m, bodies.unit,
        bodies.walks, margin_m,
    )  # fmt: skip
    return [(int(a), int(b)) for a, b in found]


@inline
def _apart(
    ax: float, ay: float, fx: float, fy: float, front: float, rear: float, half: float, bx: float, by: float,
    gx: float, gy: float, b_front: float, b_rear: float, b_half: float, margin: float,
) -> bool:  # fmt: skip
    """Whether an axis of rectangle a separates it from rectangle b."""
    dx, dy = bx - ax, by - ay
    along, across = dx * fx + dy * fy, dx * fy - dy * fx
    cos, sin = gx * fx + gy * fy, gx * fy - gy * fx
    low, high = along, along
    side_low, side_high = across, across
    for i in range(4):
        u = b_front if i < 2 else -b_rear
        v = b_half if i % 2 == 0 else -b_half
        a, c = along + u * cos - v * sin, across + u * sin + v * cos
        low, high = min(low, a), max(high, a)
        side_low, side_high = min(side_low, c), max(side_high, c)
    return low > front + margin or high < -rear - margin or side_low > half + margin or side_high < -half - margin


@inline
def _meet(
    x: Floats, y: Floats, fx: Floats, fy: Floats, front: Floats, rear: Floats, half: Floats, a: int, b: int,
    margin: float,
) -> bool:  # fmt: skip
    """Whether no axis of either rectangle separates the two."""
    return not (
        _apart(
            x[a], y[a], fx[a], fy[a], front[a], rear[a], half[a], x[b], y[b], fx[b], fy[b], front[b], rear[b], half[b],
            margin,
        )
        or _apart(
            x[b], y[b], fx[b], fy[b], front[b], rear[b], half[b], x[a], y[a], fx[a], fy[a], front[a], rear[a], half[a],
            margin,
        )
    )  # fmt: skip


@kernel
def _overlapping(
    x: Floats, y: Floats, fx: Floats, fy: Floats, front: Floats, rear: Floats, half: Floats, unit: Ints,
    walks: NDArray[np.bool_], margin: float,
) -> list[tuple[int, int]]:  # fmt: skip
    found = [(0, 0) for _ in range(0)]
    for a in range(len(x)):
        for b in range(a + 1, len(x)):
            if unit[a] == unit[b] or (walks[a] and walks[b]):
                continue
            dx, dy = x[a] - x[b], y[a] - y[b]
            reach = max(front[a], rear[a]) + max(front[b], rear[b]) + half[a] + half[b] + margin
            if dx * dx + dy * dy > reach * reach:
                continue
            if _meet(x, y, fx, fy, front, rear, half, a, b, margin):
                found.append((a, b))
    return found


def rectangles_apart_m(bodies: Bodies, a: int, b: int) -> float:
    """Free ground between two bodies' rectangles; 0 where they overlap."""
    return float(_apart_m(bodies.x, bodies.y, bodies.fx, bodies.fy, bodies.front_m, bodies.rear_m, bodies.half_m, a, b))


@kernel
def _apart_m(
    x: Floats, y: Floats, fx: Floats, fy: Floats, front: Floats, rear: Floats, half: Floats, a: int, b: int
) -> float:
    """From the corners of either rectangle to the other one: exact for convex shapes but for crossing edges, which
    overlap."""
    best = 1e9
    for turn in range(2):
        i, j = (a, b) if turn == 0 else (b, a)
        for corner in range(4):
            u = front[j] if corner < 2 else -rear[j]
            v = half[j] if corner % 2 == 0 else -half[j]
            px, py = x[j] + u * fx[j] - v * fy[j] - x[i], y[j] + u * fy[j] + v * fx[j] - y[i]
            along, across = px * fx[i] + py * fy[i], py * fx[i] - px * fy[i]
            du = max(along - front[i], -rear[i] - along, 0.0)
            dv = max(abs(across) - half[i], 0.0)
            best = min(best, np.sqrt(du * du + dv * dv))
    if best > 0.0 and _meet(x, y, fx, fy, front, rear, half, a, b, 0.0):
        return 0.0
    return best
