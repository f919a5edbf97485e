"""The plate: all of a fixed view that does not move, painted once a clip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.meshes.mesh import Mesh
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.optics.daylight import Daylight
from its_core.engines.simulator.optics.raster import Raster, Soup
from its_core.engines.simulator.optics.shading import Shader, packed
from its_core.engines.simulator.roads.layouts import Layout
from its_core.engines.simulator.scenery.backdrop import with_backdrop
from its_core.engines.simulator.scenery.build import Scenery, merged
from its_core.engines.simulator.scenery.facades import FacadePainter, Walls
from its_core.engines.simulator.scenery.ground import ground
from its_core.engines.simulator.scenery.light_maps import Plans, plans
from its_core.engines.simulator.scenery.markings import paint

F32 = NDArray[np.float32]
Ints = NDArray[np.int32]

FINE = 2  # samples a pixel along each axis, in every pass
# Two passes, their sample points shifted (in fine pixels), and the samples taken of each pixel: a rotated grid of four.
_PASSES = (((0.25, -0.25), ((0, 0), (1, 1))), ((-0.25, 0.25), ((0, 1), (1, 0))))
_BRIGHTEST = 2.2  # of a sample, so that a lamp does not eat the anti-aliasing of its edge


@dataclass(frozen=True, slots=True)
class Plate:
    """What stands still, H×W(×3): linear radiance; ``ground_share`` how much of each pixel is ground; ``sun_share``,
    ``albedo``, ``x``, ``y`` as in ``ground.Ground``."""

    radiance: F32
    ground_share: F32
    sun_share: F32
    albedo: F32
    x: F32
    y: F32
    plans: Plans
    shader: Shader


def plate(raster: Raster, camera: Camera, layout: Layout, scene: Scenery, daylight: Daylight) -> Plate:
    things = merged(scene.things)
    walls = _wall_mesh(scene.walls)
    everything = merged([things, walls])
    cast = plans(raster, layout, scene, everything, daylight)
    sunlit = np.concatenate(
        [scene.sunlit(thing.vertices + np.float32(0.02) * thing.normals, daylight) for thing in scene.things]
    )
    rgba = np.concatenate([packed(things.normals, sunlit, things.slots), _wall_bytes(scene.walls)])
    soup = Soup(everything.vertices, rgba, everything.triangles)
    skyline = 0.06 if len(layout.crosswalks) == 0 else 0.30
    shader = Shader(daylight, skyline, _lamp_level(daylight))
    white, yellow = _paint_coverage(raster, camera, layout, scene)
    floor = ground(camera, layout, daylight, cast, white, yellow)
    standing, covered = _standing(raster, camera, soup, scene, daylight, shader)
    far = with_backdrop(camera, daylight, floor.radiance, floor.land)
    open_share = (1.0 - covered)[..., None]
    radiance = standing + open_share * far
    share = (1.0 - covered) * floor.land
    return Plate(radiance, share, floor.sun_share, floor.albedo, floor.x, floor.y, cast, shader)


def _lamp_level(daylight: Daylight) -> tuple[float, float, float]:
    return (0.10, 0.07, 0.04) if daylight.lit else (0.0, 0.0, 0.0)


def _wall_mesh(walls: Walls) -> Mesh:
    quads = walls.quads()
    count = len(quads)
    first = 4 * np.arange(count, dtype=np.int32)[:, None]
    triangles = np.concatenate([first + np.array([0, 1, 2]), first + np.array([0, 2, 3])]).astype(np.int32)
    vertices = quads.reshape(-1, 3)
    slots = np.full(len(vertices), int(Surface.WALL), np.uint8)
    return Mesh(vertices, np.zeros_like(vertices), slots, np.zeros(0, np.uint8), np.zeros(0, np.int32), triangles)


def _wall_bytes(walls: Walls) -> NDArray[np.uint8]:
    number = np.repeat(np.arange(len(walls.length)), 4)
    rgba = np.zeros((len(number), 4), np.uint8)
    rgba[:, 0], rgba[:, 1], rgba[:, 3] = number & 255, number >> 8, int(Surface.WALL)
    return rgba


def _paint_coverage(raster: Raster, camera: Camera, layout: Layout, scene: Scenery) -> tuple[F32, F32]:
    """Share of each pixel under white and under yellow paint."""
    soup = paint((*layout.markings, *scene.bays), layout.crosswalks)
    total = np.zeros((camera.height_px, camera.width_px, 2), np.uint16)
    for shift, _ in _PASSES:
        drawn = raster.view(camera, soup, FINE, shift)[..., :2]
        for row in range(FINE):
            for column in range(FINE):
                total += drawn[row::FINE, column::FINE]
    share = total * np.float32(1.0 / (255.0 * len(_PASSES) * FINE**2))
    return share[..., 0], share[..., 1]


def _standing(
    raster: Raster, camera: Camera, soup: Soup, scene: Scenery, daylight: Daylight, shader: Shader
) -> tuple[F32, F32]:
    """Light from all that stands, already weighted by the share of each pixel that it covers, and that share."""
    painter = FacadePainter(scene.walls, daylight, camera.position_m)
    shade = _wall_shade(scene, daylight)
    light = np.zeros((camera.height_px, camera.width_px, 3), np.float32)
    covered = np.zeros((camera.height_px, camera.width_px), np.float32)
    weight = np.float32(1.0 / sum(len(taken) for _, taken in _PASSES))
    for shift, taken in _PASSES:
        drawn = raster.view(camera, soup, FINE, shift)
        for row, column in taken:
            rgba = drawn[row::FINE, column::FINE].reshape(-1, 4)
            hit = np.flatnonzero(rgba[:, 3])
            x = (hit % camera.width_px) + np.float32((column + 0.5 + shift[0]) / FINE)
            y = (hit // camera.width_px) + np.float32((row + 0.5 + shift[1]) / FINE)
            rays = camera.rays(x, y)
            rays /= np.sqrt(np.einsum("ij,ij->i", rays, rays))[:, None]
            seen = np.minimum(_lit(np.take(rgba, hit, axis=0), rays, painter, shader, shade), _BRIGHTEST)
            light.reshape(-1, 3)[hit] += weight * seen
            covered.reshape(-1)[hit] += weight
    return light, covered


def _lit(rgba: NDArray[np.uint8], rays: F32, painter: FacadePainter, shader: Shader, shade: F32) -> F32:
    wall = rgba[:, 3] == Surface.WALL
    radiance = np.empty((len(rgba), 3), np.float32)
    radiance[~wall] = shader.radiance(rgba[~wall], rays[~wall])
    if wall.any():
        number = rgba[wall, 0].astype(np.int32) + 256 * rgba[wall, 1].astype(np.int32)
        radiance[wall] = painter.radiance(number, rays[wall], shade)
    return radiance


def _wall_shade(scene: Scenery, daylight: Daylight) -> F32:
    """Of each wall, the share of points about it that no other house shades."""
    walls = scene.walls
    shares = np.ones(len(walls.length), np.float32)
    if not daylight.casts_shadows:
        return shares
    facing = np.flatnonzero(walls.outward @ daylight.sun_vector[:2] > 0.0)
    spread = np.array([(along, up) for along in (0.12, 0.5, 0.88) for up in (0.2, 0.55, 0.92)], np.float32)
    for wall in facing:
        flat = walls.corner[wall] + spread[:, :1] * walls.length[wall] * walls.along[wall] + 0.08 * walls.outward[wall]
        points = np.concatenate([flat, spread[:, 1:] * walls.height[wall]], axis=1).astype(np.float32)
        shares[wall] = scene.sunlit(points, daylight).mean()
    return shares
