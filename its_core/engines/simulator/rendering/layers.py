"""Exact truth by pixel beside a frame: who shows, how deep, which way it faces, where it goes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import inline, kernel
from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.optics.shading import weights
from its_core.engines.simulator.portable_math import norm
from its_core.engines.simulator.rendering.actor_layer import ActorLayer, Drawn
from its_core.engines.simulator.rendering.actors import Cast
from its_core.engines.simulator.rendering.background import Plate
from its_core.engines.simulator.rendering.compositor import NOBODY, Sight
from its_core.engines.simulator.rendering.standing import FINE
from its_core.engines.simulator.roads.layouts import Layout
from its_core.engines.simulator.scenery.below import farther, is_below
from its_core.engines.simulator.scenery.ground import road_distance

F32 = NDArray[np.float32]
Floats = NDArray[np.float64]
Frame = NDArray[np.uint8]

_SAME_SURFACE = 0.97  # samples of a pixel at least that near, compared to the nearest, count as one surface
SKY, LAND, ROAD, BUILDING, VEGETATION, OBJECT = range(6)
_PLANTS = frozenset({Surface.BARK, *(Surface[f"LEAF_{number}"] for number in range(1, 7))})


@dataclass(frozen=True, slots=True)
class Layers:
    """H×W maps of a frame, None where they were not asked for.

    ids: the number of the actor that shows, ``NOBODY`` where none does. depth: metres along the camera's axis, infinite
    in the sky. normals H×W×3: unit vectors of the world's axes (0 in the sky), from the depths about each pixel. flow
    H×W×2: how far the surface point in the pixel's middle moves to the right and down until the next frame, in pixels
    (0 for all that stands, and in the last frame). classes: ``SKY`` to ``OBJECT`` of what stands, also behind actors.
    """

    ids: Frame | None = None
    depth: F32 | None = None
    normals: F32 | None = None
    flow: F32 | None = None
    classes: Frame | None = None


class LayerMaker:
    """Makes the layers of one clip's frames. ``asked``: names of fields of ``Layers``."""

    def __init__(self, asked: frozenset[str], camera: Camera, layout: Layout, plate: Plate, layer: ActorLayer) -> None:
        self._asked, self._camera, self._plate, self._layer = asked, camera, plate, layer
        self._rays = camera.pixel_rays()
        self._ground = np.maximum(-self._rays[..., 2] / np.float32(camera.position_m[2]), 0.0)  # 1/m, 0 for the sky
        if layout.deck is not None:
            below = is_below(road_distance(layout, plate.x, plate.y))
            self._ground[below] /= np.float32(farther(camera.position_m, layout.deck))
        self._classes = _classes(plate, layout, self._ground) if "classes" in asked else None

    def made(self, drawn: Drawn, sight: Sight, following: Cast | None, actors: int) -> Layers:
        """The layers of the frame that was drawn last; ``following``: the bodies one frame later, None at the end. The
        first so many bodies are ``actors``, the others things that have been struck."""
        depth = normals = flow = None
        if self._asked & {"depth", "normals"}:
            near = _nearness(self._layer.seen.nearness, self._ground)
            depth = np.where(near > 0.0, 1.0 / np.maximum(near, 1e-9), np.inf).astype(np.float32)
            if "normals" in self._asked:
                normals = _normals(near, self._rays)
        if "flow" in self._asked:
            flow = np.zeros((*self._ground.shape, 2), np.float32)
            if following is not None and len(drawn.triangles):
                lens = self._layer.lens
                moved = self._camera.placed(following.vertices)
                _flow(
                    sight.ids, self._layer.seen.triangle, drawn.triangles, drawn.owner, drawn.placed, moved, lens.focal,
                    lens.centre_x, lens.centre_y, flow,
                )  # fmt: skip
        ids, classes = sight.ids, self._classes
        things = (ids >= actors) & (ids != NOBODY)
        if things.any():
            ids = np.where(things, np.uint8(NOBODY), ids)
            classes = None if classes is None else np.where(things, np.uint8(OBJECT), classes)
        return Layers(
            ids=ids.copy() if "ids" in self._asked else None,
            depth=depth if "depth" in self._asked else None,
            normals=normals,
            flow=flow,
            classes=classes,
        )


