"""What may stand between the camera and the traffic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.camera import Camera
from its_core.engines.simulator.mesh import Mesh
from its_core.engines.simulator.raster import Soup
from its_core.engines.simulator.scenery import Scenery


@dataclass(frozen=True, slots=True)
class Occluders:
    """``soup`` draws them as nothing (zero bytes), ``surfaces`` with their surface in the fourth byte; ``boxes`` M×5 are
    their extents: x1, y1, x2, y2 in pixels, nearest depth in metres."""

    soup: Soup
    surfaces: Soup
    boxes: NDArray[np.float64]


def occluders(camera: Camera, scene: Scenery) -> Occluders:
    """All standing things that show in a view."""
    kept: list[Mesh] = []
    boxes = []
    for thing in (*scene.things, *_houses(scene)):
        box = _extent(camera, thing)
        if box is not None:
            kept.append(thing)
            boxes.append(box)
    starts = np.cumsum([0] + [len(thing.vertices) for thing in kept])
    vertices = np.concatenate([thing.vertices for thing in kept]) if kept else np.zeros((0, 3), np.float32)
    triangles = [thing.triangles + start for thing, start in zip(kept, starts[:-1], strict=True)]
    faces = np.concatenate(triangles).astype(np.int32) if kept else np.zeros((0, 3), np.int32)
    named = np.zeros((len(vertices), 4), np.uint8)
    if kept:
        named[:, 3] = np.concatenate([thing.slots for thing in kept])
    nothing = Soup(vertices, np.zeros_like(named), faces)
    return Occluders(nothing, Soup(vertices, named, faces), np.array(boxes, np.float64).reshape(-1, 5))


def _houses(scene: Scenery) -> list[Mesh]:
    """The walls of each house."""
    quads = scene.walls.quads()
    found = []
    for first in range(0, len(quads), 4):
        vertices = quads[first : first + 4].reshape(-1, 3)
        corner = 4 * np.arange(4, dtype=np.int32)[:, None]
        triangles = np.concatenate([corner + [0, 1, 2], corner + [0, 2, 3]]).astype(np.int32)
        slots = np.full(16, 255, np.uint8)
        found.append(
            Mesh(
                vertices,
                np.zeros_like(vertices),
                slots,
                np.zeros(16, np.uint8),
                np.arange(16, dtype=np.int32),
                triangles,
            )
        )
    return found


def _extent(camera: Camera, thing: Mesh) -> tuple[float, float, float, float, float] | None:
    """A thing's box in the picture; None when it does not show."""
    seen = camera.project(thing.vertices.astype(np.float64))
    near = float(seen[:, 2].min())
    if float(seen[:, 2].max()) <= 0.0:
        return None
    if near <= 0.5:
        return (0.0, 0.0, float(camera.width_px), float(camera.height_px), near)
    (x1, y1), (x2, y2) = seen[:, :2].min(axis=0), seen[:, :2].max(axis=0)
    if x2 < 0 or y2 < 0 or x1 > camera.width_px or y1 > camera.height_px:
        return None
    return (float(x1), float(y1), float(x2), float(y2), near)
