"""Plans of a place seen from above: where the sun reaches, how much sky is open, how far street light carries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.compilation import kernel
from its_core.engines.simulator.meshes.noise import blurred, sampled
from its_core.engines.simulator.optics.daylight import Daylight
from its_core.engines.simulator.optics.raster import Soup, plan
from its_core.engines.simulator.roads.layouts import Layout, Rect
from its_core.engines.simulator.scenery.build import Scenery

F32 = NDArray[np.float32]
Floats = NDArray[np.float64]

_SUN_SIDE_PX = 1536
_SUN_REACH_M = 88.0
_COARSE_M = 0.5
_COARSE_REACH_M = 120.0
LAMP_RGB = (1.0, 0.70, 0.40)  # of street lamps
BEAM_RGB = (1.0, 0.94, 0.82)  # of headlamps
_TREE_M = 27.0  # beyond it a tree's shade is 0 in 32 bits
_LAMP_LIGHT = 0.85  # radiance of white ground right below a lamp


@dataclass(frozen=True, slots=True)
class Plans:
    """``sun`` (0 shade to 1) over ``sun_rect``; ``open_sky`` and ``lamps`` (radiance of white ground) over ``rect``."""

    sun: F32
    sun_rect: Rect
    open_sky: F32
    lamps: F32
    rect: Rect
    lamp_rgb: tuple[float, float, float]
    sun_slope: tuple[float, float]

    def sun_at(self, x: F32, y: F32) -> Floats:
        return sampled(self.sun, self.sun_rect, x, y)

    def sky_at(self, x: F32, y: F32) -> Floats:
        return sampled(self.open_sky, self.rect, x, y)

    def lamps_at(self, x: F32, y: F32) -> Floats:
        return sampled(self.lamps, self.rect, x, y)

    def sunlit(self, points: F32) -> Floats:
        """Share of the sun that reaches points (K×3) not far above the ground: their shadow on it decides."""
        x = points[:, 0] - np.float32(self.sun_slope[0]) * points[:, 2]
        y = points[:, 1] - np.float32(self.sun_slope[1]) * points[:, 2]
        return self.sun_at(x, y)


def plans(layout: Layout, scene: Scenery, everything: Soup, daylight: Daylight) -> Plans:
    """``everything``: all that casts a shadow, world frame."""
    fx, fy = layout.focus_m
    sun_rect = _around(fx, fy, _SUN_REACH_M)
    rect = _around(fx, fy, _COARSE_REACH_M)
    slope = (0.0, 0.0)
    sun = np.ones((2, 2), np.float32)
    if daylight.casts_shadows:
        slope = (daylight.sun[0] / daylight.sun[2], daylight.sun[1] / daylight.sun[2])
        sun = _sun_plan(sun_rect, everything, slope)
    return Plans(sun, sun_rect, _open_sky(layout, scene, rect), _lamps(scene, daylight, rect), rect, LAMP_RGB, slope)


def flattened(vertices: F32, slope: tuple[float, float], lift_m: float) -> F32:
    """Vertices slid along the sun's rays to just above the ground."""
    shadow = np.empty_like(vertices)
    shadow[:, 0] = vertices[:, 0] - np.float32(slope[0]) * vertices[:, 2]
    shadow[:, 1] = vertices[:, 1] - np.float32(slope[1]) * vertices[:, 2]
    shadow[:, 2] = lift_m
    return shadow


def _around(x: float, y: float, reach: float) -> Rect:
    return (x - reach, y - reach, x + reach, y + reach)


def _sun_plan(rect: Rect, everything: Soup, slope: tuple[float, float]) -> F32:
    soup = Soup(flattened(everything.vertices, slope, 0.0), everything.triangles)
    shade = plan(rect, (_SUN_SIDE_PX, _SUN_SIDE_PX), soup)
    sun: F32 = 1.0 - ndimage.uniform_filter(shade.astype(np.float32), 3)
    sun[[0, -1], :] = 1.0
    sun[:, [0, -1]] = 1.0
    return sun


def _grid(rect: Rect) -> tuple[F32, F32]:
    x = np.arange(rect[0] + _COARSE_M / 2, rect[2], _COARSE_M, dtype=np.float32)
    y = np.arange(rect[3] - _COARSE_M / 2, rect[1], -_COARSE_M, dtype=np.float32)
    return x[None, :], y[:, None]


def _open_sky(layout: Layout, scene: Scenery, rect: Rect) -> F32:
    """How much of the sky the ground sees: less at the foot of walls and under trees."""
    x, y = _grid(rect)
    closed = np.zeros((y.size, x.size), np.float32)
    built = np.zeros_like(closed)
    for house in scene.buildings:
        x1, y1, x2, y2 = house.rect
        built[_between(y[:, 0], y1, y2), _between(x[0], x1, x2)] = 1.0
    for sigma_m, weight in ((1.0, 0.42), (5.0, 0.40)):
        closed += weight * blurred(built, sigma_m / _COARSE_M)
    for tx, ty in layout.trees:
        near = _between(y[:, 0], ty - _TREE_M, ty + _TREE_M), _between(x[0], tx - _TREE_M, tx + _TREE_M)
        away = (x[:, near[1]] - np.float32(tx)) ** 2 + (y[near[0]] - np.float32(ty)) ** 2
        closed[near] += 0.38 * pm.exp(-away / np.float32(6.5))
    opened: F32 = np.clip(1.0 - closed, 0.35, 1.0).astype(np.float32)
    return opened


def _between(line: F32, low: float, high: float) -> slice:
    """Those of a line's even steps that lie between."""
    found = np.flatnonzero((line > low) & (line < high))
    return slice(int(found[0]), int(found[-1]) + 1) if len(found) else slice(0)


def _lamps(scene: Scenery, daylight: Daylight, rect: Rect) -> F32:
    if not daylight.lit:
        return np.zeros((2, 2), np.float32)
    x, y = _grid(rect)
    light = np.zeros((y.size, x.size), np.float32)
    for lx, ly, lz in scene.lamps:
        _add_lamp(
            x[0], y[:, 0], np.float32(lx), np.float32(ly), np.float32(lz * lz), _LAMP_LIGHT * daylight.lamps, light
        )
    return light


@kernel
def _add_lamp(
    x: F32, y: F32, lamp_x: np.float32, lamp_y: np.float32, square: np.float32, strength: float, light: F32
) -> None:
    """Adds a lamp's light on ground that faces up, ``square`` its height's, by the inverse square and the slant."""
    for row in range(len(y)):
        line, away_y = light[row], (y[row] - lamp_y) * (y[row] - lamp_y)
        for column in range(len(x)):
            away = (x[column] - lamp_x) * (x[column] - lamp_x) + away_y
            share = np.float64(square / (square + away))
            line[column] += np.float32(strength) * np.float32(share * np.sqrt(share))
