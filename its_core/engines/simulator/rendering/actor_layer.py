"""The actors of a frame drawn over what stands: which triangle shows at each sample, how many samples a body has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import kernel
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.optics.raster import NOTHING, Coverage, Lens, Rect, draw_counted
from its_core.engines.simulator.rendering.actors import Cast
from its_core.engines.simulator.rendering.standing import FINE, Standing
from its_core.engines.simulator.rendering.windows import Window

MOST_ACTORS = 255
_NEAR_M = 0.3  # what lies nearer counts as behind the camera

Ints = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Outlines:
    """Projected extents of N actors: ``boxes`` N×4 (NaN where part lies behind the camera), ``ahead`` N×4 those of the
    part that does not (empty ones reversed)."""

    boxes: NDArray[np.float64]
    ahead: NDArray[np.float64]

    def in_frame(self, camera: Camera) -> list[int]:
        """Actors that may show."""
        x1, y1, x2, y2 = self.ahead.T
        inside = (x2 > 0) & (y2 > 0) & (x1 < camera.width_px) & (y1 < camera.height_px)
        return [int(number) for number in np.flatnonzero(inside)]


def outlines(camera: Camera, cast: Cast, placed: NDArray[np.float64]) -> Outlines:
    """``placed``: the cast's vertices by ``Camera.placed``."""
    if len(cast.starts) == 1:
        return Outlines(np.zeros((0, 4)), np.zeros((0, 4)))
    boxes, ahead = _extents(placed, cast.starts, camera.focal_px, camera.width_px / 2, camera.height_px / 2)
    return Outlines(boxes, ahead)


