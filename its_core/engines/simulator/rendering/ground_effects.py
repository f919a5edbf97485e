"""What moving bodies and lamps do to the light of the ground: shadows, the dark under bodies, the pools of headlamps,
mirror images and glows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import kernel
from its_core.engines.simulator.portable_math import exp_scalar
from its_core.engines.simulator.rendering.standing import FINE

F32 = NDArray[np.float32]
Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Mask = NDArray[np.bool_]

_FAINTEST = 0.05  # lamp light on white ground that can be told from none
BEAM_M = 19.0  # how far dipped beams reach


class Footprint(NamedTuple):
    """A body on the ground: middle (m), unit vector ahead, half its width and length (m), how far its dark reaches out
    (m) and how deep it is, 0 to 1."""

    x: float
    y: float
    ahead_x: float
    ahead_y: float
    half_width: float
    half_length: float
    reach: float
    depth: float

    def corners(self) -> Floats:
        """4×2 ground points that the dark lies between."""
        across, along = self.half_width + self.reach, self.half_length + self.reach
        return np.array(
            [
                (
                    self.x + a * across * self.ahead_y + b * along * self.ahead_x,
                    self.y - a * across * self.ahead_x + b * along * self.ahead_y,
                )
                for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))
            ]
        )


class Beam(NamedTuple):
    """The dipped beams of a vehicle: where they start (m), unit vector ahead, how strong they are (1: both burn)."""

    x: float
    y: float
    ahead_x: float
    ahead_y: float
    strength: float

    def corners(self) -> Floats:
        """N×2 ground points, in order about the lit area."""
        reach = ((0.3, -1.5), (8.0, -4.0), (BEAM_M, -7.0), (BEAM_M, 7.0), (8.0, 4.0), (0.3, 1.5))
        return np.array(
            [
                (self.x + a * self.ahead_x + b * self.ahead_y, self.y + a * self.ahead_y - b * self.ahead_x)
                for a, b in reach
            ]
        )


@kernel
def cast_shade(windows: Ints, shade: Ints, sun_share: F32, dim: F32, touched: Mask) -> None:
    """Takes the sun from the ground where ``shade`` is covered (numbers from 0), its edge softened over 3×3 pixels."""
    height, width = shade.shape
    for number in range(len(windows)):
        top, low, left, right = windows[number]
        for row in range(top, low):
            for column in range(left, right):
                count = 0
                for at in range(max(row - 1, 0), min(row + 2, height)):
                    for to in range(max(column - 1, 0), min(column + 2, width)):
                        if shade[at, to] >= 0:
                            count += 1
                if count > 0:
                    dim[row, column] *= 1.0 - count * (1.0 / 9.0) * sun_share[row, column]
                    touched[row, column] = True


@kernel
def darken_under(bounds: NDArray[np.int64], x: F32, y: F32, under: Floats, dim: F32, touched: Mask) -> None:
    """Takes light from the ground under a ``Footprint`` and, fading, about it."""
    at_x, at_y, ahead_x, ahead_y, half_width, half_length, reach, depth = under
    for row in range(bounds[0], bounds[1]):
        for column in range(bounds[2], bounds[3]):
            dx, dy = x[row, column] - at_x, y[row, column] - at_y
            across = abs(dx * ahead_y - dy * ahead_x) - half_width
            along = abs(dx * ahead_x + dy * ahead_y) - half_length
            if across > reach or along > reach:
                continue
            out, up = max(across, 0.0), max(along, 0.0)
            outside = np.sqrt(out * out + up * up) + 0.4 * min(max(across, along), 0.0)
            near = min(max(1.0 - (outside + 0.35) / (reach + 0.35), 0.0), 1.0)
            amount = depth * near * (2.0 - near)
            if amount > 0.004:
                dim[row, column] *= 1.0 - amount
                touched[row, column] = True


@kernel
def light_ahead(
    bounds: NDArray[np.int64], x: F32, y: F32, ground_share: F32, beam: Floats, lamps: F32, touched: Mask
) -> None:
    """Adds a ``Beam`` to the ground (radiance of a white one)."""
    at_x, at_y, ahead_x, ahead_y, strength = beam
    for row in range(bounds[0], bounds[1]):
        for column in range(bounds[2], bounds[3]):
            if ground_share[row, column] <= 0.0:
                continue
            dx, dy = x[row, column] - at_x, y[row, column] - at_y
            along = dx * ahead_x + dy * ahead_y
            if along <= 0.0 or along >= BEAM_M:
                continue
            slant = (dx * ahead_y - dy * ahead_x) / (1.0 + 0.16 * along)
            if slant * slant > 6.0:
                continue
            begun = min(along / 2.2, 1.0)
            light = 1.5 * strength * begun * begun * exp_scalar(-slant * slant - along / 8.0)
            light *= min((BEAM_M - along) / 8.0, 1.0)
            if light > _FAINTEST:
                lamps[row, column] += light - _FAINTEST
                touched[row, column] = True


@kernel
def shine_on(beam: Floats, places: Floats, shone: Floats) -> None:
    """Adds to ``shone`` (N×3) the way to the lamps of a ``Beam`` from each of N places in it, as long as the light is
    strong there."""
    at_x, at_y, ahead_x, ahead_y, strength = beam
    for i in range(len(places)):
        dx, dy = places[i, 0] - at_x, places[i, 1] - at_y
        along = dx * ahead_x + dy * ahead_y
        if along <= 1.5 or along >= 2.5 * BEAM_M:
            continue
        slant = (dx * ahead_y - dy * ahead_x) / (1.2 + 0.16 * along)
        if slant * slant > 6.0:
            continue
        light = 1.1 * strength * exp_scalar(-slant * slant - along / 14.0)
        length = np.sqrt(dx * dx + dy * dy)
        shone[i, 0] -= light * dx / length
        shone[i, 1] -= light * dy / length


@kernel
def mirror_bodies(
    windows: Ints, seen: Ints, triangles: Ints, surfaces: NDArray[np.uint8], optics: F32, light: Floats, sheen: F32,
    mirror: F32, bodies: Ints, glow: F32, touched: Mask,
) -> None:  # fmt: skip
    """Puts bodies in place of what wet ground mirrors without them. ``seen``: the triangles of the bodies turned upside
    down; ``light``: what falls on them, by colour; ``bodies`` 2H×2W: the triangles of the bodies themselves."""
    for number in range(len(windows)):
        top, low, left, right = windows[number]
        for row in range(top, low):
            for column in range(left, right):
                if seen[row, column] < 0 or sheen[row, column] <= 0.01 or bodies[FINE * row, FINE * column] >= 0:
                    continue
                surface = surfaces[triangles[seen[row, column], 0]]
                for colour in range(3):
                    sent = optics[surface, colour] * light[colour] + optics[surface, 3 + colour]
                    glow[row, column, colour] += sheen[row, column] * (sent - mirror[row, column, colour])
                touched[row, column] = True


@kernel
def streak(
    bounds: NDArray[np.int64], x: float, y: float, half_width: float, half_height: float, rgb: Floats, sheen: F32,
    bodies: Ints, glow: F32, touched: Mask,
) -> None:  # fmt: skip
    """Adds a lamp's mirror image, drawn out over wet ground."""
    for row in range(bounds[0], bounds[1]):
        for column in range(bounds[2], bounds[3]):
            share = sheen[row, column]
            if share <= 0.01 or bodies[FINE * row, FINE * column] >= 0:
                continue
            across, up = (column + 0.5 - x) / half_width, (row + 0.5 - y) / half_height
            if up < 0.0:
                up *= 3.0  # it is drawn out towards the eye
            fall = exp_scalar(-0.5 * (across * across + up * up))
            if fall > 0.01:
                for colour in range(3):
                    glow[row, column, colour] += fall * share * rgb[colour]
                touched[row, column] = True


@kernel
def glow_about(
    bounds: NDArray[np.int64], x: float, y: float, radius_px: float, rgb: F32, glow: F32, touched: Mask
) -> None:
    """Adds a round glow about a point of the picture."""
    spread = np.float32(2.0 * (radius_px * radius_px))
    off_x, off_y = np.float32(0.5 - x), np.float32(0.5 - y)
    for row in range(bounds[0], bounds[1]):
        down = np.float32(row) + off_y
        for column in range(bounds[2], bounds[3]):
            aside = np.float32(column) + off_x
            fall = np.float32(exp_scalar(float(-(down * down + aside * aside) / spread)))
            if fall > np.float32(0.003):
                for colour in range(3):
                    glow[row, column, colour] += fall * rgb[colour]
                touched[row, column] = True
