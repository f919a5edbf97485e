"""Who shows in a frame: exact boxes, pixel counts and hidden shares, counted in masks of one sample a pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from its_core.annotations import Box
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.optics.raster import Raster, Soup
from its_core.engines.simulator.rendering.actors import Cast
from its_core.engines.simulator.rendering.occluders import Numbers, Occluders

Ints = NDArray[np.int64]

MOST_ACTORS = 255
_NEAR_M = 0.3  # what lies nearer counts as behind the camera


@dataclass(frozen=True, slots=True)
class Sight:
    """N actors in one frame: pixels that show, pixels that would show with nothing else about, boxes (as in
    ``annotations.TrackFrame``) and hidden shares."""

    visible: Ints
    full: Ints
    visible_box: list[Box | None]
    amodal_box: list[Box | None]
    occlusion: list[float]


@dataclass(frozen=True, slots=True)
class Outlines:
    """Projected extents of N actors: ``boxes`` N×4 (NaN where part lies behind the camera), ``ahead`` N×4 those of the
    part that does not (empty ones reversed), nearest and farthest depth N."""

    boxes: NDArray[np.float64]
    ahead: NDArray[np.float64]
    near_m: NDArray[np.float64]
    far_m: NDArray[np.float64]

    def in_frame(self, camera: Camera) -> list[int]:
        """Actors that may show."""
        x1, y1, x2, y2 = self.ahead.T
        inside = (x2 > 0) & (y2 > 0) & (x1 < camera.width_px) & (y1 < camera.height_px)
        return [int(number) for number in np.flatnonzero(inside)]


def outlines(camera: Camera, cast: Cast) -> Outlines:
    if len(cast.starts) == 1:
        return Outlines(np.zeros((0, 4)), np.zeros((0, 4)), np.zeros(0), np.zeros(0))
    seen = camera.project(cast.vertices.astype(np.float64))
    first = cast.starts[:-1]
    near, far = np.minimum.reduceat(seen[:, 2], first), np.maximum.reduceat(seen[:, 2], first)
    behind = seen[:, 2] <= _NEAR_M
    low, high = seen[:, :2].copy(), seen[:, :2]
    low[behind], high[behind] = np.inf, -np.inf
    ahead = np.concatenate([np.minimum.reduceat(low, first), np.maximum.reduceat(high, first)], axis=1)
    boxes = ahead.copy()
    boxes[near <= _NEAR_M] = np.nan
    return Outlines(boxes, ahead, near, far)


@dataclass(slots=True)
class Witness:
    """Counts pixels of one clip; remembers the full counts of actors that have not moved."""

    raster: Raster
    camera: Camera
    occluders: Occluders
    _remembered: dict[int, tuple[bytes, int]] = field(default_factory=dict)

    def look(self, cast: Cast, found: Outlines, before: dict[int, Numbers], poses: Sequence[bytes]) -> Sight:
        """``before``: of each actor that may show, the standing things that may hide it; ``poses``: bytes that change
        whenever an actor's shape in the picture does."""
        count = len(cast.starts) - 1
        ids = self._mask(cast, list(before), frozenset().union(*before.values()))
        visible = np.zeros(count, np.int64)
        boxes: list[Box | None] = [None] * count
        for number in before:
            visible[number], boxes[number] = _found(ids, number, found.boxes[number])
        full = visible.copy()
        self._count_alone(cast, found, before, poses, full)
        full = np.maximum(full, visible)
        hidden = [1.0 - v / f if f > 0 else 0.0 for v, f in zip(visible.tolist(), full.tolist(), strict=True)]
        amodal: list[Box | None] = [
            None if np.isnan(box[0]) else (float(box[0]), float(box[1]), float(box[2]), float(box[3]))
            for box in found.boxes
        ]
        return Sight(visible, full, boxes, amodal, hidden)

    def _mask(self, cast: Cast, numbers: Sequence[int], things: Numbers) -> NDArray[np.uint8]:
        """H×W actor numbers counted from 1, 0 where none shows."""
        count = len(cast.starts) - 1
        if count > MOST_ACTORS:
            raise ValueError(f"{count} actors in one clip; the simulator tells {MOST_ACTORS} apart")
        rgba = np.zeros((len(cast.vertices), 4), np.uint8)
        rgba[:, 0] = np.repeat(np.arange(1, count + 1), np.diff(cast.starts))
        rgba[:, 3] = 255
        soup = Soup(cast.vertices, rgba, cast.chosen(numbers))
        if things:
            soup = beside(soup, self.occluders.soup(things))
        return np.ascontiguousarray(self.raster.view(self.camera, soup, 1)[..., 0])

    def _count_alone(
        self, cast: Cast, found: Outlines, before: dict[int, Numbers], poses: Sequence[bytes], full: Ints
    ) -> None:
        """Fills in the full counts of actors that something may hide, several at a time where they do not touch."""
        waiting = []
        for number, things in before.items():
            rivals = (other for other in before if other != number and found.near_m[other] < found.far_m[number])
            if not things and not any(_overlap(found.boxes[number], found.boxes[other]) for other in rivals):
                continue
            known = self._remembered.get(number)
            if known is not None and known[0] == poses[number]:
                full[number] = known[1]
            else:
                waiting.append(number)
        while waiting:
            layer: list[int] = []
            for number in waiting:
                if not any(_overlap(found.boxes[number], found.boxes[other]) for other in layer):
                    layer.append(number)
            waiting = [number for number in waiting if number not in layer]
            alone = self._mask(cast, layer, frozenset())
            for number in layer:
                full[number], _ = _found(alone, number, found.boxes[number])
                self._remembered[number] = (poses[number], int(full[number]))


def beside(soup: Soup, other: Soup) -> Soup:
    """Both sets of triangles in one."""
    triangles = np.concatenate([soup.triangles, other.triangles + len(soup.vertices)]).astype(np.int32)
    return Soup(np.concatenate([soup.vertices, other.vertices]), np.concatenate([soup.rgba, other.rgba]), triangles)


def _overlap(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    if np.isnan(a[0]) or np.isnan(b[0]):
        return True
    return bool(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3])


def _found(ids: NDArray[np.uint8], number: int, near: NDArray[np.float64]) -> tuple[int, Box | None]:
    """How many pixels show an actor, and their bounds; ``near``: a box that holds them all (NaN: anywhere)."""
    x1, y1, x2, y2 = (0.0, 0.0, np.inf, np.inf) if np.isnan(near[0]) else near
    left, top = max(0, int(x1) - 1), max(0, int(y1) - 1)
    mine = (
        ids[top : max(0, int(min(y2, ids.shape[0])) + 2), left : max(0, int(min(x2, ids.shape[1])) + 2)] == number + 1
    )
    rows, columns = np.flatnonzero(mine.any(axis=1)), np.flatnonzero(mine.any(axis=0))
    if not len(rows):
        return 0, None
    box = (float(left + columns[0]), float(top + rows[0]), float(left + columns[-1] + 1), float(top + rows[-1] + 1))
    return int(np.count_nonzero(mine)), box
