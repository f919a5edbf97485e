"""A camera's softness, in whole numbers: a box blur up to 2.5 pixels to each side, then sharpening that leaves
halos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import kernel

Frame = NDArray[np.uint8]
Sums = NDArray[np.int32]

REACH_PX = 4  # how far a pixel's change is seen
_TAPS = 2  # beside the middle one
_BAND_ROWS = 64
_ONE = 256


@dataclass(frozen=True, slots=True)
class Softening:
    """``radius_px`` and ``wide_px`` are half widths of boxes; ``gain`` how much stronger than the wide blur's the
    difference from it comes out (1: no sharpening)."""

    radius_px: float
    wide_px: float
    gain: float

    def applied(self, picture: Frame) -> Frame:
        """The whole picture (H×W×3), softened band by band, for the memory's sake."""
        height, width = picture.shape[:2]
        bands = [(top, min(top + _BAND_ROWS, height), 0, width) for top in range(0, height, _BAND_ROWS)]
        made = np.empty_like(picture)
        self.apply(picture, np.array(bands, np.int32), made)
        return made

    def apply(self, sharp: Frame, windows: NDArray[np.int32], made: Frame) -> None:
        """Writes the softened picture to ``made`` in the windows (K×4: top, low, left, right) and as far about them as
        a change in them is seen."""
        narrow, wide = _box(self.radius_px), _box(self.wide_px)
        _soften(sharp, windows, narrow, wide, round(self.gain * _ONE), made)


def _box(radius_px: float) -> Sums:
    """Weights of the middle and its neighbours on one side, in 256ths; those of the whole box sum to 256."""
    share = np.concatenate([[1.0], np.clip(radius_px - np.arange(_TAPS), 0.0, 1.0)])
    weights = np.round(share / (share[0] + 2 * share[1:].sum()) * _ONE).astype(np.int32)
    weights[0] = _ONE - 2 * int(weights[1:].sum())
    made: Sums = weights
    return made


@kernel
def _soften(picture: Frame, windows: NDArray[np.int32], narrow: Sums, wide: Sums, gain: int, softened: Frame) -> None:
    height, width, _ = picture.shape
    # The three channels of a row one after another: loops over them are compiled for many values at once.
    sharp, made = picture.reshape(height, 3 * width), softened.reshape(height, 3 * width)
    # 32 bits each, also of what is computed from them: Python's own numbers have 64, half as many at once.
    strength, half, bits, none, full = np.int32(gain), np.int32(128), np.int32(8), np.int32(0), np.int32(255)
    for number in range(len(windows)):
        # What changes, then what it takes to know that, then what it takes to know that in turn.
        top, low = max(windows[number, 0] - 4, 0), min(windows[number, 1] + 4, height)
        left, right = max(windows[number, 2] - 4, 0), min(windows[number, 3] + 4, width)
        above, below = max(top - 2, 0), min(low + 2, height)
        before, beyond = max(left - 2, 0), min(right + 2, width)
        if gain == 256:
            _blurred(sharp, top, low, left, right, narrow, made[top:low, 3 * left : 3 * right])
            continue
        soft = np.empty((below - above, 3 * (beyond - before)), np.uint8)
        _blurred(sharp, above, below, before, beyond, narrow, soft)
        broad = np.empty((low - top, 3 * (right - left)), np.uint8)
        _blurred(soft, top - above, low - above, left - before, right - before, wide, broad)
        for row in range(top, low):
            line, means = made[row, 3 * left : 3 * right], broad[row - top]
            values = soft[row - above, 3 * (left - before) : 3 * (right - before)]
            for i in range(len(line)):
                value, mean = np.int32(values[i]), np.int32(means[i])
                more = np.int32(np.int32((value - mean) * strength + half) >> bits)
                line[i] = min(max(np.int32(mean + more), none), full)


@kernel
def _blurred(source: Frame, top: int, low: int, left: int, right: int, weights: Sums, made: Frame) -> None:
    """Blurs rows ``top`` to ``low`` and columns ``left`` to ``right`` of H×3W; beyond the source its edge goes on."""
    height, width = source.shape[0], source.shape[1] // 3
    values = 3 * (right - left)
    # Sums of bytes by weights of 256 in all fit 16 bits, and twice as many of them are added at once as of 32.
    padded = np.empty(values + 12, np.uint16)
    rows = np.empty((low - top + 4, values), np.uint16)
    w0, w1, w2 = np.uint16(weights[0]), np.uint16(weights[1]), np.uint16(weights[2])
    first, last = max(left - 2, 0), min(right + 2, width)
    for row in range(top - 2, low + 2):
        line = source[min(max(row, 0), height - 1)]
        for i in range(3 * (first - left + 2)):
            padded[i] = line[i % 3]
        within, seen = padded[3 * (first - left + 2) :], line[3 * first : 3 * last]
        for i in range(len(seen)):
            within[i] = seen[i]
        for i in range(3 * (last - left + 2), values + 12):
            padded[i] = line[3 * width - 3 + i % 3]
        across = rows[row - top + 2]
        for i in range(values):
            across[i] = w0 * padded[i + 6] + w1 * (padded[i + 3] + padded[i + 9]) + w2 * (padded[i] + padded[i + 12])
    v0, v1, v2 = np.uint32(w0), np.uint32(w1), np.uint32(w2)
    half, bits = np.uint32(1 << 15), np.uint32(16)
    for at in range(low - top):
        blurred, middle = made[at], rows[at + 2]
        above, upper, lower, below = rows[at], rows[at + 1], rows[at + 3], rows[at + 4]
        for i in range(values):
            beside, far = np.uint32(upper[i]) + np.uint32(lower[i]), np.uint32(above[i]) + np.uint32(below[i])
            blurred[i] = np.uint32(v0 * np.uint32(middle[i]) + v1 * beside + v2 * far + half) >> bits
