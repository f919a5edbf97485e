"""Draws on the ground of a picture, by where each pixel's ray lands: strips, spots and flat pieces, compiled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import inline, kernel
from its_core.engines.simulator.rendering.ground_windows import View, ground_window
from its_core.engines.simulator.rendering.standing import FINE

F32 = NDArray[np.float32]
Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Counts = NDArray[np.int64]
Mask = NDArray[np.bool_]

_TAPS = 4  # points along each axis at which a pixel's ground is looked at


@inline
def _share_inside(
    x: F32, y: F32, row: int, column: int, at_x: float, at_y: float, ahead_x: float, ahead_y: float, half_length: float,
    half_width: float, taper: float,
) -> float:  # fmt: skip
    """How much of a pixel's ground lies in a rectangle about a point, 0 to 1. ``taper``: how much narrower it is ahead
    and wider behind, 0 to 1 (a triangle)."""
    height, width = x.shape
    up, low = max(row - 1, 0), min(row + 1, height - 1)
    before, beyond = max(column - 1, 0), min(column + 1, width - 1)
    right_x = (x[row, beyond] - x[row, before]) / (beyond - before)
    right_y = (y[row, beyond] - y[row, before]) / (beyond - before)
    down_x, down_y = (x[low, column] - x[up, column]) / (low - up), (y[low, column] - y[up, column]) / (low - up)
    dx, dy = x[row, column] - at_x, y[row, column] - at_y
    size = abs(right_x) + abs(right_y) + abs(down_x) + abs(down_y)
    if (
        abs(dx * ahead_x + dy * ahead_y) > half_length + size
        or abs(dx * ahead_y - dy * ahead_x) > (1.0 + taper) * half_width + size
    ):
        return 0.0
    inside = 0
    for i in range(_TAPS):
        for j in range(_TAPS):
            a, b = (i + 0.5) / _TAPS - 0.5, (j + 0.5) / _TAPS - 0.5
            px, py = dx + a * down_x + b * right_x, dy + a * down_y + b * right_y
            along = px * ahead_x + py * ahead_y
            wide = half_width * (1.0 - taper * along / half_length)
            if -half_length <= along < half_length and abs(px * ahead_y - py * ahead_x) <= wide:
                inside += 1
    return inside / float(_TAPS * _TAPS)


@inline
def _corners(
    at_x: float, at_y: float, ahead_x: float, ahead_y: float, half_length: float, half_width: float, corners: Floats
) -> None:
    for corner in range(4):
        a, b = (-1, 1, 1, -1)[corner] * half_length, (-1, -1, 1, 1)[corner] * half_width
        corners[corner, 0] = at_x + a * ahead_x + b * ahead_y
        corners[corner, 1] = at_y + a * ahead_y - b * ahead_x


@inline
def _stained(
    row: int, column: int, more: float, most: float, share: float, cover: F32, radiance: F32, albedo: F32
) -> None:
    """Takes a further share of a pixel's ground away, or (negative) adds to it, as far as ``most`` in all."""
    old = cover[row, column]
    new = min(old + more, max(most, old)) if more > 0.0 else max(old + more, min(-most, old))
    ratio = (1.0 - share * new) / (1.0 - share * old)
    cover[row, column] = new
    for colour in range(3):
        radiance[row, column, colour] *= ratio
        albedo[row, column, colour] *= ratio


@kernel
def stain_strips(
    strips: Floats, eye: Floats, rotation: Floats, view: View, x: F32, y: F32, ground_share: F32, cover: F32,
    radiance: F32, albedo: F32,
) -> Counts:  # fmt: skip
    """Darkens (or brightens) the ground along K strips: from x, y to x, y; half width; share of the light that one
    passage takes, negative for what it adds; the most that all passages together do. ``cover`` H×W: what was taken so
    far. Returns the windows in which it did, K×4."""
    windows = np.zeros((len(strips), 4), np.int64)
    corners = np.empty((4, 2))
    for number in range(len(strips)):
        x1, y1, x2, y2, half_width, taken, most = strips[number]
        length = np.sqrt((x2 - x1) * (x2 - x1) + (y2 - y1) * (y2 - y1))
        if length < 1e-6:
            continue
        at_x, at_y, ahead_x, ahead_y = (x1 + x2) / 2, (y1 + y2) / 2, (x2 - x1) / length, (y2 - y1) / length
        _corners(at_x, at_y, ahead_x, ahead_y, length / 2, half_width, corners)
        window = ground_window(corners, eye, rotation, view)
        windows[number] = window
        for row in range(window[0], window[1]):
            for column in range(window[2], window[3]):
                share = ground_share[row, column]
                if share <= 0.0:
                    continue
                inside = _share_inside(x, y, row, column, at_x, at_y, ahead_x, ahead_y, length / 2, half_width, 0.0)
                if inside > 0.0:
                    _stained(row, column, inside * taken, most, share, cover, radiance, albedo)
    return windows


