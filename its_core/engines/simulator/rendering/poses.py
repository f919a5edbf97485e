"""How the parts of a body stand in a frame, compiled: a car's body and wheels, a figure's parts on its body."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import inline, kernel
from its_core.engines.simulator.portable_math import cos_scalar, sin_scalar

F32 = NDArray[np.float32]
Floats = NDArray[np.float64]


@kernel
def turn_of(quaternion: Floats) -> Floats:
    """3×3 rotation of (w, x, y, z), body to world."""
    w, x, y, z = quaternion[0], quaternion[1], quaternion[2], quaternion[3]
    length = np.sqrt(w * w + x * x + y * y + z * z)
    w, x, y, z = w / length, x / length, y / length, z / length
    turn = np.empty((3, 3))
    turn[0, 0], turn[0, 1], turn[0, 2] = 1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)
    turn[1, 0], turn[1, 1], turn[1, 2] = 2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)
    turn[2, 0], turn[2, 1], turn[2, 2] = 2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)
    return turn


@inline
def _turned(turn: Floats, row: int, x: float, y: float, z: float) -> float:
    return float(turn[row, 0] * x + turn[row, 1] * y + turn[row, 2] * z)


@kernel
def car_parts(
    quaternion: Floats, place: Floats, hubs: Floats, suspension: Floats, spin: float, steer: float
) -> tuple[Floats, Floats]:
    """Turns 5×3×3 and shifts 5×3 (world) of a car's body and its wheels, of which the first two are steered. Rolling
    forwards takes the front of a wheel down; steering to the left turns it counter-clockwise from above."""
    turns, shifts = np.empty((5, 3, 3)), np.empty((5, 3))
    body = turn_of(quaternion)
    turns[0], shifts[0] = body, place
    roll_c, roll_s = cos_scalar(-spin), sin_scalar(-spin)
    for wheel in range(4):
        c, s = (cos_scalar(steer), sin_scalar(steer)) if wheel < 2 else (1.0, 0.0)
        x, y, z = hubs[wheel, 0], hubs[wheel, 1], hubs[wheel, 2] + suspension[wheel]
        for row in range(3):
            turns[wheel + 1, row, 0] = _turned(body, row, c, s, 0.0)
            turns[wheel + 1, row, 1] = _turned(body, row, -s * roll_c, c * roll_c, roll_s)
            turns[wheel + 1, row, 2] = _turned(body, row, s * roll_s, c * -roll_s, roll_c)
            shifts[wheel + 1, row] = _turned(body, row, x, y, z) + place[row]
    return turns, shifts


@kernel
def carried(quaternion: Floats, place: Floats, turns: Floats, shifts: Floats) -> tuple[Floats, Floats]:
    """Turns P×3×3 and shifts P×3 of a body's frame, in the world."""
    body = turn_of(quaternion)
    world, places = np.empty_like(turns), np.empty_like(shifts)
    for part in range(len(turns)):
        for row in range(3):
            for column in range(3):
                world[part, row, column] = _turned(
                    body, row, turns[part, 0, column], turns[part, 1, column], turns[part, 2, column]
                )
            places[part, row] = _turned(body, row, shifts[part, 0], shifts[part, 1], shifts[part, 2]) + place[row]
    return world, places


@kernel
def place_parts(
    points: F32, directions: F32, parts: NDArray[np.uint8], turns: Floats, shifts: Floats, vertices: F32, normals: F32
) -> None:
    for i in range(len(points)):
        part = parts[i]
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        nx, ny, nz = directions[i, 0], directions[i, 1], directions[i, 2]
        for axis in range(3):
            a, b, c = turns[part, axis, 0], turns[part, axis, 1], turns[part, axis, 2]
            vertices[i, axis] = a * x + b * y + c * z + shifts[part, axis]
            normals[i, axis] = a * nx + b * ny + c * nz
