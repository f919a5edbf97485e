"""Who shows in a frame: exact boxes, pixel counts and hidden shares, counted in masks of one sample a pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from its_core.annotations import Box
from its_core.engines.simulator.actors import Cast
from its_core.engines.simulator.camera import Camera
from its_core.engines.simulator.raster import Raster, Soup

Ints = NDArray[np.int64]

MOST_ACTORS = 255


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
    """Projected extents of N actors: boxes N×4 (NaN where part lies behind the camera), nearest and farthest depth N."""

    boxes: NDArray[np.float64]
    near_m: NDArray[np.float64]
    far_m: NDArray[np.float64]

    def in_frame(self, camera: Camera) -> list[int]:
        """Actors that may show."""
        x1, y1, x2, y2 = self.boxes.T
        outside = (x2 <= 0) | (y2 <= 0) | (x1 >= camera.width_px) | (y1 >= camera.height_px)
        return [int(i) for i in np.flatnonzero(~outside & (self.far_m > 0))]


def outlines(camera: Camera, cast: Cast) -> Outlines:
    count = len(cast.starts) - 1
    if count == 0:
        return Outlines(np.zeros((0, 4)), np.zeros(0), np.zeros(0))
    seen = camera.project(cast.vertices.astype(np.float64))
    first = cast.starts[:-1]
    near, far = np.minimum.reduceat(seen[:, 2], first), np.maximum.reduceat(seen[:, 2], first)
    low, high = np.minimum.reduceat(seen[:, :2], first, axis=0), np.maximum.reduceat(seen[:, :2], first, axis=0)
    boxes = np.concatenate([low, high], axis=1)
    boxes[near <= 0.05] = np.nan
    return Outlines(boxes, near, far)


@dataclass(slots=True)
class Witness:
    """Counts pixels of one clip; remembers the full counts of actors that have not moved."""

    raster: Raster
    camera: Camera
    occluders: Soup
    occluder_boxes: NDArray[np.float64]  # M×5: x1, y1, x2, y2 in pixels, nearest depth in metres
    _remembered: dict[int, tuple[bytes, int]] = field(default_factory=dict)

    def look(self, cast: Cast, found: Outlines, poses: Sequence[bytes]) -> Sight:
        """``poses``: bytes that change whenever an actor's shape in the picture does."""
        count = len(cast.starts) - 1
        shown = found.in_frame(self.camera)
        ids = self._mask(cast, shown, occluded=True)
        visible = np.bincount(ids.ravel(), minlength=count + 1)[1 : count + 1].astype(np.int64)
        full = visible.copy()
        self._count_alone(cast, found, shown, poses, full)
        full = np.maximum(full, visible)
        boxes = _bounds(ids, count)
        hidden = [1.0 - v / f if f > 0 else 0.0 for v, f in zip(visible.tolist(), full.tolist(), strict=True)]
        amodal: list[Box | None] = [
            None if np.isnan(box[0]) else (float(box[0]), float(box[1]), float(box[2]), float(box[3]))
            for box in found.boxes
        ]
        return Sight(visible, full, boxes, amodal, hidden)

    def _mask(self, cast: Cast, numbers: Sequence[int], occluded: bool) -> NDArray[np.uint8]:
        """H×W actor numbers counted from 1, 0 where none shows."""
        count = len(cast.starts) - 1
        if count > MOST_ACTORS:
            raise ValueError(f"{count} actors in one clip; the simulator tells {MOST_ACTORS} apart")
        rgba = np.zeros((len(cast.vertices), 4), np.uint8)
        rgba[:, 0] = np.repeat(np.arange(1, count + 1), np.diff(cast.starts))
        rgba[:, 3] = 255
        soup = Soup(cast.vertices, rgba, cast.chosen(numbers))
        if occluded:
            soup = beside(soup, self.occluders)
        return np.ascontiguousarray(self.raster.view(self.camera, soup, 1)[..., 0])

    def _count_alone(
        self, cast: Cast, found: Outlines, shown: Sequence[int], poses: Sequence[bytes], full: Ints
    ) -> None:
        """Fills in the full counts of actors that something may hide, several at a time where they do not touch."""
        waiting = []
        for number in shown:
            if not self._may_be_hidden(found, shown, number):
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
            counts = np.bincount(self._mask(cast, layer, occluded=False).ravel(), minlength=len(full) + 1)
            for number in layer:
                full[number] = counts[number + 1]
                self._remembered[number] = (poses[number], int(counts[number + 1]))

    def _may_be_hidden(self, found: Outlines, shown: Sequence[int], number: int) -> bool:
        box, far = found.boxes[number], found.far_m[number]
        if any(_overlap(box, found.boxes[other]) for other in shown if other != number):
            return True
        things = self.occluder_boxes
        touching = (things[:, 0] < box[2]) & (box[0] < things[:, 2]) & (things[:, 1] < box[3]) & (box[1] < things[:, 3])
        return bool(np.isnan(box[0]) or (touching & (things[:, 4] < far)).any())


def beside(soup: Soup, other: Soup) -> Soup:
    """Both sets of triangles in one."""
    triangles = np.concatenate([soup.triangles, other.triangles + len(soup.vertices)]).astype(np.int32)
    return Soup(np.concatenate([soup.vertices, other.vertices]), np.concatenate([soup.rgba, other.rgba]), triangles)


def _overlap(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    if np.isnan(a[0]) or np.isnan(b[0]):
        return True
    return bool(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3])


def _bounds(ids: NDArray[np.uint8], count: int) -> list[Box | None]:
    found = ndimage.find_objects(ids.astype(np.int32), max_label=count) if count else []
    return [
        None
        if place is None
        else (float(place[1].start), float(place[0].start), float(place[1].stop), float(place[0].stop))
        for place in found
    ]
