"""What may stand between the camera and the traffic."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.meshes.mesh import Mesh
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.optics.raster import Raster, Soup
from its_core.engines.simulator.scenery.build import Scenery

Numbers = frozenset[int]

_FINE = 2  # samples a pixel along each axis, so that thin poles are not missed


@dataclass(slots=True)
class Occluders:
    """The M standing things that show in a view: ``near_m`` their nearest depths; ``map`` 2H×2W their numbers counted
    from 1 (0: none); ``surfaces`` 2H×2W what they are made of there."""

    things: list[Mesh]
    near_m: NDArray[np.float64]
    map: NDArray[np.uint16]
    surfaces: NDArray[np.uint8]
    _drawn: dict[Numbers, Soup] = field(default_factory=dict)

    def before(self, box: NDArray[np.float64], far_m: float) -> Numbers:
        """The things that show within a box of pixels (NaN: anywhere) and come nearer than ``far_m``."""
        height, width = self.map.shape
        x1, y1, x2, y2 = (0.0, 0.0, float(width), float(height)) if np.isnan(box[0]) else box * _FINE
        left, right = max(0, int(x1) - _FINE), min(width, int(x2) + 2 * _FINE)
        top, low = max(0, int(y1) - _FINE), min(height, int(y2) + 2 * _FINE)
        if left >= right or top >= low:
            return frozenset()
        seen = np.bincount(self.map[top:low, left:right].ravel(), minlength=len(self.near_m) + 1)[1:]
        return frozenset(np.flatnonzero((seen > 0) & (self.near_m < far_m)).tolist())

    def soup(self, numbers: Iterable[int]) -> Soup:
        """Some of the things, drawn as nothing (zero bytes)."""
        key = frozenset(numbers)
        found = self._drawn.get(key)
        if found is None:
            if len(self._drawn) > 8:
                self._drawn.clear()
            found = self._drawn[key] = _soup([self.things[number] for number in sorted(key)])
        return found


def occluders(raster: Raster, camera: Camera, scene: Scenery) -> Occluders:
    """All standing things of a place, as far as they show in a view."""
    kept, near = [], []
    for thing in (*scene.things, *_houses(scene)):
        depth = _nearest_m(camera, thing)
        if depth is not None:
            kept.append(thing)
            near.append(depth)
    drawn = _soup(kept)
    number = np.repeat(np.arange(1, len(kept) + 1), [len(thing.vertices) for thing in kept])
    drawn.rgba[:, 0], drawn.rgba[:, 1] = number & 255, number >> 8
    if kept:
        drawn.rgba[:, 3] = np.concatenate([thing.slots for thing in kept])
    fine = raster.view(camera, drawn, _FINE)
    numbers = fine[..., 0] + (fine[..., 1].astype(np.uint16) << 8)
    return Occluders(kept, np.array(near), numbers, fine[..., 3].copy())


def _soup(things: list[Mesh]) -> Soup:
    if not things:
        return Soup(np.zeros((0, 3), np.float32), np.zeros((0, 4), np.uint8), np.zeros((0, 3), np.int32))
    starts = np.cumsum([0] + [len(thing.vertices) for thing in things[:-1]])
    vertices = np.concatenate([thing.vertices for thing in things])
    triangles = np.concatenate([thing.triangles + start for thing, start in zip(things, starts, strict=True)])
    return Soup(vertices, np.zeros((len(vertices), 4), np.uint8), triangles.astype(np.int32))


def _houses(scene: Scenery) -> list[Mesh]:
    """The walls of each house."""
    quads = scene.walls.quads()
    corner = 4 * np.arange(4, dtype=np.int32)[:, None]
    triangles = np.concatenate([corner + np.array([0, 1, 2]), corner + np.array([0, 2, 3])]).astype(np.int32)
    slots, parts, welds = np.full(16, 255, np.uint8), np.zeros(16, np.uint8), np.arange(16, dtype=np.int32)
    found = []
    for first in range(0, len(quads), 4):
        vertices = quads[first : first + 4].reshape(-1, 3)
        found.append(Mesh(vertices, np.zeros_like(vertices), slots, parts, welds, triangles))
    return found


def _nearest_m(camera: Camera, thing: Mesh) -> float | None:
    """A thing's nearest depth; None when it does not show."""
    seen = camera.project(thing.vertices.astype(np.float64))
    near = float(seen[:, 2].min())
    if float(seen[:, 2].max()) <= 0.0:
        return None
    if near > 0.5:
        (x1, y1), (x2, y2) = seen[:, :2].min(axis=0), seen[:, :2].max(axis=0)
        if x2 < 0 or y2 < 0 or x1 > camera.width_px or y1 > camera.height_px:
            return None
    return near
