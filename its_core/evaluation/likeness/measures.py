"""How alike two videos are: PSNR, SSIM, and how much each flickers, all of luma.

SSIM: Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE Transactions on
Image Processing 13(4), 2004, with a Gaussian window of 1.5 pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from its_core.errors import FactoryError
from its_core.video import read_luma

Luma = NDArray[np.float32]  # H×W, 16 black to 235 white
PEAK = 255.0
MOST_PSNR_DB = 100.0  # of equal pictures, whose PSNR has no bound
_SSIM_EVERY = 4  # frames
_WINDOW_PX = 1.5
_C1, _C2 = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2


class NotComparable(FactoryError, ValueError):
    """Two clips of different sizes or lengths."""

    default_code = "likeness.not_comparable"


@dataclass(frozen=True, slots=True)
class Likeness:
    """PSNR over all pixels and SSIM (mean of every fourth frame; 1: equal) of two clips, and the flicker of each: the
    mean change of a pixel back and forth from frame to frame, in levels of 255. Whatever moves adds to it in both."""

    psnr_db: float
    ssim: float
    flicker_before: float
    flicker_after: float


def likeness(before: Path, after: Path) -> Likeness:
    """Compares two clips frame by frame.

    Raises:
        NotComparable: their sizes or numbers of frames differ.
        UnreadableVideo: one cannot be decoded.
    """
    squares, ssims, meters = list[float](), list[float](), (_FlickerMeter(), _FlickerMeter())
    for number, (stored, other_stored) in enumerate(zip_longest(read_luma(before), read_luma(after))):
        if stored is None or other_stored is None:
            raise NotComparable(f"one has {number} frames, the other has more")
        if stored.shape != other_stored.shape:
            sizes = " and ".join(f"{width}×{height}" for height, width in (stored.shape, other_stored.shape))
            raise NotComparable(f"their frames are {sizes}")
        one, other = stored.astype(np.float32), other_stored.astype(np.float32)
        squares.append(float(np.square(one - other).mean()))
        if number % _SSIM_EVERY == 0:
            ssims.append(ssim(one, other))
        for meter, luma in zip(meters, (one, other), strict=True):
            meter.add(luma)
    if not squares:
        raise NotComparable("neither has a frame")
    flicker_before, flicker_after = (round(meter.levels(), 3) for meter in meters)
    return Likeness(psnr_db(float(np.mean(squares))), round(float(np.mean(ssims)), 5), flicker_before, flicker_after)


def psnr_db(mean_square: float) -> float:
    """Of a mean squared error in levels of 255."""
    if mean_square <= 0:
        return MOST_PSNR_DB
    return round(min(MOST_PSNR_DB, 10 * math.log10(PEAK**2 / mean_square)), 3)


def ssim(one: Luma, other: Luma) -> float:
    """The mean structural similarity of two pictures."""
    from scipy.ndimage import gaussian_filter

    def smooth(picture: Luma) -> Luma:
        smoothed: Luma = gaussian_filter(picture, _WINDOW_PX, truncate=3.5)
        return smoothed

    mean, other_mean = smooth(one), smooth(other)
    variance = smooth(one * one) - mean * mean
    other_variance = smooth(other * other) - other_mean * other_mean
    covariance = smooth(one * other) - mean * other_mean
    alike = (2 * mean * other_mean + _C1) * (2 * covariance + _C2)
    return float((alike / ((mean**2 + other_mean**2 + _C1) * (variance + other_variance + _C2))).mean())


class _FlickerMeter:
    """The mean of |a − 2 b + c| / 2 over three frames in a row, on every fourth row and column."""

    def __init__(self) -> None:
        self._last: list[Luma] = []
        self._changes: list[float] = []

    def add(self, luma: Luma) -> None:
        self._last = [*self._last[-2:], luma[::4, ::4]]
        if len(self._last) == 3:
            first, middle, last = self._last
            self._changes.append(float(np.abs(first - 2 * middle + last).mean()) / 2)

    def levels(self) -> float:
        return float(np.mean(self._changes)) if self._changes else 0.0
