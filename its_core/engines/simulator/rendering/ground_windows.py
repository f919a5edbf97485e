"""Where pieces of ground show in a frame, as compiled code finds it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import kernel
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.optics.lens import bent

Floats = NDArray[np.float64]
Bounds = NDArray[np.int64]  # of a window: top, low, left, right, half-open

_NEAREST_GROUND_M = 0.5


class View(NamedTuple):
    """The numbers of a camera: lens (as ``lens.bent`` takes it), focal length, middle and size of its frames."""

    k1: float
    k2: float
    bend_edge: float
    focal_px: float
    centre_x: float
    centre_y: float
    width_px: int
    height_px: int

    @classmethod
    def of(cls, camera: Camera) -> View:
        width, height = camera.width_px, camera.height_px
        return cls(*camera.distortion, camera.bend_edge, camera.focal_px, width / 2, height / 2, width, height)


@kernel
def cut_off(corners: Floats, deep: Floats, nearest: float) -> Floats:
    """The part (M×3, at height 0) of a convex piece of ground (N×2 metres, in order about it) whose depth (N) is at
    least ``nearest``."""
    count, found = len(corners), 0
    ahead = np.zeros((2 * count, 3))
    for i in range(count):
        j = (i + 1) % count
        a, b = deep[i], deep[j]
        if a >= nearest:
            ahead[found, 0], ahead[found, 1] = corners[i, 0], corners[i, 1]
            found += 1
        if (a >= nearest) != (b >= nearest):
            share = (nearest - a) / (b - a)
            for axis in range(2):
                ahead[found, axis] = corners[i, axis] + share * (corners[j, axis] - corners[i, axis])
            found += 1
    return ahead[:found]


@kernel
def ground_window(corners: Floats, eye: Floats, rotation: Floats, view: View) -> Bounds:
    """The part of the frame that shows a convex piece of ground (N×2 metres, in order about it); all 0 when none does.
    What lies behind the camera (at ``eye``, turned by ``rotation``) is cut off."""
    count = len(corners)
    deep = np.empty(count)
    for i in range(count):
        x, y = corners[i, 0] - eye[0], corners[i, 1] - eye[1]
        deep[i] = x * rotation[2, 0] + y * rotation[2, 1] + (0.0 - eye[2]) * rotation[2, 2]
    ahead = cut_off(corners, deep, _NEAREST_GROUND_M)
    window = np.zeros(4, np.int64)
    if len(ahead) == 0:
        return window
    seen = bent(ahead, eye, rotation, view.k1, view.k2, view.bend_edge)
    left, right, top, low = np.inf, -np.inf, np.inf, -np.inf
    for i in range(len(seen)):
        scale = view.focal_px / seen[i, 2]
        x, y = seen[i, 0] * scale + view.centre_x, seen[i, 1] * scale + view.centre_y
        left, right, top, low = min(left, x), max(right, x), min(top, y), max(low, y)
    if left >= view.width_px or right <= 0.0 or top >= view.height_px or low <= 0.0:
        return window
    window[0], window[1] = max(0, int(np.floor(top))), int(min(float(view.height_px), np.ceil(low)))
    window[2], window[3] = max(0, int(np.floor(left))), int(min(float(view.width_px), np.ceil(right)))
    return window
