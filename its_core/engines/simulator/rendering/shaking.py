"""A shaking camera's frames: cut out of wider ones, and the truth about them with them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from its_core.annotations import Box
from its_core.engines.simulator.compilation import kernel
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.rendering.layers import Layers
from its_core.engines.simulator.rendering.windows import Window

Floats = NDArray[np.float64]
Frame = NDArray[np.uint8]

_ONE = 128


class Cutting:
    """Cuts H×W pictures out of ones that are ``margin_px`` wider on each side. ``shifts_px`` F×2: by how much the
    picture of each frame lies to the right of and below the middle one."""

    def __init__(self, camera: Camera, margin_px: int, shifts_px: Floats) -> None:
        self._margin, self._size = margin_px, (camera.height_px, camera.width_px)
        self._shifts = shifts_px

    def picture(self, wide: Frame, frame: int) -> Frame:
        x, y = (self._margin - self._shifts[frame]).tolist()
        left, top = int(np.floor(x)), int(np.floor(y))
        made = np.empty((*self._size, 3), np.uint8)
        _resample(wide, top, left, _taps(y - top), _taps(x - left), made)
        return made

    def layers(self, layers: Layers, frame: int) -> Layers:
        """Of the nearest whole pixels. The flow has the camera's own movement in it."""
        rows, columns = self.window(frame)
        flow = layers.flow
        if flow is not None:
            following = min(frame + 1, len(self._shifts) - 1)
            flow = flow[rows, columns] + (self._shifts[following] - self._shifts[frame]).astype(np.float32)
        cut = {
            name: None if values is None else values[rows, columns].copy()
            for name in ("ids", "depth", "normals", "classes")
            for values in (getattr(layers, name),)
        }
        return replace(layers, flow=flow, **cut)

    def visible(self, ids: Frame, boxes: list[Box | None], frame: int) -> list[Box | None]:
        """The boxes (of the wide picture) of what shows in the picture that is cut out."""
        rows, columns = self.window(frame)
        height, width = self._size
        found: list[Box | None] = []
        for number, box in enumerate(boxes):
            if box is None:
                found.append(None)
                continue
            x1, y1, x2, y2 = box[0] - columns.start, box[1] - rows.start, box[2] - columns.start, box[3] - rows.start
            if x1 < 0 or y1 < 0 or x2 > width or y2 > height:
                found.append(_bounds(ids[rows, columns] == number))
            else:
                found.append((x1, y1, x2, y2))
        return found

    def amodal(self, boxes: list[Box | None], frame: int) -> list[Box | None]:
        x, y = (self._shifts[frame] - self._margin).tolist()
        return [None if box is None else (box[0] + x, box[1] + y, box[2] + x, box[3] + y) for box in boxes]

    def window(self, frame: int) -> Window:
        """The pixels of the wide picture that ids, masks and layers are cut out of."""
        left, top = (int(value) for value in np.floor(self._margin - self._shifts[frame] + 0.5))
        return slice(top, top + self._size[0]), slice(left, left + self._size[1])


def widened(camera: Camera, by_px: int) -> Camera:
    return replace(camera, width_px=camera.width_px + 2 * by_px, height_px=camera.height_px + 2 * by_px)


def _bounds(mask: NDArray[np.bool_]) -> Box | None:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def _taps(share: float) -> NDArray[np.int32]:
    """Weights of four neighbours for a place ``share`` beyond the second: a cubic through them (Catmull and Rom)."""
    t = share
    weights = np.array(
        [
            0.5 * (-t + 2.0 * t * t - t * t * t),
            0.0,
            0.5 * (t + 4.0 * t * t - 3.0 * t * t * t),
            0.5 * (-t * t + t * t * t),
        ]
    )
    taps = np.round(weights * _ONE).astype(np.int32)
    taps[1] = _ONE - int(taps[0] + taps[2] + taps[3])
    return np.asarray(taps, np.int32)


@kernel
def _resample(wide: Frame, top: int, left: int, down: NDArray[np.int32], aside: NDArray[np.int32], made: Frame) -> None:
    height, width, _ = made.shape
    # The three channels of a row one after another: loops over them are compiled for many values at once.
    source, target = wide.reshape(wide.shape[0], 3 * wide.shape[1]), made.reshape(height, 3 * width)
    first, count = 3 * (left - 1), 3 * (width + 3)
    mixed = np.empty(count, np.int32)
    half, one = np.int32(_ONE // 2), np.int32(7)  # 128 is two to the seventh
    d0, d1, d2, d3 = down[0], down[1], down[2], down[3]
    a0, a1, a2, a3 = aside[0], aside[1], aside[2], aside[3]
    for row in range(height):
        at = row + top
        l0, l1 = source[at - 1, first : first + count], source[at, first : first + count]
        l2, l3 = source[at + 1, first : first + count], source[at + 2, first : first + count]
        for i in range(count):
            mixed[i] = (d0 * l0[i] + d1 * l1[i] + d2 * l2[i] + d3 * l3[i] + half) >> one
        line = target[row]
        for i in range(3 * width):
            value = (a0 * mixed[i] + a1 * mixed[i + 3] + a2 * mixed[i + 6] + a3 * mixed[i + 9] + half) >> one
            line[i] = min(max(value, np.int32(0)), np.int32(255))
