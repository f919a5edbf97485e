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
_ONE = 256


@dataclass(frozen=True, slots=True)
class Softening:
    """``radius_px`` and ``wide_px`` are half widths of boxes; ``gain`` how much stronger than the wide blur's the
    difference from it comes out (1: no sharpening)."""

    radius_px: float
    wide_px: float
    gain: float

    def applied(self, picture: Frame) -> Frame:
        """The whole picture (H×W×3), softened."""
        made = np.empty_like(picture)
        self.apply(picture, np.array([[0, picture.shape[0], 0, picture.shape[1]]], np.int32), made)
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
    for number in range(len(windows)):
        # What changes, then what it takes to know that, then what it takes to know that in turn.
        top, low = max(windows[number, 0] - 4, 0), min(windows[number, 1] + 4, height)
        left, right = max(windows[number, 2] - 4, 0), min(windows[number, 3] + 4, width)
        above, below = max(top - 2, 0), min(low + 2, height)
        before, beyond = max(left - 2, 0), min(right + 2, width)
        soft = np.empty((below - above, 3 * (beyond - before)), np.int32)
        _blurred(sharp, above, below, before, beyond, narrow, soft)
        inner = soft[top - above : low - above, 3 * (left - before) : 3 * (right - before)]
        if gain == 256:
            for row in range(top, low):
                line, values = made[row, 3 * left : 3 * right], inner[row - top]
                for i in range(len(line)):
                    line[i] = values[i]
            continue
        rounded = np.empty(soft.shape, np.uint8)
        for row in range(below - above):
            for i in range(soft.shape[1]):
                rounded[row, i] = soft[row, i]
        broad = np.empty((low - top, 3 * (right - left)), np.int32)
        _blurred(rounded, top - above, low - above, left - before, right - before, wide, broad)
        for row in range(top, low):
            line, values, means = made[row, 3 * left : 3 * right], inner[row - top], broad[row - top]
            for i in range(len(line)):
                value = means[i] + (((values[i] - means[i]) * gain + 128) >> 8)
                line[i] = min(max(value, 0), 255)


@kernel
def _blurred(source: Frame, top: int, low: int, left: int, right: int, weights: Sums, made: Sums) -> None:
    """Blurs rows ``top`` to ``low`` and columns ``left`` to ``right`` of H×3W; beyond the source its edge goes on."""
    height, width = source.shape[0], source.shape[1] // 3
    values = 3 * (right - left)
    padded = np.empty(values + 12, np.int32)
    rows = np.empty((low - top + 4, values), np.int32)
    w0, w1, w2 = weights[0], weights[1], weights[2]
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
    for at in range(low - top):
        blurred = made[at]
        for i in range(values):
            total = w0 * rows[at + 2, i] + w1 * (rows[at + 1, i] + rows[at + 3, i])
            total += w2 * (rows[at, i] + rows[at + 4, i])
            blurred[i] = (total + 32768) >> 16
