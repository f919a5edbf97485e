"""The plate: all of a fixed view that does not move, painted once a clip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from its_core.engines.simulator.compilation import kernel
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.optics.daylight import Daylight
from its_core.engines.simulator.optics.raster import view
from its_core.engines.simulator.optics.shading import Shader
from its_core.engines.simulator.rendering.standing import FINE, Standing, everything, mirrored, stood
from its_core.engines.simulator.roads.layouts import Layout
from its_core.engines.simulator.scenery.backdrop import add_backdrop
from its_core.engines.simulator.scenery.build import Scenery
from its_core.engines.simulator.scenery.ground import Ground, ground
from its_core.engines.simulator.scenery.light_maps import Plans, plans
from its_core.engines.simulator.scenery.markings import paint

F32 = NDArray[np.float32]

_SHIFTS = ((0.25, -0.25), (-0.25, 0.25))  # of two passes, in fine samples


@dataclass(frozen=True, slots=True)
class Plate:
    """What stands still, H×W(×3): linear radiance; ``ground_share`` how much of each pixel is ground; ``sun_share``,
    ``albedo``, ``x``, ``y`` as in ``ground.Ground``; ``sheen`` share of ``mirror`` that the ground shows (2×2 where it
    is dry)."""

    radiance: F32
    ground_share: F32
    sun_share: F32
    albedo: F32
    x: F32
    y: F32
    plans: Plans
    shader: Shader
    standing: Standing
    sheen: F32
    mirror: F32


def plate(camera: Camera, layout: Layout, scene: Scenery, daylight: Daylight) -> Plate:
    things = everything(scene, daylight)
    cast = plans(layout, scene, things.soup, daylight)
    skyline = 0.06 if len(layout.crosswalks) == 0 else 0.30
    shader = Shader(daylight, skyline, _lamp_level(daylight))
    standing, lit = stood(camera, things, daylight, shader, cast)
    hidden = lit.covered >= 1.0
    floor = ground(camera, layout, daylight, cast, *_paint_coverage(camera, layout, scene), scene.parks, hidden)
    radiance = floor.radiance
    add_backdrop(camera, daylight, radiance, floor.land, hidden, layout.deck.drop_m if layout.deck else 0.0)
    del hidden  # mirror images take much memory
    free = 1.0 - lit.covered
    share = free * floor.land
    sheen: F32 = np.zeros((2, 2), np.float32)
    mirror: F32 = np.zeros((2, 2, 3), np.float32)
    if daylight.wet > 0.0:
        sheen = _sheen(camera, floor)
        wanted = _drawn_out((sheen > 0.0) & (free > 0.0), camera)
        mirror = _rough(mirrored(camera, things, daylight, shader, cast, wanted), camera)
        gained = mirror - radiance
        gained *= sheen[..., None]
        radiance += gained
        sheen = (sheen * share).astype(np.float32)
    radiance *= free[..., None]
    radiance += lit.light
    return Plate(
        radiance, share, floor.sun_share, floor.albedo, floor.x, floor.y, cast, shader, standing, sheen, mirror
    )  # fmt: skip


def _sheen(camera: Camera, floor: Ground) -> F32:
    """Share of what each pixel's ground mirrors: Fresnel's, by Schlick's approximation."""
    x, y, z = (np.float32(value) for value in camera.position_m)
    away = floor.x - x, floor.y - y
    slant = np.float32(1.0) - z / np.sqrt(away[0] * away[0] + away[1] * away[1] + z * z)
    square = slant * slant
    sheen: F32 = (floor.land * floor.water * (0.03 + 0.97 * square * square * slant)).astype(np.float32)
    return sheen


def _rough(mirror: F32, camera: Camera) -> F32:
    """Draws a mirror image out downwards, in place, as on a road that is not smooth; bright lamps most of all."""
    mirror[mirror > 1.2] *= 4.0
    for size_px, axis in _roughness_px(camera):
        ndimage.uniform_filter1d(mirror, size_px, axis=axis, mode="nearest", output=mirror)
    return mirror


def _drawn_out(shown: NDArray[np.bool_], camera: Camera) -> NDArray[np.bool_]:
    """The pixels of a mirror image that show in these once ``_rough`` has drawn it out."""
    found = shown.astype(np.uint8)
    for size_px, axis in _roughness_px(camera):
        ndimage.maximum_filter1d(found, 2 * (size_px // 2) + 1, axis=axis, mode="nearest", output=found)
    return found > 0


def _roughness_px(camera: Camera) -> list[tuple[int, int]]:
    """Lengths over which a mirror image is averaged, one after another, and along which axis."""
    scale = camera.width_px / 1280.0
    return [(max(1, round(size_px * scale)), axis) for size_px, axis in ((21, 0), (15, 0), (3, 1))]


def _lamp_level(daylight: Daylight) -> tuple[float, float, float]:
    return (0.03 * daylight.lamps, 0.021 * daylight.lamps, 0.012 * daylight.lamps)


def _paint_coverage(camera: Camera, layout: Layout, scene: Scenery) -> tuple[F32, F32]:
    """Share of each pixel under white and under yellow paint."""
    soup, yellow = paint((*layout.markings, *scene.bays), layout.crosswalks)
    kind = np.where(yellow, 2, 1).astype(np.uint8)
    total = np.zeros((2, camera.height_px, camera.width_px), np.uint8)
    for shift in _SHIFTS:
        _count_paint(view(camera, soup, FINE, shift).triangle, kind, total)
    share = total * np.float32(1.0 / (len(_SHIFTS) * FINE**2))
    return share[0], share[1]


@kernel
def _count_paint(seen: NDArray[np.int32], kind: NDArray[np.uint8], total: NDArray[np.uint8]) -> None:
    """Adds to ``total`` (2×H×W) the samples (``seen`` 2H×2W) that show triangles of kind 1 and of kind 2."""
    for row in range(seen.shape[0]):
        for column in range(seen.shape[1]):
            if seen[row, column] >= 0:
                total[kind[seen[row, column]] - 1, row // FINE, column // FINE] += 1