@kernel
def stain_spots(
    spots: Floats, eye: Floats, rotation: Floats, view: View, x: F32, y: F32, ground_share: F32, cover: F32,
    radiance: F32, albedo: F32,
) -> Counts:  # fmt: skip
    """Darkens the ground in K round spots (x, y, radius, share of the light that is gone there) to that share."""
    windows = np.zeros((len(spots), 4), np.int64)
    corners = np.empty((4, 2))
    for number in range(len(spots)):
        at_x, at_y, radius, taken = spots[number]
        _corners(at_x, at_y, 1.0, 0.0, radius, radius, corners)
        window = ground_window(corners, eye, rotation, view)
        windows[number] = window
        for row in range(window[0], window[1]):
            for column in range(window[2], window[3]):
                dx, dy = x[row, column] - at_x, y[row, column] - at_y
                away = np.sqrt(dx * dx + dy * dy) / radius
                level = taken * min(max(4.0 * (1.0 - away), 0.0), 1.0)
                share = ground_share[row, column]
                if share > 0.0 and level > cover[row, column]:
                    _stained(row, column, level - cover[row, column], level, share, cover, radiance, albedo)
    return windows


@kernel
def lay_pieces(
    pieces: Floats, eye: Floats, rotation: Floats, view: View, x: F32, y: F32, ground_share: F32, radiance: F32,
    albedo: F32,
) -> Counts:  # fmt: skip
    """Lays K flat pieces on the ground for good: x, y, direction, half length and width, albedo, taper. They are lit
    like the ground that they hide."""
    windows = np.zeros((len(pieces), 4), np.int64)
    corners = np.empty((4, 2))
    for number in range(len(pieces)):
        at_x, at_y, ahead_x, ahead_y, half_length, half_width = pieces[number, :6]
        taper = pieces[number, 9]
        _corners(at_x, at_y, ahead_x, ahead_y, half_length, (1.0 + taper) * half_width, corners)
        window = ground_window(corners, eye, rotation, view)
        windows[number] = window
        for row in range(window[0], window[1]):
            for column in range(window[2], window[3]):
                share = ground_share[row, column]
                if share <= 0.0:
                    continue
                share *= _share_inside(x, y, row, column, at_x, at_y, ahead_x, ahead_y, half_length, half_width, taper)
                if share > 0.0:
                    for colour in range(3):
                        old = albedo[row, column, colour]
                        new = old + share * (pieces[number, 6 + colour] - old)
                        radiance[row, column, colour] *= new / max(old, 1e-3)
                        albedo[row, column, colour] = new
    return windows


@kernel
def show_pieces(
    pieces: Floats, eye: Floats, rotation: Floats, view: View, x: F32, y: F32, ground_share: F32, radiance: F32,
    albedo: F32, bodies: Ints, glow: F32, touched: Mask,
) -> Counts:  # fmt: skip
    """As ``lay_pieces``, for one frame: the difference is added to ``glow`` where no body shows."""
    windows = np.zeros((len(pieces), 4), np.int64)
    corners = np.empty((4, 2))
    for number in range(len(pieces)):
        at_x, at_y, ahead_x, ahead_y, half_length, half_width = pieces[number, :6]
        taper = pieces[number, 9]
        _corners(at_x, at_y, ahead_x, ahead_y, half_length, (1.0 + taper) * half_width, corners)
        window = ground_window(corners, eye, rotation, view)
        windows[number] = window
        for row in range(window[0], window[1]):
            for column in range(window[2], window[3]):
                share = ground_share[row, column]
                if share <= 0.0 or bodies[FINE * row, FINE * column] >= 0:
                    continue
                share *= _share_inside(x, y, row, column, at_x, at_y, ahead_x, ahead_y, half_length, half_width, taper)
                if share > 0.0:
                    for colour in range(3):
                        old = max(albedo[row, column, colour], 1e-3)
                        lighter = share * (pieces[number, 6 + colour] / old - 1.0)
                        glow[row, column, colour] += lighter * radiance[row, column, colour]
                    touched[row, column] = True
    return windows
