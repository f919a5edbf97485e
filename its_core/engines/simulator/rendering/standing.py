"""What stands still, drawn once: how near it is at every sample, what it is made of, and its light."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import kernel
from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.meshes.mesh import Mesh
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.optics.daylight import Daylight
from its_core.engines.simulator.optics.raster import ALL, Coverage, Drawn, Lens, Soup, draw
from its_core.engines.simulator.optics.shading import Around, Shader, plan_at, surface_light, weights
from its_core.engines.simulator.portable_math import dot, exp_scalar, norm
from its_core.engines.simulator.scenery.build import Scenery, merged
from its_core.engines.simulator.scenery.facade_light import FacadePainter
from its_core.engines.simulator.scenery.facades import Walls
from its_core.engines.simulator.scenery.light_maps import LAMP_RGB, Plans

F32 = NDArray[np.float32]
Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

FINE = 2  # samples a pixel along each axis, in every pass
# Two passes, their sample points shifted (in fine pixels), and the samples taken of each pixel: a rotated grid of four.
Passes = tuple[tuple[tuple[float, float], tuple[tuple[int, int], ...]], ...]
_PASSES: Passes = (((0.25, -0.25), ((0, 0), (1, 1))), ((-0.25, 0.25), ((0, 1), (1, 0))))
_ONE_SAMPLE: Passes = (((0.5, 0.5), ((0, 0),)),)
_BRIGHTEST = 2.2  # of a sample, so that a lamp does not eat the anti-aliasing of its edge
_SKY_ROWS = 64
_ROWS = 32  # whose samples are lit at once: what is known of each fits the processor's cache
_WALL_PIECE_M = 4.0  # lenses bend long edges


@dataclass(frozen=True, slots=True)
class Standing:
    """2H×2W: ``nearness``, the inverse depth at each sample, 0 where nothing stands; ``surface``, what it is made
    of."""

    nearness: F32
    surface: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Lit:
    """``light`` H×W×3: radiance of what stands, weighted by the share of each pixel that it covers; ``covered`` H×W:
    that share."""

    light: F32
    covered: F32


@dataclass(frozen=True, slots=True)
class Things:
    """Everything that stands as one mesh: vertex attributes, then the walls' triangles with their numbers; ``shade`` of
    each wall, the share of the sun that other houses leave it."""

    soup: Soup
    normals: F32
    sunlit: F32
    slots: NDArray[np.uint8]
    walls_from: int  # the first triangle that belongs to a wall
    wall: Ints  # of each wall triangle
    walls: Walls
    shade: F32


def everything(scene: Scenery, daylight: Daylight) -> Things:
    """All that stands and casts shadows, world frame."""
    things = merged(scene.things)
    walls, number = _wall_mesh(scene.walls)
    whole = merged([things, walls])
    raised = np.float32(0.02) * things.normals
    raised += things.vertices
    sunlit = np.concatenate([scene.sunlit(raised, daylight), np.ones(len(walls.vertices), np.float32)])
    return Things(
        Soup(whole.vertices, whole.triangles), whole.normals, sunlit, whole.slots, len(things.triangles), number,
        scene.walls, _wall_shade(scene, daylight),
    )  # fmt: skip


def stood(camera: Camera, things: Things, daylight: Daylight, shader: Shader, cast: Plans) -> tuple[Standing, Lit]:
    placed = camera.placed(things.soup.vertices)
    standing, plain = _standing(camera, things, placed)
    return standing, _lit(camera, things, placed, daylight, shader, cast, _PASSES, plain)


def _standing(camera: Camera, things: Things, placed: Floats) -> tuple[Standing, NDArray[np.bool_]]:
    """What shows at the pixels' own samples, and which pixels show one wall alone."""
    lens = Lens.of(camera, FINE)
    seen = Coverage.empty(lens.width, lens.height)
    draw(placed, things.soup.triangles, lens, seen)
    surface = _surface(seen.triangle, things.soup.triangles, things.slots)
    return Standing(seen.nearness, surface), _one_wall(seen.triangle, things.wall, things.walls_from)


