"""Edges as John Canny finds them ("A computational approach to edge detection", 1986): where brightness changes most
along its own direction, strongly, or less strongly beside such a place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from its_core.engines.simulator.compilation import kernel
from its_core.engines.simulator.meshes.noise import blurred

F32 = NDArray[np.float32]
Frame = NDArray[np.uint8]

_STRONG, _WEAK = 100.0, 50.0  # of Sobel's gradient in grey levels
_EIGHT = np.ones((3, 3), np.uint8)


def edges(picture: Frame) -> Frame:
    """H×W: 255 on an edge of an RGB picture (H×W×3), 0 elsewhere."""
    grey = (
        picture[..., 0] * np.float32(0.299) + picture[..., 1] * np.float32(0.587) + picture[..., 2] * np.float32(0.114)
    )
    thin = _thinned(blurred(grey.astype(np.float32), 1.4))
    labels, count = ndimage.label(thin >= _WEAK, structure=_EIGHT)
    kept = np.zeros(count + 1, np.bool_)
    kept[labels[thin >= _STRONG]] = True
    kept[0] = False
    made: Frame = np.where(kept[labels], 255, 0).astype(np.uint8)
    return made


@kernel
def _thinned(grey: F32) -> F32:
    """The gradient's strength where neighbours along it are weaker, else 0."""
    height, width = grey.shape
    right, down = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    strength = np.zeros((height, width), np.float32)
    for row in range(1, height - 1):
        for column in range(1, width - 1):
            a, b, c = grey[row - 1, column - 1], grey[row - 1, column], grey[row - 1, column + 1]
            d, e = grey[row, column - 1], grey[row, column + 1]
            f, g, h = grey[row + 1, column - 1], grey[row + 1, column], grey[row + 1, column + 1]
            right[row, column] = (c + 2.0 * e + h) - (a + 2.0 * d + f)
            down[row, column] = (f + 2.0 * g + h) - (a + 2.0 * b + c)
            strength[row, column] = abs(right[row, column]) + abs(down[row, column])
    thin = np.zeros((height, width), np.float32)
    for row in range(1, height - 1):
        for column in range(1, width - 1):
            x, y, own = right[row, column], down[row, column], strength[row, column]
            if abs(y) < 0.4142 * abs(x):
                up, aside = 0, 1
            elif abs(x) < 0.4142 * abs(y):
                up, aside = 1, 0
            elif x * y > 0.0:
                up, aside = 1, 1
            else:
                up, aside = 1, -1
            if own > strength[row - up, column - aside] and own >= strength[row + up, column + aside]:
                thin[row, column] = own
    return thin
