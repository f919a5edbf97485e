"""How good a camera's picture is: a grade that follows from its name, and what a poor recorder does to it."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from its_core.engines.simulator.compilation import kernel
from its_core.engines.simulator.randomness import rng_of
from its_core.taxonomy import CameraWord, ImageQuality

Frame = NDArray[np.uint8]

# Quality, 0 worst to 1, with its share of cameras and its grade: two thirds are poor or worse, as of real ones.
_QUALITIES = (0.0, 0.35, 0.55, 0.8, 1.0)
_SHARES = (0.2, 0.25, 0.22, 0.2, 0.13)
_GRADES = (ImageQuality.VERY_POOR, ImageQuality.POOR, ImageQuality.POOR, ImageQuality.FINE, ImageQuality.GOOD)
_GOLDEN_RATIO, _DIGITS = 0.6180339887498949, 6
_RECORDED_TWICE = 0.4  # quality below which an old recorder has compressed the picture before


def quality_of(camera_id: str, words: Sequence[CameraWord] = ()) -> float:
    """0 to 1; the words ``sharp`` and ``poor`` decide where they are given."""
    draw = _drawn(camera_id)
    if CameraWord.SHARP in words:
        return 1.0 if draw < 0.5 else 0.8
    if CameraWord.POOR in words:
        return 0.0 if draw < 0.45 else 0.35
    return _QUALITIES[int(np.searchsorted(np.cumsum(_SHARES)[:-1], draw, side="right"))]


def _drawn(camera_id: str) -> float:
    """0 to 1. Cameras that differ in the number at the end of their names share that range out evenly, by the golden
    ratio's multiples: dice would give half of forty cameras a good picture as often as a sixth of them."""
    name = camera_id.rstrip("0123456789")
    number = int(camera_id[len(name) :][-_DIGITS:] or 0)
    return (float(rng_of("quality", name).random()) + number * _GOLDEN_RATIO) % 1.0


def grade(quality: float) -> ImageQuality:
    """In the words of the ACCIDENT benchmark."""
    return _GRADES[_QUALITIES.index(quality)]


class Recorder:
    """An old recorder between camera and us: it halves the picture, compresses it hard and enlarges it again."""

    def __init__(self, camera_id: str, quality: float) -> None:
        self._compresses = quality < _RECORDED_TWICE
        low, high = (18, 34) if quality < 0.2 else (35, 60)
        self._jpeg_quality = int(rng_of("recorder", camera_id).integers(low, high))

    def played(self, picture: Frame) -> Frame:
        """The picture (of even width and height) as it comes off the tape; itself where the recorder is a good one."""
        if not self._compresses:
            return picture
        image = Image.fromarray(picture)
        memory = BytesIO()
        image.reduce(2).save(memory, "JPEG", quality=self._jpeg_quality)
        return _doubled(np.asarray(Image.open(memory)))


@kernel
def _doubled(small: Frame) -> Frame:
    """H×W×3 to 2H×2W×3, byte for byte as Pillow's bilinear filter does it: along the rows, then along the columns, each
    rounded."""
    height, width, _ = small.shape
    wide = np.empty((height, 2 * width, 3), np.uint8)
    for row in range(height):
        for channel in range(3):
            wide[row, 0, channel] = small[row, 0, channel]
            wide[row, 2 * width - 1, channel] = small[row, width - 1, channel]
        for column in range(width - 1):
            for channel in range(3):
                here, beyond = np.int32(small[row, column, channel]), np.int32(small[row, column + 1, channel])
                wide[row, 2 * column + 1, channel] = (3 * here + beyond + 2) >> 2
                wide[row, 2 * column + 2, channel] = (here + 3 * beyond + 2) >> 2
    large = np.empty((2 * height, 2 * width, 3), np.uint8)
    large[0], large[2 * height - 1] = wide[0], wide[height - 1]
    # The three channels of a row one after another: such loops are compiled for many values at once.
    lines, made = wide.reshape(height, 6 * width), large.reshape(2 * height, 6 * width)
    for row in range(height - 1):
        upper, lower, first, second = lines[row], lines[row + 1], made[2 * row + 1], made[2 * row + 2]
        for i in range(6 * width):
            first[i] = (np.uint16(3) * upper[i] + lower[i] + np.uint16(2)) >> np.uint16(2)
        for i in range(6 * width):
            second[i] = (upper[i] + np.uint16(3) * lower[i] + np.uint16(2)) >> np.uint16(2)
    return large
