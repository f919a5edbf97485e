"""Bodies that move while the shutter is open, smeared along their way in the picture, half before and half after the
moment of the frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import kernel
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.optics.daylight import Daylight
from its_core.engines.simulator.randomness import rng_of
from its_core.engines.simulator.rendering.actor_layer import Drawn, Outlines
from its_core.engines.simulator.rendering.standing import FINE
from its_core.engines.simulator.rendering.windows import Window, grown, window_of
from its_core.engines.simulator.trace import Trace

F32 = NDArray[np.float32]
Floats = NDArray[np.float64]
Frame = NDArray[np.uint8]

_OPEN_S = (1.0 / 500.0, 1.0 / 30.0)  # how long shutters of such cameras are open, at least and at most
_DAY_S, _DAY_LIGHT = 1.0 / 200.0, 0.6  # and under a sky that adds this to a white surface
_SEEN_PX, _MOST_PX = 1.5, 14.0  # ways in the picture that are seen, and the longest that is drawn
_MOST_TAPS = 10
_MIDDLE_M = 0.7  # height of the point whose way is taken for the body's
_BEFORE_M = 3.0  # what is nearer than the body's middle by more stands before it


@dataclass(frozen=True, slots=True)
class Smear:
    """A body (its number), its way in the picture while the shutter is open (pixels), the window that it may reach, and
    the inverse depth from which things stand before it."""

    who: int
    way: tuple[float, float]
    window: Window
    nearest: float


class MotionBlur:
    """Of one clip in one view."""

    def __init__(self, trace: Trace, camera: Camera, sky: Daylight) -> None:
        own = float(rng_of("shutter", camera.camera_id).uniform(0.7, 1.4))
        light = max(float(np.mean(sky.overhead)) + 0.5 * float(np.mean(sky.sun_rgb)), 1e-3)
        self.open_s = min(max(own * _DAY_S * _DAY_LIGHT / light, _OPEN_S[0]), _OPEN_S[1])
        self._trace, self._camera = trace, camera

    def smears(self, frame: int, drawn: Drawn, extents: Outlines) -> list[Smear]:
        """Far bodies first; things that have been struck stay sharp."""
        trace, camera = self._trace, self._camera
        actors = [number for number in drawn.numbers if number < len(trace.actors)]
        numbers = np.array([number for number in actors if not np.isnan(extents.boxes[number, 0])], np.int64)
        velocities = trace.velocities[frame, numbers]
        fast = np.abs(velocities).max(axis=1) * self.open_s > 0.04 if len(numbers) else np.zeros(0, np.bool_)
        numbers, velocities = numbers[fast], velocities[fast]
        if not len(numbers):
            return []
        middles = trace.positions[frame, numbers] + np.array([0.0, 0.0, _MIDDLE_M])
        half = 0.5 * self.open_s * velocities
        seen = camera.project(np.concatenate([middles - half, middles + half, middles]))
        count = len(numbers)
        ways, depths = seen[count : 2 * count, :2] - seen[:count, :2], seen[2 * count :, 2]
        found = []
        for at in np.argsort(-depths, kind="stable").tolist():
            number, (x, y), depth = int(numbers[at]), ways[at].tolist(), float(depths[at])
            length = max(abs(x), abs(y))
            box = window_of(tuple(extents.boxes[number].tolist()), (camera.height_px, camera.width_px))
            if length < _SEEN_PX or depth < 2.0 or box is None:
                continue
            scale = min(1.0, _MOST_PX / length)
            reach = int(0.5 * scale * length) + 1
            window = grown(box, reach, (camera.height_px, camera.width_px))
            found.append(Smear(number, (scale * x, scale * y), window, 1.0 / max(depth - _BEFORE_M, 0.5)))
        return found


def smear(picture: Frame, still: Frame, ids: Frame, nearness: F32, each: Smear) -> None:
    """Smears one body of ``picture`` H×W×3 in place. ``still``: the picture without bodies, ``ids`` H×W: who shows,
    ``nearness`` 2H×2W: inverse depth of what shows."""
    rows, columns = each.window
    bounds = np.array([rows.start, rows.stop, columns.start, columns.stop])
    _smear(picture, picture[rows, columns].copy(), still, ids, nearness, bounds, each.who, *each.way, each.nearest)


@kernel
def _smear(
    picture: Frame, source: Frame, still: Frame, ids: Frame, nearness: F32, bounds: NDArray[np.int64], who: int,
    way_x: float, way_y: float, nearest: float,
) -> None:  # fmt: skip
    top, low, left, right = bounds
    taps = min(int(np.ceil(max(abs(way_x), abs(way_y)))) + 1, _MOST_TAPS)
    down, aside = np.empty(taps, np.int64), np.empty(taps, np.int64)
    for k in range(taps):
        share = k / (taps - 1.0) - 0.5
        down[k], aside[k] = int(np.floor(share * way_y + 0.5)), int(np.floor(share * way_x + 0.5))
    for row in range(top, low):
        for column in range(left, right):
            mine = ids[row, column] == who
            if not mine and nearness[FINE * row, FINE * column] > nearest:
                continue
            red, green, blue, hits, taken = 0, 0, 0, 0, 0
            for k in range(taps):
                at, to = row - down[k], column - aside[k]
                if not (top <= at < low and left <= to < right):
                    continue
                hit = ids[at, to] == who
                if hit or mine:  # behind the body is what shows beside it, in the light and spray of the frame
                    red += source[at - top, to - left, 0]
                    green += source[at - top, to - left, 1]
                    blue += source[at - top, to - left, 2]
                    taken += 1
                hits += hit
            if hits == 0:
                continue
            rest = taps - taken
            if mine:
                red += rest * still[row, column, 0]
                green += rest * still[row, column, 1]
                blue += rest * still[row, column, 2]
            else:
                red += rest * source[row - top, column - left, 0]
                green += rest * source[row - top, column - left, 1]
                blue += rest * source[row - top, column - left, 2]
            picture[row, column, 0] = (red + taps // 2) // taps
            picture[row, column, 1] = (green + taps // 2) // taps
            picture[row, column, 2] = (blue + taps // 2) // taps