@kernel
def _extents(
    placed: NDArray[np.float64], starts: NDArray[np.int64], focal: float, centre_x: float, centre_y: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    boxes, ahead = np.empty((len(starts) - 1, 4)), np.empty((len(starts) - 1, 4))
    for number in range(len(starts) - 1):
        low_x, low_y, high_x, high_y, behind = np.inf, np.inf, -np.inf, -np.inf, False
        for i in range(starts[number], starts[number + 1]):
            if placed[i, 2] <= _NEAR_M:
                behind = True
                continue
            scale = focal / placed[i, 2]
            x, y = placed[i, 0] * scale + centre_x, placed[i, 1] * scale + centre_y
            low_x, high_x, low_y, high_y = min(low_x, x), max(high_x, x), min(low_y, y), max(high_y, y)
        ahead[number, 0], ahead[number, 1], ahead[number, 2], ahead[number, 3] = low_x, low_y, high_x, high_y
        for side in range(4):
            boxes[number, side] = np.nan if behind else ahead[number, side]
    return boxes, ahead


@dataclass(frozen=True, slots=True)
class Drawn:
    """The actors that may show, of N: their ``numbers``, the windows of pixels that hold them, ``triangles`` of all of
    them in the order of ``Coverage``'s numbers, each one's ``owner``; ``full`` N: samples that each would cover alone.
    """

    numbers: list[int]
    windows: list[Window]
    placed: NDArray[np.float64]
    triangles: Ints
    owner: NDArray[np.uint8]
    full: NDArray[np.int64]


class ActorLayer:
    """The buffers of one clip's view; ``seen`` 2H×2W holds the actors of the frame that was drawn last."""

    def __init__(self, camera: Camera, standing: Standing) -> None:
        self._camera, self._standing = camera, standing
        self.lens = Lens.of(camera, FINE)
        shape = standing.nearness.shape
        self.seen = Coverage(np.full(shape, NOTHING, np.int32), standing.nearness.copy())
        self._stamps, self._stamp = np.zeros(shape, np.uint8), 1  # the next that is free
        self._drawn_on = np.zeros((0, 4), np.int64)  # windows of samples
        self._triangles = _Triangles(None, [])

    def draw(self, cast: Cast, placed: NDArray[np.float64], shown: Outlines, published: Window | None = None) -> Drawn:
        """``published``: the pixels in which ``Drawn.full`` counts; by default, all."""
        count = len(cast.starts) - 1
        if count > MOST_ACTORS:
            raise ValueError(f"{count} actors in one clip; the simulator tells {MOST_ACTORS} apart")
        numbers = shown.in_frame(self._camera)
        _restore(self._drawn_on, self._standing.nearness, self.seen.triangle, self.seen.nearness)
        if self._stamp + len(numbers) > MOST_ACTORS + 1:
            self._stamps.fill(0)
            self._stamp = 1
        if not self._triangles.are_of(cast, numbers):
            self._triangles = _Triangles(cast, numbers)
        every, full = self._triangles, np.zeros(count, np.int64)
        within = None if published is None else _rect(_fine(published))
        full[numbers], self._drawn_on = draw_counted(
            placed, every.corners, every.starts, self.lens, self.seen, self._stamps, self._stamp, within
        )
        self._stamp += len(numbers)
        windows = [self._window(shown, number) for number in numbers]
        return Drawn(numbers, windows, placed, every.corners, every.owner, full)

    def samples_in(self, published: Window, drawn: Drawn, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """N: of the frame that was drawn last, the samples of each actor that show in the published pixels, where
        ``samples`` N show in all."""
        counted = samples.copy()
        numbers = np.array(drawn.numbers, np.int64)
        _leave_outside(self._drawn_on, numbers, _rect(_fine(published)), self.seen.triangle, drawn.owner, counted)
        return counted

    def _window(self, shown: Outlines, number: int) -> Window:
        width, height = self._camera.width_px, self._camera.height_px
        box = shown.boxes[number]
        if np.isnan(box[0]):
            return slice(0, height), slice(0, width)
        x1, y1, x2, y2 = box
        return (
            slice(max(0, int(np.floor(y1)) - 1), min(height, int(np.ceil(y2)) + 1)),
            slice(max(0, int(np.floor(x1)) - 1), min(width, int(np.ceil(x2)) + 1)),
        )


class _Triangles:
    """Of some actors, one after another: ``corners`` T×3, the ``owner`` of each, where each actor's ``starts``."""

    def __init__(self, cast: Cast | None, numbers: list[int]) -> None:
        self._all, self._numbers = () if cast is None else cast.triangles, numbers
        counts = [len(self._all[number]) for number in numbers]
        self.corners = np.zeros((0, 3), np.int32) if cast is None else cast.chosen(numbers)
        self.owner = np.repeat(np.array(numbers, np.uint8), counts)
        self.starts = np.cumsum([0, *counts])

    def are_of(self, cast: Cast, numbers: list[int]) -> bool:
        return cast.triangles is self._all and numbers == self._numbers


@kernel
def _restore(windows: NDArray[np.int64], bare: NDArray[np.float32], seen: Ints, nearness: NDArray[np.float32]) -> None:
    """Takes what was drawn in these windows off again: they (K×4: top, bottom, left, right) may overlap."""
    for number in range(len(windows)):
        top, bottom, left, right = windows[number]
        for row in range(top, bottom):
            for column in range(left, right):
                if seen[row, column] != NOTHING:
                    seen[row, column], nearness[row, column] = NOTHING, bare[row, column]


@kernel
def _leave_outside(
    windows: NDArray[np.int64], numbers: NDArray[np.int64], within: Rect, seen: Ints, owner: NDArray[np.uint8],
    counted: NDArray[np.int64],
) -> None:  # fmt: skip
    """Takes the samples of bodies (``numbers`` K, drawn in ``windows``) that lie outside ``within`` off ``counted``."""
    first_column, first_row, last_column, last_row = within
    for body in range(len(windows)):
        top, bottom, left, right = windows[body]
        high, low = max(top, first_row), min(bottom, last_row)
        for first, last, begin, end in (
            (top, min(bottom, first_row), left, right),
            (max(top, last_row), bottom, left, right),
            (high, low, left, min(right, first_column)),
            (high, low, max(left, last_column), right),
        ):
            for row in range(first, last):
                for column in range(begin, end):
                    if seen[row, column] != NOTHING and owner[seen[row, column]] == numbers[body]:
                        counted[numbers[body]] -= 1


def _fine(window: Window) -> Window:
    """Of pixels, their samples."""
    rows, columns = window
    return slice(FINE * rows.start, FINE * rows.stop), slice(FINE * columns.start, FINE * columns.stop)


def _rect(window: Window) -> Rect:
    rows, columns = window
    return columns.start, rows.start, columns.stop, rows.stop
