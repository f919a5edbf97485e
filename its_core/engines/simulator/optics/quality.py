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
        memory = BytesIO()
        Image.fromarray(_halved(picture)).save(memory, "JPEG", quality=self._jpeg_quality)
        return _doubled(np.asarray(Image.open(memory)))


@kernel
def _halved(picture: Frame) -> Frame:
    """2H×2W×3 to H×W×3, byte for byte as Pillow's ``reduce`` does it."""
    height, width = picture.shape[0] // 2, picture.shape[1] // 2
    small = np.empty((height, width, 3), np.uint8)
    # The three channels of a row one after another: such loops are compiled for many values at once.
    lines, made = picture.reshape(2 * height, 6 * width), small.reshape(height, 3 * width)
    sums, means = np.empty(6 * width, np.uint16), np.empty(6 * width, np.uint8)
    two = np.uint16(2)
    for row in range(height):
        upper, lower, line = lines[2 * row], lines[2 * row + 1], made[row]
        for i in range(6 * width):
            sums[i] = np.uint16(upper[i]) + np.uint16(lower[i])
        for i in range(6 * width - 3):  # about every pixel, of which each other one is taken
            means[i] = (sums[i] + sums[i + 3] + two) >> two
        for column in range(width):
            to, at = 3 * column, 6 * column
            line[to], line[to + 1], line[to + 2] = means[at], means[at + 1], means[at + 2]
    return small


@kernel
def _doubled(small: Frame) -> Frame:
    """H×W×3 to 2H×2W×3, byte for byte as Pillow's bilinear filter does it: along the rows, then along the columns, each
    rounded."""
    height, width, _ = small.shape
    large = np.empty((2 * height, 2 * width, 3), np.uint8)
    # The three channels of a row one after another: such loops are compiled for many values at once.
    lines, made = small.reshape(height, 3 * width), large.reshape(2 * height, 6 * width)
    wide, between = np.empty((2, 6 * width), np.uint8), np.empty((2, 3 * width), np.uint8)
    nearer, farther = between[0], between[1]
    two, three = np.uint16(2), np.uint16(3)
    for row in range(height):
        line, upper, lower = lines[row], wide[(row + 1) % 2], wide[row % 2]
        for i in range(3 * width - 3):
            nearer[i] = (three * line[i] + line[i + 3] + two) >> two
        for i in range(3 * width - 3):
            farther[i] = (line[i] + three * line[i + 3] + two) >> two
        for channel in range(3):
            lower[channel], lower[6 * width - 3 + channel] = line[channel], line[3 * width - 3 + channel]
        for column in range(width - 1):
            at, to = 3 * column, 6 * column + 3
            lower[to], lower[to + 1], lower[to + 2] = nearer[at], nearer[at + 1], nearer[at + 2]
            lower[to + 3], lower[to + 4], lower[to + 5] = farther[at], farther[at + 1], farther[at + 2]
        if row == 0:
            made[0] = lower
            continue
        first, second = made[2 * row - 1], made[2 * row]
        for i in range(6 * width):
            first[i] = (three * upper[i] + lower[i] + two) >> two
        for i in range(6 * width):
            second[i] = (upper[i] + three * lower[i] + two) >> two
    made[2 * height - 1] = wide[(height - 1) % 2]
    return large