def mirrored(
    camera: Camera, things: Things, daylight: Daylight, shader: Shader, cast: Plans, wanted: NDArray[np.bool_]
) -> F32:
    """H×W×3: what a sheet of water in place of the ground would mirror, one sample a pixel; of use where ``wanted``
    H×W."""
    below = camera.mirrored()
    placed = below.placed(things.soup.vertices)
    seen = _lit(below, things, placed, daylight, shader, cast, _ONE_SAMPLE, wanted=wanted)
    image = seen.light
    for top in range(0, camera.height_px, _SKY_ROWS):
        rows = slice(top, min(top + _SKY_ROWS, camera.height_px))
        if wanted[rows].any():
            rays = below.pixel_rays(rows.start, rows.stop)
            rays /= norm(rays)[..., None]
            image[rows] += (1.0 - seen.covered[rows])[..., None] * daylight.sky(rays)
    return image


def _lit(
    camera: Camera, things: Things, placed: Floats, daylight: Daylight, shader: Shader, cast: Plans, passes: Passes,
    plain: NDArray[np.bool_] | None = None, wanted: NDArray[np.bool_] | None = None,
) -> Lit:  # fmt: skip
    """``placed``: the things' vertices by ``Camera.placed``; ``plain`` H×W: pixels whose samples all show one wall, if
    those of the first pass do so too. That pass alone will do for them. ``wanted`` H×W: pixels that are lit; by
    default, all."""
    surroundings = _Surroundings(
        shader.around, shader.optics, daylight.rise, cast.lamps, np.array(cast.rect), np.array(camera.position_m)
    )
    painter = FacadePainter(things.walls, daylight, camera.position_m, things.shade, cast)
    light = np.zeros((camera.height_px, camera.width_px, 3), np.float32)
    covered = np.zeros((camera.height_px, camera.width_px), np.float32)
    weight = np.float32(1.0 / sum(len(taken) for _, taken in passes))
    seen = Coverage.empty(FINE * camera.width_px, FINE * camera.height_px)
    for number, (shift, taken) in enumerate(passes):
        lens = Lens.of(camera, FINE, shift)
        if number > 0:
            seen.clear()
        whole = plain is not None and number == 0
        draw(placed, things.soup.triangles, lens, seen, only=ALL if whole else _only(taken))
        weights = np.full(covered.shape, weight, np.float32)
        if plain is not None:
            if whole:
                plain &= _one_wall(seen.triangle, things.wall, things.walls_from)
            weights = np.where(plain, weight * np.float32(len(passes) if whole else 0), weight)
        if wanted is not None:
            weights *= wanted
        for row, column in taken:
            for top in range(0, camera.height_px, _ROWS):
                hits = _hits(seen.triangle, row, column, weights, top, min(top + _ROWS, camera.height_px))
                _add_samples(camera, things, placed, lens, seen, hits, painter, surroundings, weights, light, covered)
    return Lit(light, covered)


def _only(taken: Sequence[tuple[int, int]]) -> Drawn:
    """What has to be drawn of samples in those rows and columns of each pixel."""
    even, odd = (sum(1 << column for row, column in taken if row == own) for own in range(FINE))
    return even, odd


