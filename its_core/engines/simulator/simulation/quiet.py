"""When nothing can touch anything for a while, so that physics may go through several ticks in one call."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import inline, kernel
from its_core.engines.simulator.traffic.perception import Bodies

Floats = NDArray[np.float64]

# More than vehicles turn, brake or pull within ten ticks, and than the collision shapes' margins add.
MARGIN_M = 0.4


def all_stay_apart(bodies: Bodies, things: Floats, within_s: float) -> bool:
    """Whether no vehicle that goes on at its velocity for so long comes near another, a person or a thing. ``things``
    T×6: as ``surroundings.outline`` tells them."""
    return bool(_all_stay_apart(bodies.table, bodies.unit, bodies.walks, things, within_s))


@inline
def _stays_aside(
    dx: float, dy: float, ux: float, uy: float, fx: float, fy: float, length: float, width: float, gx: float, gy: float,
    other_length: float, other_width: float, within_s: float,
) -> bool:  # fmt: skip
    """Whether an axis of a rectangle (which points to f, half its length and width) separates it all the time from
    another, which points to g, lies at d from it and moves at u past it."""
    cos, sin = abs(gx * fx + gy * fy), abs(gx * fy - gy * fx)
    start, reach = dx * fx + dy * fy, length + other_length * cos + other_width * sin + MARGIN_M
    end = start + within_s * (ux * fx + uy * fy)
    if min(start, end) > reach or max(start, end) < -reach:
        return True
    start, reach = dx * fy - dy * fx, width + other_length * sin + other_width * cos + MARGIN_M
    end = start + within_s * (ux * fy - uy * fx)
    return min(start, end) > reach or max(start, end) < -reach


@inline
def _stay_apart(
    dx: float, dy: float, ux: float, uy: float, fx: float, fy: float, length: float, width: float, gx: float, gy: float,
    other_length: float, other_width: float, within_s: float,
) -> bool:  # fmt: skip
    reach = length + width + other_length + other_width + MARGIN_M + within_s * (abs(ux) + abs(uy))
    return (
        dx * dx + dy * dy > reach * reach
        or _stays_aside(dx, dy, ux, uy, fx, fy, length, width, gx, gy, other_length, other_width, within_s)
        or _stays_aside(-dx, -dy, -ux, -uy, gx, gy, other_length, other_width, fx, fy, length, width, within_s)
    )


@kernel
def _all_stay_apart(
    table: Floats, unit: NDArray[np.int64], walks: NDArray[np.bool_], things: Floats, within_s: float
) -> bool:
    x, y, vx, vy, fx, fy, front, rear, half = table
    for a in range(len(x)):
        length = max(front[a], rear[a])
        for b in range(a + 1, len(x)):
            if unit[a] == unit[b] or (walks[a] and walks[b]):
                continue
            if not _stay_apart(
                x[b] - x[a], y[b] - y[a], vx[b] - vx[a], vy[b] - vy[a], fx[a], fy[a], length, half[a], fx[b], fy[b],
                max(front[b], rear[b]), half[b], within_s,
            ):  # fmt: skip
                return False
        for k in range(0 if walks[a] else len(things)):
            at_x, at_y, gx, gy, half_length, half_width = things[k]
            if not _stay_apart(
                at_x - x[a], at_y - y[a], -vx[a], -vy[a], fx[a], fy[a], length, half[a], gx, gy, half_length,
                half_width, within_s,
            ):  # fmt: skip
                return False
    return True
