"""Rain and snow in the air between camera and road: a tile of streaks or flakes that runs down the picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import kernel
from its_core.engines.simulator.optics.daylight import Daylight, Fall
from its_core.engines.simulator.randomness import rng_of

Frame = NDArray[np.uint8]
Floats = NDArray[np.float64]


class Precipitation:
    """What falls before one camera; ``fallen`` brightens a picture by it."""

    def __init__(self, camera_id: str, daylight: Daylight, width_px: int, height_px: int, seed: int) -> None:
        self._rng = rng_of("precipitation", camera_id, seed)
        self._tile: Frame | None = None
        if daylight.fall is Fall.NOTHING:
            return
        scale = width_px / 1280.0
        light = 0.95 if daylight.lit else 1.0
        density = float(self._rng.uniform(0.6, 1.3))
        lean = float(self._rng.uniform(-0.25, 0.25))
        rain = daylight.fall is Fall.RAIN
        self._step = 0 if rain else round(13 * scale)
        self._drift = round((5 if rain else 4) * lean * scale)
        count = int((900 if rain else 1500) * density)
        drops = _drops(self._rng, count, width_px, height_px, rain, scale, light)
        tile = np.zeros((height_px, width_px))
        _paint(tile, drops, lean)
        self._tile = np.repeat(np.clip(np.round(tile), 0, 120).astype(np.uint8), 3, axis=1)  # of each channel
        self._at = (0, 0)

    def fallen(self, picture: Frame) -> None:
        """Brightens the picture in place; each call is a frame later."""
        tile = self._tile
        if tile is None:
            return
        height, width, _ = picture.shape
        row, column = self._at
        _add(picture, tile, row, column)
        if self._step:
            self._at = ((row - self._step) % height, (column + self._drift + int(self._rng.integers(-1, 2))) % width)
        else:  # drops fall farther in a frame than they are apart
            self._at = (int(self._rng.integers(height)), int(self._rng.integers(width)))


def _drops(
    rng: np.random.Generator, count: int, width_px: int, height_px: int, rain: bool, scale: float, light: float
) -> Floats:
    """K×5: column, row, length and half width (px), brightness. Most are far: short, thin and faint."""
    near = rng.random(count) ** 3
    length = (6.0 + 46.0 * near) * scale if rain else (1.2 + 5.0 * near) * scale
    half = (0.35 + 0.55 * near) * scale if rain else (0.6 + 2.1 * near) * scale
    bright = (16.0 + 14.0 * near) * light if rain else (70.0 + 20.0 * near) * light
    return np.stack([rng.uniform(0, width_px, count), rng.uniform(0, height_px, count), length, half, bright], axis=1)


@kernel
def _paint(tile: Floats, drops: Floats, lean: float) -> None:
    """Adds streaks to a tile whose edges meet."""
    height, width = tile.shape
    for number in range(len(drops)):
        x, y, length, half, bright = drops[number]
        for row in range(int(np.floor(y - length / 2 - half)), int(np.ceil(y + length / 2 + half)) + 1):
            down = row + 0.5 - y
            over = max(abs(down) - length / 2, 0.0)
            middle = x - lean * down
            for column in range(int(np.floor(middle - half - 1)), int(np.ceil(middle + half + 1)) + 1):
                aside = column + 0.5 - middle
                away = np.sqrt(aside * aside + over * over)
                share = min(max(half + 0.5 - away, 0.0), 1.0)
                tile[row % height, column % width] += bright * share


@kernel
def _add(picture: Frame, tile: Frame, first_row: int, first_column: int) -> None:
    """``tile`` H×3W, the three channels of a row one after another: loops over them are compiled for many values at
    once. Where nothing falls nothing changes."""
    height, width, _ = picture.shape
    lines, all_of_it = picture.reshape(height, 3 * width), np.uint16(255)
    left = 3 * (first_column % width)
    for row in range(height):
        shown, line = lines[row], tile[(row + first_row) % height]
        for into, out_of in ((shown[: 3 * width - left], line[left:]), (shown[3 * width - left :], line[:left])):
            for i in range(len(into)):
                value = np.uint16(into[i])
                into[i] = value + ((all_of_it - value) * np.uint16(out_of[i])) // all_of_it
