"""RGB to the planes that the encoder takes, in whole numbers alone: the same bytes on every processor.

They are those of FFmpeg's swscale without its inexact code (``SWS_AREA | SWS_ACCURATE_RND | SWS_BITEXACT``), in less
than half of its time: BT.709 in MPEG's range, colours averaged over 2×2 pixels, those of a row first.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]

# 32 bits each: with Python's own numbers all would be computed in 64, half as many at once.
_Y = (np.int32(5983), np.int32(20127), np.int32(2032))  # of red, green and blue, in 32768ths
_CB = (np.int32(-3298), np.int32(-11094), np.int32(14392))
_CR = (np.int32(14392), np.int32(-13073), np.int32(-1320))
_BLACK = np.int32((16 << 15) + (1 << 8) + (1 << 14))  # and what rounds
_GREY = np.int32((256 << 15) + (1 << 9))  # of a sum of two
_HALF = np.int16(64)
_15, _10, _7 = np.int32(15), np.int32(10), np.int16(7)
_LOW, _8 = np.uint16(255), np.uint16(8)


@numba.njit(cache=True, nogil=True)
def to_planes(frame: Plane, luma: Plane, blue: Plane, red: Plane) -> None:
    """Fills ``luma`` (H rows) and the two planes of colour (H/2 rows) from H×W×3 RGB in one piece; H and W are even.
    The planes' rows may be longer than the picture's."""
    height, width, _ = frame.shape
    lines = frame.reshape(height, 3 * width)
    # A row's colours apart first, and pairs of pixels as one number each: such loops are compiled for many values at
    # once, those over every third or second value are not.
    apart = np.empty((3, width), np.uint8)
    reds, greens, blues = apart[0], apart[1], apart[2]
    pairs = apart.view(np.uint16)
    red_pairs, green_pairs, blue_pairs = pairs[0], pairs[1], pairs[2]
    cb, cr = np.empty((2, width // 2), np.int16), np.empty((2, width // 2), np.int16)
    for row in range(height):
        line, made, cb_line, cr_line = lines[row], luma[row], cb[row % 2], cr[row % 2]
        for i in range(width):
            reds[i], greens[i], blues[i] = line[3 * i], line[3 * i + 1], line[3 * i + 2]
        for i in range(width):
            r, g, b = np.int32(reds[i]), np.int32(greens[i]), np.int32(blues[i])
            made[i] = (_Y[0] * r + _Y[1] * g + _Y[2] * b + _BLACK) >> _15
        for i in range(width // 2):
            r = np.int32((red_pairs[i] & _LOW) + (red_pairs[i] >> _8))
            g = np.int32((green_pairs[i] & _LOW) + (green_pairs[i] >> _8))
            b = np.int32((blue_pairs[i] & _LOW) + (blue_pairs[i] >> _8))
            cb_line[i] = (_CB[0] * r + _CB[1] * g + _CB[2] * b + _GREY) >> _10
            cr_line[i] = (_CR[0] * r + _CR[1] * g + _CR[2] * b + _GREY) >> _10
        if row % 2:
            for i in range(width // 2):
                blue[row // 2, i] = (cb[0, i] + cb[1, i] + _HALF) >> _7
                red[row // 2, i] = (cr[0, i] + cr[1, i] + _HALF) >> _7
