"""Roughness of painted surfaces: smooth noise of a chosen grain, the same in every process."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from its_core.engines.simulator.compilation import elementwise, inline, kernel
from its_core.engines.simulator.portable_math import exp

F32 = NDArray[np.float32]
Tiles = tuple[F32, F32, F32]  # of ``tile_of`` 0, 1 and 2

_SIDE = 1024
_TEXELS_A_WAVE = 16.0
_COARSE_M = 1.5  # waves from here on are interpolated, for their texels could be seen


def white_noise(rng: np.random.Generator, shape: tuple[int, ...]) -> F32:
    """Independent numbers, about normal: zero mean, standard deviation 1; sums of four bytes."""
    drawn = rng.integers(0, 256, (4, *shape), dtype=np.uint8)
    total = drawn.sum(axis=0, dtype=np.uint16).astype(np.float32)
    numbers: F32 = (total - np.float32(510.0)) * np.float32(1.0 / 147.8)
    return numbers


def blurred(grid: F32, sigma: float) -> F32:
    """A Gaussian blur of H×W; beyond its edge the grid goes on mirrored."""
    reach = int(4.0 * sigma + 0.5)
    if reach == 0:
        return grid
    steps = np.arange(-reach, reach + 1) / sigma
    weights = exp(-0.5 * steps * steps)
    weights /= weights.sum()
    made = np.empty_like(grid)
    _blurred(grid, weights[reach:], made)
    return made


@kernel
def _blurred(grid: F32, weights: NDArray[np.float64], made: F32) -> None:
    """``weights``: of the middle and of what lies 1, 2, … steps from it on either side. Down first, then across; loops
    over a row are compiled for many values at once."""
    height, width = grid.shape
    reach = len(weights) - 1
    total, padded = np.empty(width), np.empty(width + 2 * reach)
    for row in range(height):
        total[:] = weights[0] * grid[row]
        for step in range(reach, 0, -1):
            above, below = grid[_mirrored(row - step, height)], grid[_mirrored(row + step, height)]
            for i in range(width):
                total[i] += (np.float64(above[i]) + below[i]) * weights[step]
        for i in range(width):
            padded[reach + i] = np.float32(total[i])
        for i in range(reach):
            padded[i], padded[reach + width + i] = (
                padded[reach + _mirrored(i - reach, width)],
                padded[reach + _mirrored(width + i, width)],
            )
        middle = padded[reach : reach + width]
        total[:] = weights[0] * middle
        for step in range(reach, 0, -1):
            before, after = padded[reach - step :], padded[reach + step :]
            for i in range(width):
                total[i] += (before[i] + after[i]) * weights[step]
        made[row] = total


@inline
def _mirrored(at: int, count: int) -> int:
    """The place in a line of so many that stands for one beyond its ends."""
    at %= 2 * count
    return at if at < count else 2 * count - 1 - at


@cache
def _tile(number: int) -> F32:
    """A tile that repeats without a seam: zero mean, standard deviation 1, waves of about 16 texels."""
    white = white_noise(np.random.default_rng(7001 + number), (_SIDE, _SIDE))
    fine, coarse = white, white
    for _ in range(3):
        fine = ndimage.uniform_filter(fine, 4, mode="wrap")
        coarse = ndimage.uniform_filter(coarse, 15, mode="wrap")
    band = fine - coarse
    tile: F32 = (band / band.std()).astype(np.float32)
    return tile


def noise(x: F32, y: F32, wave_m: float, number: int = 0) -> F32:
    """Noise at points of a plane whose humps are about ``wave_m`` across; ``number`` picks one of many patterns."""
    per_m, shift = pattern(wave_m, number)
    x, y = np.broadcast_arrays(x, y)
    found = np.empty(x.shape, np.float32)
    across, down = np.ascontiguousarray(x, np.float32), np.ascontiguousarray(y, np.float32)
    _noise(across.ravel(), down.ravel(), per_m, shift, tile_of(number), wave_m >= _COARSE_M, found.ravel())
    return found


def single(value: float) -> Any:
    """In 32 bits, for where rounding decides on which stone, brick or bay a point lies."""
    return np.float32(value)


def pattern(wave_m: float, number: int) -> tuple[Any, Any]:
    """``per_m`` and ``shift`` of ``noise_at`` for humps of that size in that pattern."""
    return np.float32(_TEXELS_A_WAVE / wave_m), np.float32(251 * number)


def all_tiles() -> Tiles:
    return tile_of(0), tile_of(1), tile_of(2)


def tile_of(number: int) -> F32:
    """The tile of that pattern, which ``noise_at`` reads."""
    return _tile(number % 3)


@inline
def noise_at(x: Any, y: Any, per_m: Any, shift: Any, tile: F32, smooth: bool) -> float:
    """``noise`` at one point; all of 32 bits. ``smooth``: between texels, interpolated."""
    last = _SIDE - 1
    u, v = x * per_m + shift, y * per_m
    left, top = np.floor(u), np.floor(v)
    column, row = int(left) & last, int(top) & last
    if not smooth:
        return float(tile[row, column])
    u, v = u - left, v - top
    east, south = (column + 1) & last, (row + 1) & last
    upper = tile[row, column] + u * (tile[row, east] - tile[row, column])
    lower = tile[south, column] + u * (tile[south, east] - tile[south, column])
    return float(upper + v * (lower - upper))


@kernel
def _noise(x: F32, y: F32, per_m: np.float32, shift: np.float32, tile: F32, smooth: bool, found: F32) -> None:
    for i in range(len(x)):
        found[i] = noise_at(x[i], y[i], per_m, shift, tile, smooth)


@inline
def hash_step(mixed: np.uint32, number: int) -> np.uint32:
    """Mixes a whole number into a hash, which begins at 0."""
    mixed = np.uint32((mixed ^ np.uint32(number)) * np.uint32(0x9E3779B1))
    return np.uint32(mixed ^ (mixed >> np.uint32(15)))


@inline
def finished_hash(mixed: np.uint32) -> float:
    """A number of [0, 1), as if drawn at random."""
    mixed = np.uint32(mixed * np.uint32(0x85EBCA77))
    mixed = np.uint32(mixed ^ (mixed >> np.uint32(13)))
    return float(mixed >> np.uint32(8)) / (1 << 24)


@elementwise
def _hash_step(mixed: np.uint32, number: int) -> np.uint32:
    return hash_step(mixed, number)


@elementwise
def _finished_hash(mixed: np.uint32) -> np.float32:
    return np.float32(finished_hash(mixed))


def hashed(*numbers: NDArray[np.int32]) -> F32:
    """A number of [0, 1) for each combination of whole numbers, as if drawn at random."""
    mixed: Any = np.uint32(0)
    for number in numbers:
        mixed = _hash_step(mixed, number)
    drawn: F32 = _finished_hash(mixed)
    return drawn


def sampled(grid: F32, rect: tuple[float, float, float, float], x: F32, y: F32) -> NDArray[Any]:
    """Bilinear values (64 bits) of a plan (rows from north to south, 2×2 at least) over x1, y1, x2, y2; beyond its edge
    the edge goes on. ``x`` and ``y`` are finite and of one shape."""
    x1, y1, x2, y2 = rect
    assert x.shape == y.shape and min(grid.shape) >= 2
    rows, columns = grid.shape
    found = np.empty(x.shape)
    across, down = np.float32(columns / (x2 - x1)), np.float32(rows / (y2 - y1))
    east, south = np.ascontiguousarray(x, np.float32), np.ascontiguousarray(y, np.float32)
    _sampled(grid, np.float32(x1), np.float32(y2), across, down, east.ravel(), south.ravel(), found.ravel())
    return found


@kernel
def _sampled(
    grid: F32, west: np.float32, north: np.float32, across: np.float32, down: np.float32, x: F32, y: F32,
    found: NDArray[np.float64],
) -> None:  # fmt: skip
    """``across`` and ``down``: cells a metre."""
    for i in range(len(x)):
        found[i] = sampled_at(grid, west, north, across, down, x[i], y[i])


@inline
def sampled_at(grid: F32, west: Any, north: Any, across: Any, down: Any, x: Any, y: Any) -> float:
    """``sampled`` at one point; ``across`` and ``down``: cells a metre. All of 32 bits."""
    rows, columns = grid.shape
    half, least = np.float32(0.5), np.float32(0.0)
    u = min(max((x - west) * across - half, least), np.float32(columns - 1.001))
    v = min(max((north - y) * down - half, least), np.float32(rows - 1.001))
    c, r = np.int32(u), np.int32(v)
    right, below = u - c, v - r
    top = grid[r, c] * (1.0 - right) + grid[r, c + 1] * right
    low = grid[r + 1, c] * (1.0 - right) + grid[r + 1, c + 1] * right
    return float(top + below * (low - top))