def _classes(plate: Plate, layout: Layout, ground: F32) -> Frame:
    surface = plate.standing.surface[::FINE, ::FINE]
    table = np.full(256, OBJECT, np.uint8)
    table[[int(plant) for plant in _PLANTS]] = VEGETATION
    table[[int(Surface.WALL), int(Surface.ROOFING), int(Surface.STONE), int(Surface.BRICK_TRIM)]] = BUILDING
    road = road_distance(layout, plate.x, plate.y) < 0.0
    open_land = np.where(ground > 0.0, np.where(road, ROAD, LAND), SKY).astype(np.uint8)
    classes: Frame = np.where(surface > 0, table[surface], open_land)
    return classes


@kernel
def _nearness(samples: F32, ground: F32) -> F32:
    """Inverse depth of each pixel: of the nearest surface that two of its samples meet, else of the ground."""
    height, width = ground.shape
    found = np.empty((height, width), np.float32)
    for row in range(height):
        for column in range(width):
            hits, nearest = 0, 0.0
            for k in range(FINE * FINE):
                near = samples[FINE * row + k // FINE, FINE * column + k % FINE]
                if near > 0.0:
                    hits += 1
                    nearest = max(nearest, near)
            found[row, column] = ground[row, column]
            if hits < 2:
                continue
            total, count = 0.0, 0
            for k in range(FINE * FINE):
                near = samples[FINE * row + k // FINE, FINE * column + k % FINE]
                if near >= _SAME_SURFACE * nearest:
                    total += near
                    count += 1
            found[row, column] = max(total / count, ground[row, column])
    return found


def _normals(near: F32, rays: F32) -> F32:
    """From the surface points about each pixel, on the side on which they lie nearer in depth."""
    points: F32 = (rays / np.maximum(near, np.float32(1e-9))[..., None]).astype(np.float32)
    across = _slope(points, near, 1)
    down = _slope(points, near, 0)
    normals = np.cross(down, across)
    normals /= np.maximum(norm(normals), 1e-12)[..., None]
    towards = (normals * rays).sum(axis=-1) > 0.0
    normals[towards] *= -1.0
    normals[near <= 0.0] = 0.0
    made: F32 = normals.astype(np.float32)
    return made


def _slope(points: F32, near: F32, axis: int) -> F32:
    """The way from each point to its neighbour along an axis: of the two neighbours that of the more alike depth."""
    step = np.diff(points, axis=axis)
    jump = np.abs(np.diff(near, axis=axis))
    edge = [(0, 0), (0, 0)]
    edge[axis] = (0, 1)
    ahead = np.pad(step, [*edge, (0, 0)], mode="edge")
    ahead_jump = np.pad(jump, edge, constant_values=np.inf)
    edge[axis] = (1, 0)
    behind = np.pad(step, [*edge, (0, 0)], mode="edge")
    behind_jump = np.pad(jump, edge, constant_values=np.inf)
    chosen: F32 = np.where((ahead_jump <= behind_jump)[..., None], ahead, behind)
    return chosen


@inline
def _column_row(x: float, y: float, z: float, focal: float, centre_x: float, centre_y: float) -> tuple[float, float]:
    return x / z * focal + centre_x, y / z * focal + centre_y


@kernel
def _flow(
    ids: Frame, seen: NDArray[np.int32], triangles: NDArray[np.int32], owner: Frame, placed: Floats, moved: Floats,
    focal: float, centre_x: float, centre_y: float, flow: F32,
) -> None:  # fmt: skip
    """``focal`` and centre are those of the grid of samples; ``placed`` and ``moved`` points of the camera's frame."""
    height, width = ids.shape
    for row in range(height):
        for column in range(width):
            who = ids[row, column]
            if who == NOBODY:
                continue
            for k in range(FINE * FINE):
                triangle = seen[FINE * row + k // FINE, FINE * column + k % FINE]
                if triangle < 0 or owner[triangle] != who:
                    continue
                a, b, c = triangles[triangle, 0], triangles[triangle, 1], triangles[triangle, 2]
                x, y = FINE * column + k % FINE + 0.5, FINE * row + k // FINE + 0.5
                w0, w1, w2 = weights(placed, a, b, c, focal, centre_x, centre_y, x, y)
                px = w0 * moved[a, 0] + w1 * moved[b, 0] + w2 * moved[c, 0]
                py = w0 * moved[a, 1] + w1 * moved[b, 1] + w2 * moved[c, 1]
                pz = w0 * moved[a, 2] + w1 * moved[b, 2] + w2 * moved[c, 2]
                if pz > 0.3:
                    to_x, to_y = _column_row(px, py, pz, focal, centre_x, centre_y)
                    flow[row, column, 0] = (to_x - x) / FINE
                    flow[row, column, 1] = (to_y - y) / FINE
                break
