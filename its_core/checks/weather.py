"""Weather that a fixed camera's picture shows: rain and snow that fall, a blue sky."""

from __future__ import annotations

import numpy as np

from its_core.checks.motion import Luma
from its_core.video import Frame

_EVERY = 16  # frames: of so many, three in a row are compared
_LEVELS = 3
_TRIMMED = 0.1  # of the parts at each end: trees in the wind, a car's edges
_GRID = 8, 16  # parts of the picture, rows by columns
_SKY_BLOCK_PX = 8
_SKY_BLUE_LEVELS = 15  # blue above red
_SKY_LEAST_LEVELS = 100


class PrecipitationMeter:
    """Drops and flakes are light and in another place in every frame. Sensor noise makes as many pixels darker as
    lighter, and what drives through the picture stays for more than a frame."""

    def __init__(self) -> None:
        self._count = 0
        self._frames: list[Luma] = []
        self._found: list[float] = []

    def add(self, luma: Luma) -> None:
        place = self._count % _EVERY
        self._count += 1
        if place == 0:
            self._frames = []
        if place < 3:
            self._frames.append(luma[::2].copy())  # every other line: streaks are upright
        if place == 2 and len({frame.shape for frame in self._frames}) == 1:
            self._found.append(_lighter_for_one_frame(*self._frames))

    @property
    def permille(self) -> float | None:
        """Pixels that are lighter in one frame than in those beside it, less those that are darker, of 1,000: the
        mean of the picture's parts without the extreme ones. None for fewer than three frames."""
        return round(float(np.median(self._found)), 2) if self._found else None


def _lighter_for_one_frame(before: Luma, luma: Luma, after: Luma) -> float:
    lightest, darkest = np.maximum(before, after), np.minimum(before, after)
    lighter = (luma > lightest) & (luma - lightest > _LEVELS)
    darker = (luma < darkest) & (darkest - luma > _LEVELS)
    rows, columns = _GRID
    height, width = luma.shape[0] // rows, luma.shape[1] // columns
    change = (lighter.view(np.int8) - darker.view(np.int8))[: rows * height, : columns * width]
    parts = np.sort(change.reshape(rows, height, columns, width).sum(axis=(1, 3), dtype=np.int32), axis=None)
    trimmed = round(_TRIMMED * len(parts))
    share: float = np.mean(parts[trimmed : len(parts) - trimmed]).item() / max(1, height * width)
    return 1000.0 * share


def blue_sky_share(frame: Frame) -> float:
    """The share of the picture's upper half that is as light as a clear sky, and so much bluer than the lower half is
    on the whole: a camera's cast lies over both."""
    rows, columns = (length // _SKY_BLOCK_PX for length in frame.shape[:2])
    blocks = frame[: rows * _SKY_BLOCK_PX : 2, : columns * _SKY_BLOCK_PX : 2]
    every_other = _SKY_BLOCK_PX // 2
    means = blocks.reshape(rows, every_other, columns, every_other, 3).mean(axis=(1, 3), dtype=np.float32)
    blueness, half = means[..., 2] - means[..., 0], max(1, rows // 2)
    cast = float(np.median(blueness[half:])) if rows > half else 0.0
    is_sky = (blueness[:half] - cast > _SKY_BLUE_LEVELS) & (means[:half].mean(axis=2) > _SKY_LEAST_LEVELS)
    return round(float(np.mean(is_sky)), 4)
