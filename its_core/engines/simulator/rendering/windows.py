"""Parts of a frame: rectangles of pixels as slices of rows and columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

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


def bands(windows: Sequence[Window]) -> NDArray[np.int32]:
    """K×4 of top, low, left, right: rectangles that cover the windows, and little else, with no pixel in two."""
    spans: dict[int, list[tuple[int, int, int, int]]] = {}
    for rows, columns in windows:
        for band in range(rows.start // _BAND_PX, (rows.stop - 1) // _BAND_PX + 1):
            top, low = max(rows.start, band * _BAND_PX), min(rows.stop, (band + 1) * _BAND_PX)
            spans.setdefault(band, []).append((columns.start, columns.stop, top, low))
    found: list[tuple[int, int, int, int]] = []
    for band in sorted(spans):
        found += _joined(sorted(spans[band]))
    return np.array(found, np.int32).reshape(-1, 4)


def _joined(spans: list[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    """Spans of one band (left, right, top, low; sorted) joined where they overlap."""
    left, right, top, low = spans[0]
    found = []
    for span in spans[1:]:
        if span[0] < right:
            right, top, low = max(right, span[1]), min(top, span[2]), max(low, span[3])
        else:
            found.append((top, low, left, right))
            left, right, top, low = span
    found.append((top, low, left, right))
    return found
