"""How people keep clear of each other, and of vehicles that stand in their way."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import kernel
from its_core.engines.simulator.traffic.perception import Bodies

Floats = NDArray[np.float64]

ELBOW_ROOM_M = 0.62  # between the middles of two people
SEES_S, SEES_M = 2.0, 4.0
STEPS_ASIDE_MPS = 0.75
PUSHES_MPS = 1.3
STANDS_MPS = 0.6  # a vehicle slower than this is walked round
CLEAR_M = 0.6  # of it
CORNER_M = 0.25  # nearer than this to its side and its end, one is not past it
ROUND_MPS, HEADS_MPS = 1.1, 0.15
ALL_ROOM = (0.0,) * 6  # of somebody who is alone


def rooms(bodies: Bodies) -> Floats:
    """W×6, in the order of the people among the bodies: what each adds to the velocity that they wish for, m/s; which
    way leads away from a vehicle that stands at arm's length, the longer the nearer it is (0: none does); and which
    way, a unit vector, leads round it."""
    people = np.flatnonzero(bodies.walks)
    return _rooms(
        people, bodies.x, bodies.y, bodies.vx, bodies.vy, bodies.fx, bodies.fy, bodies.front_m, bodies.rear_m,
        bodies.half_m, bodies.walks,
    )  # fmt: skip


def kept_clear(wish: tuple[float, float], room: tuple[float, ...]) -> tuple[float, float]:
    """The velocity of somebody who wishes for one, and has this room (a row of ``rooms``)."""
    (wx, wy), (sx, sy, nx, ny, tx, ty) = wish, room
    inwards = -(wx * nx + wy * ny)
    if inwards > 0.0:
        # The normal is as long as the vehicle is near: at 1, nobody goes on towards it.
        near = math.sqrt(nx * nx + ny * ny)
        inwards /= near
        taken = inwards * min(2.4 * near, 1.0) / near
        along = min(inwards, ROUND_MPS)
        if wx * tx + wy * ty < -HEADS_MPS:
            along = -along  # the other way round is the way on
        wx, wy = wx + taken * nx + along * tx, wy + taken * ny + along * ty
    return wx + sx, wy + sy


@kernel
def _rooms(
    people: NDArray[np.int64], x: Floats, y: Floats, vx: Floats, vy: Floats, fx: Floats, fy: Floats, front_m: Floats,
    rear_m: Floats, half_m: Floats, walks: NDArray[np.bool_],
) -> Floats:  # fmt: skip
    found = np.zeros((len(people), 6))
    for k in range(len(people)):
        i = people[k]
        speed = np.sqrt(vx[i] * vx[i] + vy[i] * vy[i])
        for j in range(len(x)):
            dx, dy = x[j] - x[i], y[j] - y[i]
            if j == i or dx * dx + dy * dy > 225.0:
                continue
            if not walks[j]:
                if vx[j] * vx[j] + vy[j] * vy[j] > STANDS_MPS * STANDS_MPS:
                    continue
                ahead, right = -dx * fx[j] - dy * fy[j], -dx * fy[j] + dy * fx[j]  # in the vehicle's frame
                ends = front_m[j] if ahead > 0.0 else rear_m[j]
                beyond, beside = abs(ahead) - ends, abs(right) - half_m[j]
                if beyond > CLEAR_M or beside > CLEAR_M or (beyond > CORNER_M and beside > CORNER_M):
                    continue
                near = min(max(1.0 - max(beyond, beside) / CLEAR_M, 0.01), 1.0)
                forth, out = (1.0 if ahead > 0.0 else -1.0), (1.0 if right > 0.0 else -1.0)
                if beside > beyond:  # along its side, to the nearer end
                    found[k, 2], found[k, 3] = near * out * fy[j], -near * out * fx[j]
                    found[k, 4], found[k, 5] = forth * fx[j], forth * fy[j]
                else:  # across before its end, to the nearer side
                    found[k, 2], found[k, 3] = near * forth * fx[j], near * forth * fy[j]
                    found[k, 4], found[k, 5] = out * fy[j], -out * fx[j]
                continue
            away = np.sqrt(dx * dx + dy * dy)
            if away < ELBOW_ROOM_M:
                push = PUSHES_MPS * (1.0 - away / ELBOW_ROOM_M)
                if away > 0.02:
                    found[k, 0] -= push * dx / away
                    found[k, 1] -= push * dy / away
                else:
                    found[k, 0] += push if i < j else -push
            if speed < 0.3 or away > SEES_M:
                continue
            wx, wy = vx[i] - vx[j], vy[i] - vy[j]
            closing = wx * wx + wy * wy
            if closing < 0.05:
                continue
            when = (dx * wx + dy * wy) / closing
            if not 0.0 < when < SEES_S:
                continue
            cx, cy = dx - when * wx, dy - when * wy
            apart = np.sqrt(cx * cx + cy * cy)
            room = ELBOW_ROOM_M + (half_m[j] if half_m[j] > 0.5 else 0.1)
            if apart >= room:
                continue
            # Everybody keeps to the right, unless the other is plainly there.
            side = -1.0 if (cx * vy[i] - cy * vx[i]) / speed > 0.12 else 1.0
            strength = STEPS_ASIDE_MPS * (1.0 - apart / room) * (1.0 - 0.5 * when / SEES_S) + 0.25
            found[k, 0] += side * strength * vy[i] / speed
            found[k, 1] -= side * strength * vx[i] / speed
    return found
