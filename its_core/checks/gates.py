"""What a fixed camera's picture must be: it stays in place, has no captions, is exposed and sharp.

``GateMeter`` takes the frames that the checks decode anyway and looks closely at every eighth of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from its_core.checks.burnt_in_text import TextLine, TextMeter, longest_new_line
from its_core.checks.motion import Blocks, Luma
from its_core.checks.perceptual_hash import PerceptualHash
from its_core.checks.weather import PrecipitationMeter

Picture = NDArray[np.float32]  # H×W
_EVERY = 8  # frames
_STRIDE = 4  # pixels, for the drift
_NOISE_LEVELS = 2.0  # of the median difference of two pictures: noise and coding
_EXPLAINS = 0.7  # of the difference must a shift leave at most
_CRUSHED, _CLIPPED = 17, 234  # stored luma: black is 16, white 235
_TO_FULL_RANGE = 255 / 219


@dataclass(frozen=True, slots=True)
class GateMeasures:
    """``camera_drift_px`` is the largest shift of the background from the first frame, in pixels of the clip,
    ``contrast_levels`` the standard deviation of the luma, of 255, ``perceptual_hash`` as ``perceptual_hash`` makes
    it, ``precipitation_permille`` as ``weather`` measures it. ``text_characters`` counts those of the longest line of
    burnt-in text."""

    camera_drift_px: float
    flicker_levels: float
    crushed_share: float
    clipped_share: float
    sharpness: float
    contrast_levels: float
    perceptual_hash: str | None
    precipitation_permille: float | None
    text_characters: int


class GateMeter:
    """Takes frames one by one, with their block means."""

    def __init__(self) -> None:
        self._count = 0
        self._means: list[float] = []
        self._reference: tuple[Picture, NDArray[np.complex64]] | None = None
        self._window: Picture | None = None
        self._drift_px = 0.0
        self._shares: list[tuple[float, float]] = []
        self._sharpness: list[float] = []
        self._contrast: list[float] = []
        self._hash = PerceptualHash()
        self._precipitation = PrecipitationMeter()
        self._text = TextMeter()

    def add(self, luma: Luma, blocks: Blocks) -> None:
        self._means.append(float(blocks.mean()) * _TO_FULL_RANGE)
        self._precipitation.add(luma)
        if self._count % _EVERY == 0:
            self._look_closely(luma)
            self._hash.add(blocks)
            self._text.add(luma)
        self._count += 1

    def _look_closely(self, luma: Luma) -> None:
        sparse = luma[::_STRIDE, ::_STRIDE].astype(np.float32)
        self._shares.append((float((sparse <= _CRUSHED).mean()), float((sparse >= _CLIPPED).mean())))
        self._sharpness.append(_laplacian_variance(luma))
        self._contrast.append(float(sparse.std()) * _TO_FULL_RANGE)
        if self._window is None or self._window.shape != sparse.shape:
            self._window = np.outer(np.hanning(sparse.shape[0]), np.hanning(sparse.shape[1])).astype(np.float32)
            self._reference = sparse, np.fft.rfft2((sparse - sparse.mean()) * self._window).astype(np.complex64)
        elif self._reference is not None:
            spectrum = np.fft.rfft2((sparse - sparse.mean()) * self._window)
            self._drift_px = max(self._drift_px, _STRIDE * _shift(*self._reference, sparse, spectrum))

    def measures(self, known_text: Sequence[TextLine] = ()) -> GateMeasures | None:
        """None without a frame. Text where ``known_text`` is does not count."""
        if not self._count:
            return None
        second = np.abs(np.diff(self._means, 2)) if len(self._means) > 2 else np.zeros(1)
        crushed, clipped = np.mean(self._shares, axis=0)
        return GateMeasures(
            camera_drift_px=round(self._drift_px, 2),
            flicker_levels=round(float(second.mean()) / 2, 3),
            crushed_share=round(float(crushed), 4),
            clipped_share=round(float(clipped), 4),
            sharpness=round(float(np.median(self._sharpness)), 2),
            contrast_levels=round(float(np.median(self._contrast)), 2),
            perceptual_hash=self._hash.hexdigest(),
            precipitation_permille=self._precipitation.permille,
            text_characters=longest_new_line(self._text.lines(), known_text),
        )


def _laplacian_variance(luma: Luma) -> float:
    """Of the middle half of the picture."""
    height, width = luma.shape
    middle = luma[height // 4 : height * 3 // 4, width // 4 : width * 3 // 4].astype(np.int16)
    if min(middle.shape) < 3:
        return 0.0
    edges = 4 * middle[1:-1, 1:-1] - middle[:-2, 1:-1] - middle[2:, 1:-1] - middle[1:-1, :-2] - middle[1:-1, 2:]
    return float(edges.var())


def _shift(
    reference: Picture,
    reference_spectrum: NDArray[np.complex64],
    picture: Picture,
    spectrum: NDArray[np.complexfloating],
) -> float:
    """How far a picture is shifted from the reference, in its pixels: phase correlation (Kuglin and Hines, 1975).

    In smooth pictures the correlation may peak anywhere, so a shift counts only if it explains the picture better.
    """
    height, width = picture.shape
    product = spectrum * np.conj(reference_spectrum)
    peaks = np.fft.irfft2(product / np.maximum(np.abs(product), 1e-6), picture.shape)
    row, column = (int(index) for index in np.unravel_index(int(np.argmax(peaks)), picture.shape))
    rows, columns = row - height * (row > height // 2), column - width * (column > width // 2)
    if (rows, columns) == (0, 0) or abs(rows) > height // 4 or abs(columns) > width // 4:
        return 0.0  # a larger jump from one frame to another is a cut
    unshifted = _difference(picture, reference)
    explained = _difference(_overlap(picture, rows, columns), _overlap(reference, -rows, -columns))
    is_shift = unshifted > _NOISE_LEVELS and explained < _EXPLAINS * unshifted
    return float(np.hypot(rows, columns)) if is_shift else 0.0


def _difference(one: Picture, other: Picture) -> float:
    """The median difference, whatever the exposure and whatever moves."""
    difference = one - other
    return float(np.median(np.abs(difference - np.median(difference))))


def _overlap(picture: Picture, rows: int, columns: int) -> Picture:
    """The part that still shows the same after a shift."""
    height, width = picture.shape
    return picture[max(0, rows) : height + min(0, rows), max(0, columns) : width + min(0, columns)]
