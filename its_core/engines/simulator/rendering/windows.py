"""Parts of a frame: rectangles of pixels as slices of rows and columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Window = tuple[slice, slice]


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


def merged(windows: Sequence[Window]) -> NDArray[np.int32]:
    """K×4 of top, low, left, right: windows joined where they overlap, so that no pixel lies in two."""
    boxes = [(w[0].start, w[0].stop, w[1].start, w[1].stop) for w in windows]
    joined = True
    while joined:
        joined = False
        kept: list[tuple[int, int, int, int]] = []
        for box in boxes:
            for number, other in enumerate(kept):
                if box[0] < other[1] and other[0] < box[1] and box[2] < other[3] and other[2] < box[3]:
                    kept[number] = (
                        min(box[0], other[0]), max(box[1], other[1]), min(box[2], other[2]), max(box[3], other[3])
                    )  # fmt: skip
                    joined = True
                    break
            else:
                kept.append(box)
        boxes = kept
    return np.array(boxes, np.int32).reshape(-1, 4)
