"""Parts of a frame: rectangles of pixels as slices of rows and columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import kernel

Window = tuple[slice, slice]

_BAND_PX = 32


def window_of(box: Sequence[float], shape: tuple[int, int]) -> Window | None:
    """The part of a frame of H×W pixels that a box (x1, y1, x2, y2) covers; None when they do not meet."""
    x1, y1, x2, y2 = (float(value) for value in box)
    left, right = max(0, int(np.floor(x1))), min(shape[1], int(np.ceil(x2)))
    top, low = max(0, int(np.floor(y1))), min(shape[0], int(np.ceil(y2)))
    return (slice(top, low), slice(left, right)) if left < right and top < low else None


def grown(window: Window, by_px: int, shape: tuple[int, int]) -> Window:
    rows, columns = window
    return (
        slice(max(0, rows.start - by_px), min(shape[0], rows.stop + by_px)),
        slice(max(0, columns.start - by_px), min(shape[1], columns.stop + by_px)),
    )


def bounds_of(windows: Sequence[Window]) -> NDArray[np.int64]:
    """K×4 of top, low, left, right."""
    rows = [(rows.start, rows.stop, columns.start, columns.stop) for rows, columns in windows]
    return np.array(rows, np.int64).reshape(-1, 4)


def bands(bounds: NDArray[np.int64]) -> NDArray[np.int32]:
    """K×4 of top, low, left, right: rectangles that cover those given (N×4), and little else, with no pixel in two.
    Empty ones are left out."""
    spans = _spans(bounds)
    order = np.argsort((spans[:, 0] << 32) | spans[:, 3], kind="stable")
    return _joined(spans[order])


@kernel
def _spans(bounds: NDArray[np.int64]) -> NDArray[np.int64]:
    """K×5, the parts of rectangles in each band of rows: band, top, low, left, right."""
    count = 0
    for number in range(len(bounds)):
        top, low, left, right = bounds[number]
        if top < low and left < right:
            count += (low - 1) // _BAND_PX - top // _BAND_PX + 1
    spans = np.empty((count, 5), np.int64)
    at = 0
    for number in range(len(bounds)):
        top, low, left, right = bounds[number]
        if top >= low or left >= right:
            continue
        for band in range(top // _BAND_PX, (low - 1) // _BAND_PX + 1):
            spans[at, 0] = band
            spans[at, 1], spans[at, 2] = max(top, band * _BAND_PX), min(low, (band + 1) * _BAND_PX)
            spans[at, 3], spans[at, 4] = left, right
            at += 1
    return spans


@kernel
def _joined(spans: NDArray[np.int64]) -> NDArray[np.int32]:
    """Spans, sorted by band and left edge, joined where they overlap."""
    found = np.empty((len(spans), 4), np.int32)
    count = 0
    for number in range(len(spans)):
        band, top, low, left, right = spans[number]
        if number > 0 and spans[number - 1, 0] == band and left < found[count - 1, 3]:
            found[count - 1, 0] = min(found[count - 1, 0], top)
            found[count - 1, 1] = max(found[count - 1, 1], low)
            found[count - 1, 3] = max(found[count - 1, 3], right)
            continue
        found[count, 0], found[count, 1], found[count, 2], found[count, 3] = top, low, left, right
        count += 1
    return found[:count]