def _wall_mesh(walls: Walls) -> tuple[Mesh, Ints]:
    """The walls in pieces, and the number of each triangle's wall."""
    pieces = np.maximum(np.ceil(walls.length / _WALL_PIECE_M), 1.0).astype(np.int32)
    number = np.repeat(np.arange(len(pieces), dtype=np.int32), pieces)
    piece = np.arange(len(number)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    start = (piece / pieces[number]).astype(np.float32)[:, None]
    end = ((piece + 1) / pieces[number]).astype(np.float32)[:, None]
    corners = walls.quads()[number]
    a, b, c, d = (corners[:, corner] for corner in range(4))
    quads = np.stack([a + start * (b - a), a + end * (b - a), d + end * (c - d), d + start * (c - d)], axis=1)
    vertices = quads.reshape(-1, 3)
    first = 4 * np.arange(len(quads), dtype=np.int32)[:, None]
    triangles = np.concatenate([first + np.array([0, 1, 2]), first + np.array([0, 2, 3])]).astype(np.int32)
    slots = np.full(len(vertices), int(Surface.WALL), np.uint8)
    mesh = Mesh(vertices, np.zeros_like(vertices), slots, np.zeros(0, np.uint8), np.zeros(0, np.int32), triangles)
    return mesh, np.concatenate([number, number])


@kernel
def _surface(seen: Ints, triangles: Ints, slots: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What each sample shows is made of, 0 where it shows nothing."""
    height, width = seen.shape
    found = np.zeros((height, width), np.uint8)
    for row in range(height):
        for column in range(width):
            if seen[row, column] >= 0:
                found[row, column] = slots[triangles[seen[row, column], 0]]
    return found


@kernel
def _one_wall(seen: Ints, wall: Ints, walls_from: int) -> NDArray[np.bool_]:
    """H×W: pixels in which all samples (``seen`` 2H×2W) show the same wall."""
    height, width = seen.shape[0] // FINE, seen.shape[1] // FINE
    same = np.zeros((height, width), np.bool_)
    for row in range(height):
        for column in range(width):
            first = seen[FINE * row, FINE * column]
            if first < walls_from:
                continue
            count = 0
            for k in range(FINE * FINE):
                other = seen[FINE * row + k // FINE, FINE * column + k % FINE]
                if other >= walls_from and wall[other - walls_from] == wall[first - walls_from]:
                    count += 1
            same[row, column] = count == FINE * FINE
    return same


@kernel
def _hits(seen: Ints, row: int, column: int, weights: F32, top: int, low: int) -> Ints:
    """K×3: the pixels of the rows from ``top`` to before ``low`` (their numbers in a flattened picture) whose sample in
    that row and column shows something and counts; the sample's own row and column."""
    width, count = weights.shape[1], 0
    hits = np.empty(((low - top) * width, 3), np.int32)
    for y in range(top, low):
        for x in range(width):
            if seen[FINE * y + row, FINE * x + column] >= 0 and weights[y, x] > 0.0:
                hits[count, 0], hits[count, 1], hits[count, 2] = y * width + x, FINE * y + row, FINE * x + column
                count += 1
    return hits[:count]


class _Surroundings(NamedTuple):
    """What lights samples, as ``_shade`` takes it."""

    around: Around
    optics: F32
    rise: F32
    street: F32
    street_rect: Floats
    eye: Floats


def _add_samples(
    camera: Camera, things: Things, placed: Floats, lens: Lens, seen: Coverage, hits: Ints, painter: FacadePainter,
    surroundings: _Surroundings, weights: F32, light: F32, covered: F32,
) -> None:  # fmt: skip
    """Adds one sample of each of some pixels, by ``_hits``, so much of it as ``weights`` (H×W) say."""
    number, distance, x_px, y_px = _looked_up(
        hits, seen.triangle, seen.nearness, lens.centre_x - 0.5 * lens.width, lens.centre_y - 0.5 * lens.height
    )
    rays = camera.rays(x_px, y_px)
    _aim(rays, distance)
    radiance = np.empty((len(hits), 3), np.float32)
    _shade(
        number, things.walls_from, hits, rays, placed, things.soup.triangles, things.normals, things.sunlit,
        things.slots, lens.focal, lens.centre_x, lens.centre_y, *surroundings, distance, radiance,
    )  # fmt: skip
    painter.paint(_wall_of(number, things.wall, things.walls_from), rays, radiance)
    _lay(
        hits, radiance, distance, surroundings.around, weights.ravel(), light.reshape(-1, 3),
        covered.ravel(),
    )  # fmt: skip


@kernel
def _looked_up(
    hits: Ints, seen: Ints, nearness: F32, shift_x: float, shift_y: float
) -> tuple[Ints, F32, Floats, Floats]:
    """Of samples (by ``_hits``): the triangles that they show, how near those are, and where in the picture (px) they
    are taken. ``shift_x``, ``shift_y``: how far the grid of samples is shifted."""
    count = len(hits)
    number, near = np.empty(count, np.int32), np.empty(count, np.float32)
    x_px, y_px = np.empty(count), np.empty(count)
    for i in range(count):
        row, column = hits[i, 1], hits[i, 2]
        number[i], near[i] = seen[row, column], nearness[row, column]
        x_px[i], y_px[i] = (column + 0.5 - shift_x) / FINE, (row + 0.5 - shift_y) / FINE
    return number, near, x_px, y_px


@kernel
def _aim(rays: F32, distance: F32) -> None:
    """Makes unit vectors of rays one metre deep, in place, and distances of what they meet, whose inverse depth
    ``distance`` holds."""
    for i in range(len(rays)):
        length = np.sqrt(rays[i, 0] * rays[i, 0] + rays[i, 1] * rays[i, 1] + rays[i, 2] * rays[i, 2])
        distance[i] = length / distance[i]
        for axis in range(3):
            rays[i, axis] /= length


@kernel
def _wall_of(number: Ints, wall: Ints, walls_from: int) -> Ints:
    """The walls to which triangles belong, −1 for those of other things."""
    found = np.full(len(number), -1, np.int32)
    for i in range(len(number)):
        if number[i] >= walls_from:
            found[i] = wall[number[i] - walls_from]
    return found


@kernel
def _lay(hits: Ints, radiance: F32, distance: F32, around: Around, weights: F32, light: F32, covered: F32) -> None:
    """Adds samples, seen through the air."""
    for i in range(len(hits)):
        at = hits[i, 0]
        weight = weights[at]
        haze = 1.0 - exp_scalar(-distance[i] * around.haze)
        for channel in range(3):
            value = radiance[i, channel]
            value += haze * (around.air[channel] - value)
            light[at, channel] += weight * min(value, _BRIGHTEST)
        covered[at] += weight


@kernel
def _shade(
    number: Ints, walls_from: int, hits: Ints, rays: F32, placed: NDArray[np.float64], triangles: Ints,
    normals: F32, sunlit: F32, slots: NDArray[np.uint8], focal: float, centre_x: float, centre_y: float, around: Around,
    optics: F32, rise: F32, street: F32, street_rect: Floats, eye: Floats, distance: F32, radiance: F32,
) -> None:  # fmt: skip
    """Lights the samples that show no wall."""
    for i in range(len(number)):
        if number[i] >= walls_from:
            continue
        a, b, c = triangles[number[i], 0], triangles[number[i], 1], triangles[number[i], 2]
        w0, w1, w2 = weights(placed, a, b, c, focal, centre_x, centre_y, hits[i, 2] + 0.5, hits[i, 1] + 0.5)
        nx = w0 * normals[a, 0] + w1 * normals[b, 0] + w2 * normals[c, 0]
        ny = w0 * normals[a, 1] + w1 * normals[b, 1] + w2 * normals[c, 1]
        nz = w0 * normals[a, 2] + w1 * normals[b, 2] + w2 * normals[c, 2]
        length = max(np.sqrt(nx * nx + ny * ny + nz * nz), 1e-6)
        lit = w0 * sunlit[a] + w1 * sunlit[b] + w2 * sunlit[c]
        near = 0.0
        if street.shape[0] > 2:
            x, y = eye[0] + distance[i] * rays[i, 0], eye[1] + distance[i] * rays[i, 1]
            z = eye[2] + distance[i] * rays[i, 2]
            near = plan_at(street, street_rect, x, y) * (0.62 + 0.38 * nz / length) * min(max(1.6 - 0.16 * z, 0.0), 1.0)
        red, green, blue = surface_light(
            nx / length, ny / length, nz / length, lit, slots[a], rays[i, 0], rays[i, 1], rays[i, 2],
            LAMP_RGB[0] * near, LAMP_RGB[1] * near, LAMP_RGB[2] * near, around, optics, rise,
        )  # fmt: skip
        radiance[i, 0], radiance[i, 1], radiance[i, 2] = red, green, blue


def _wall_shade(scene: Scenery, daylight: Daylight) -> F32:
    """Of each wall, the share of points about it that no other house shades."""
    walls = scene.walls
    shares = np.ones(len(walls.length), np.float32)
    if not daylight.casts_shadows:
        return shares
    facing = np.flatnonzero(dot(walls.outward, daylight.sun_vector[:2]) > 0.0)
    spread = np.array([(along, up) for along in (0.12, 0.5, 0.88) for up in (0.2, 0.55, 0.92)], np.float32)
    corner, along, outward = (each[facing, None] for each in (walls.corner, walls.along, walls.outward))
    flat = corner + spread[:, :1] * walls.length[facing, None, None] * along + 0.08 * outward
    points = np.concatenate([flat, spread[:, 1:] * walls.height[facing, None, None]], axis=2).reshape(-1, 3)
    shares[facing] = scene.sunlit(points, daylight).reshape(-1, len(spread)).mean(axis=1)
    return shares
