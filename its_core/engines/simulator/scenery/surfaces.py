"""What ground is covered with beside a road: slabs, and in town the plots between pavement and houses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import inline
from its_core.engines.simulator.meshes.noise import Tiles, finished_hash, hash_step, noise, noise_at, pattern, single
from its_core.engines.simulator.roads.layouts import Rect

F32 = NDArray[np.float32]
RGB = tuple[float, float, float]
Grain = tuple[float, float, float]  # coarse, middle and fine


_PLOT_X_M, _PLOT_Y_M, _PLOT_X, _PLOT_Y = (single(value) for value in (21.0, 17.0, 0.13, 0.41))  # from path to path
_BEND_M, _BENDS, _STRIPES = single(0.8), pattern(60.0, 8), single(9.0)
_SLAB_M, _PLATE_M = single(1.5), single(4.2)
_COBBLE_M, _HALF, _TWO = single(0.42), single(0.5), single(2.0)
_PARK_MARGIN_M = 1.4  # of asphalt about the bays of a car park
_PATH_M = 1.1  # half width of the slabs between plots
_EDGE_M = 0.16  # of stone, about each plot
_LAWN, _COBBLES, _CONCRETE = 0.55, 0.78, 0.90  # the hash below which a plot is one; the rest is gravel


@dataclass(frozen=True, slots=True)
class View:
    """Where pixels land: x, y and distance (m), and a pixel's mean size on the ground."""

    x: F32
    y: F32
    distance: F32
    footprint_m: F32

    def of(self, chosen: NDArray[np.intp]) -> View:
        """Some of the pixels, by their numbers in a flattened view: one after another."""
        return View(
            self.x.ravel()[chosen], self.y.ravel()[chosen], self.distance.ravel()[chosen],
            self.footprint_m.ravel()[chosen],
        )  # fmt: skip

    def grain(self, wave_m: float, number: int) -> F32:
        """Noise that fades as its waves grow finer than a pixel."""
        fade = np.clip(1.6 - 2.2 * self.footprint_m / np.float32(wave_m), 0.0, 1.0)
        faded: F32 = fade * noise(self.x, self.y, wave_m, number)
        return faded


@inline
def mix(under: RGB, over: RGB, share: float) -> RGB:
    return (
        under[0] + share * (over[0] - under[0]),
        under[1] + share * (over[1] - under[1]),
        under[2] + share * (over[2] - under[2]),
    )


@inline
def scaled(colour: RGB, by: float) -> RGB:
    return colour[0] * by, colour[1] * by, colour[2] * by


@inline
def grain_at(
    x: Any, y: Any, footprint_m: float, wave_m: float, per_m: Any, shift: Any, tile: F32, smooth: bool
) -> float:
    """``View.grain`` of one pixel, its pattern as ``noise_at`` takes it."""
    fade = min(max(1.6 - 2.2 * footprint_m / wave_m, 0.0), 1.0)
    return fade * noise_at(x, y, per_m, shift, tile, smooth) if fade > 0.0 else 0.0


@inline
def slabs_at(x: float, y: float, footprint_m: float, grain: Grain) -> RGB:
    """Pavement of square slabs."""
    tone = 0.30 * (1.0 + 0.06 * grain[0] + 0.06 * grain[1] + 0.05 * grain[2])
    joint = _joint(x, y, _SLAB_M, 0.022, max(footprint_m, 0.022))
    return scaled((1.0, 0.975, 0.93), tone * (1.0 - 0.38 * joint))


@inline
def _joint(x: Any, y: Any, apart_m: Any, joint_m: float, wide_m: float) -> float:
    """0 to 1: how much of a joint a pixel ``wide_m`` across shows, between squares."""
    into_x, into_y = abs(x / apart_m - np.rint(x / apart_m)), abs(y / apart_m - np.rint(y / apart_m))
    return float(min(max(1.2 - min(into_x, into_y) * apart_m / wide_m, 0.0), 1.0) * min(joint_m / wide_m, 1.0))


