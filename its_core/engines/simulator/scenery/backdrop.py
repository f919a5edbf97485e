"""What lies behind everything: the sky with its clouds, and a line of far woods that ends the ground."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.compilation import inline, kernel
from its_core.engines.simulator.meshes.noise import Tiles, all_tiles, noise_at, pattern
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.optics.daylight import Daylight, SkyTones, sky_at

F32 = NDArray[np.float32]
RGB = tuple[float, float, float]

_WOODS_M = 520.0  # away
_WOODS_TALL_M, _TALLEST_M = 11.0, 40.0  # usually, and more than the noise ever makes of it
_BAND_ROWS = 64  # painted at once, for the memory's sake
_CLOUDS = (pattern(1500.0, 1), pattern(560.0, 2), pattern(210.0, 3))
_CROWNS = (pattern(120.0, 4), pattern(30.0, 5), pattern(8.0, 6))
_LEAVES = pattern(9.0, 6)
_AWAY, _TWICE_AWAY, _DOME, _LEVEL = np.float32(_WOODS_M), np.float32(2.0 * _WOODS_M), np.float32(0.12), np.float32(0.0)


class _Far(NamedTuple):
    """How sky and woods look, as compiled code reads it: ``white`` the clouds' light, ``clear`` the noise below which
    there are none; ``leaves`` the woods' light and ``air`` that of the air before them, which takes ``haze`` of it;
    heights as sines of elevations, ``step`` a pixel's."""

    sky: SkyTones
    white: RGB
    clear: float
    leaves: RGB
    air: RGB
    haze: float
    eye_m: float
    foot: float
    step: float


def add_backdrop(
    camera: Camera, daylight: Daylight, floor: F32, land: NDArray[np.bool_], hidden: NDArray[np.bool_],
    drop_m: float = 0.0,
) -> None:  # fmt: skip
    """Puts sky and woods into the ground's light (H×W×3, of use where ``land``) beyond it, but where ``hidden``; the
    woods' feet are ``drop_m`` below the road."""
    last, far = _last_row(camera, drop_m), _far(camera, daylight, drop_m)
    tiles = all_tiles()
    for top in range(0, last, _BAND_ROWS):
        rows = slice(top, min(top + _BAND_ROWS, last))
        rays = camera.pixel_rays(rows.start, rows.stop).reshape(-1, 3)
        _add(rays, land[rows].ravel(), hidden[rows].ravel(), far, tiles, floor[rows].reshape(-1, 3))


def _far(camera: Camera, daylight: Daylight, drop_m: float) -> _Far:
    white = daylight.ambient(np.zeros(1, np.float32))[0] * 1.15 + 0.25 * np.array(daylight.sun_rgb)
    light = daylight.ambient(np.full(1, 0.2, np.float32))[0] + 0.4 * np.array(daylight.sun_rgb)
    height = camera.position_m[2]
    return _Far(
        daylight.tones, _three(white), 1.4 - 2.2 * daylight.clouds, _three(np.array([0.045, 0.070, 0.026]) * light),
        _three(0.92 * np.array(daylight.horizon)), 1.0 - float(pm.exp(-_WOODS_M / daylight.haze_m)), height,
        (height + drop_m) / _WOODS_M, 1.0 / camera.focal_px,
    )  # fmt: skip


def _three(values: Any) -> RGB:
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def _last_row(camera: Camera, drop_m: float) -> int:
    """The row below which only ground shows that is nearer than the woods."""
    limit = -(camera.position_m[2] + drop_m) / _WOODS_M
    edges = np.array([0.5, camera.width_px - 0.5], np.float32)
    rows = np.arange(camera.height_px, dtype=np.float32)[:, None] + np.zeros(2, np.float32)
    rays = camera.rays(np.broadcast_to(edges, rows.shape), rows)
    up = rays[..., 2] / pm.norm(rays)
    return int(np.flatnonzero((up > limit - 0.002).any(axis=1)).max(initial=-1)) + 1


@kernel
def _add(rays: F32, land: NDArray[np.bool_], hidden: NDArray[np.bool_], far: _Far, tiles: Tiles, floor: F32) -> None:
    for i in range(len(rays)):
        if hidden[i]:
            continue
        length = np.sqrt(rays[i, 0] * rays[i, 0] + rays[i, 1] * rays[i, 1] + rays[i, 2] * rays[i, 2])
        dx, dy, dz = rays[i, 0] / length, rays[i, 1] / length, rays[i, 2] / length
        red, green, blue = floor[i, 0], floor[i, 1], floor[i, 2]
        if not land[i]:
            red, green, blue = _clouded(dx, dy, max(dz, _LEVEL), far, tiles)
        share, tone = _woods(dx, dy, dz, far, tiles)
        light = (red, green, blue)
        for channel in range(3):
            leaves = tone * far.leaves[channel]
            leaves += far.haze * (far.air[channel] - leaves)
            floor[i, channel] = light[channel] + share * (leaves - light[channel])


@inline
def _clouded(dx: Any, dy: Any, dz: Any, far: _Far, tiles: Tiles) -> RGB:
    """The sky's light along a unit direction that does not point below the horizon."""
    dome = np.float32(900.0) / (dz + _DOME)
    x, y = dx * dome, dy * dome
    puffs = noise_at(x, y, *_CLOUDS[0], tiles[1], True) + 0.5 * noise_at(x, y, *_CLOUDS[1], tiles[2], True)
    puffs += 0.25 * noise_at(x, y, *_CLOUDS[2], tiles[0], True)
    cover = 0.75 * min(max((puffs - far.clear) * 0.5, 0.0), 1.0)
    bright = 0.9 + 0.07 * puffs
    red, green, blue = sky_at(dx, dy, dz, far.sky)
    return (
        red + cover * (bright * far.white[0] - red),
        green + cover * (bright * far.white[1] - green),
        blue + cover * (bright * far.white[2] - blue),
    )


@inline
def _woods(dx: Any, dy: Any, dz: Any, far: _Far, tiles: Tiles) -> tuple[float, float]:
    """Share of a pixel that far trees cover, and how light their leaves are there."""
    above_foot = min(max((dz + far.foot) / far.step + 0.5, 0.0), 1.0)
    if above_foot == 0.0 or dz > (_TALLEST_M - far.eye_m) / _WOODS_M + far.step:
        return 0.0, 0.0
    around = np.float32(pm.atan2_scalar(dy, dx)) * _AWAY
    rough = 0.17 * noise_at(around, _LEVEL, *_CROWNS[0], tiles[1], True)
    rough += 0.10 * noise_at(around, _LEVEL, *_CROWNS[1], tiles[2], True)
    rough += 0.09 * noise_at(around, _LEVEL, *_CROWNS[2], tiles[0], True)
    top = (max(_WOODS_TALL_M * (1.0 + rough), 4.0) - far.eye_m) / _WOODS_M
    share = above_foot * min(max((top - dz) / far.step + 0.5, 0.0), 1.0)
    return share, 1.0 + 0.20 * noise_at(around, dz * _TWICE_AWAY, *_LEAVES, tiles[0], True)