def parks_of(rects: Sequence[Rect]) -> F32:
    """P×4: middle and half width and depth of the asphalt of car parks whose bays fill ``rects``."""
    margin = _PARK_MARGIN_M
    rows = [((x1 + x2) / 2, (y1 + y2) / 2, (x2 - x1) / 2 + margin, (y2 - y1) / 2 + margin) for x1, y1, x2, y2 in rects]
    return np.array(rows, np.float32).reshape(-1, 4)


@inline
def town_at(
    x: Any, y: Any, footprint_m: float, grass: RGB, grain: Grain, blades: float, parks: F32, tiles: Tiles
) -> RGB:  # fmt: skip
    """Lawns (of ``grass``), cobbles, yards of concrete and gravel with paths of slabs between them; asphalt where cars
    are parked (``parks``, by ``parks_of``). ``blades``: a finer grain."""
    bent_y = y + _BEND_M * noise_at(x, y, *_BENDS, tiles[2], True)
    u, v = x / _PLOT_X_M + _PLOT_X, bent_y / _PLOT_Y_M + _PLOT_Y
    column, row = np.floor(u), np.floor(v)
    plot = finished_hash(hash_step(hash_step(hash_step(np.uint32(0), int(column)), int(row)), 5))
    from_edge = min((_HALF - abs(u - column - _HALF)) * _PLOT_X_M, (_HALF - abs(v - row - _HALF)) * _PLOT_Y_M)
    worn = 1.0 + 0.08 * grain[0] + 0.06 * grain[1] + 0.06 * grain[2]
    if plot < _LAWN:
        made = scaled(grass, 1.05 * (0.93 if np.floor(v * _STRIPES) % _TWO < 0.5 else 1.07))
    elif plot < _COBBLES:
        made = scaled(_cobbles(x, y, footprint_m), worn)
    elif plot < _CONCRETE:  # large plates, their joints filled with tar
        joint = _joint(x, y, _PLATE_M, 0.05, max(footprint_m, 0.05))
        made = scaled((0.215, 0.21, 0.195), worn * (1.0 - 0.5 * joint))
    else:
        made = scaled((0.25, 0.225, 0.19), worn + 0.06 * blades)
    step = max(footprint_m, 0.02)
    stone = scaled((0.36, 0.35, 0.33), 1.0 + 0.06 * grain[1] + 0.05 * grain[2])
    made = mix(made, stone, min(max((_PATH_M + _EDGE_M - from_edge) / step + 0.5, 0.0), 1.0))
    path = min(max((_PATH_M - from_edge) / step + 0.5, 0.0), 1.0)
    if path > 0.0:
        made = mix(made, slabs_at(x, y, footprint_m, grain), path)
    for number in range(len(parks)):
        middle_x, middle_y, half_x, half_y = parks[number]
        outside = max(abs(x - middle_x) - half_x, abs(y - middle_y) - half_y)
        made = mix(made, stone, min(max((_EDGE_M - outside) / step + 0.5, 0.0), 1.0))
        made = mix(made, scaled((0.115, 0.115, 0.118), worn), min(max(0.5 - outside / step, 0.0), 1.0))
    return made


@inline
def _cobbles(x: Any, y: Any, footprint_m: float) -> RGB:
    """Small stones in rows, in two colours, with dark joints; their mean where they are finer than a pixel."""
    row = np.floor(y / _COBBLE_M)
    column = np.floor(x / _COBBLE_M + _HALF * (row % _TWO))
    tone = 0.85 + 0.30 * finished_hash(hash_step(hash_step(np.uint32(0), int(column)), int(row)))
    joint = 0.35 * min(max((abs(y / _COBBLE_M - row - _HALF) - 0.44) * 20.0, 0.0), 1.0)
    fade = min(max(1.6 - 2.2 * footprint_m / _COBBLE_M, 0.0), 1.0)
    return scaled((0.215, 0.19, 0.17), 1.0 + fade * (tone * (1.0 - joint) - 0.96))
