"""What weather leaves on the ground: water in hollows, snow that traffic has worn off its tracks."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.compilation import inline
from its_core.engines.simulator.meshes.noise import Tiles, noise_at, pattern, sampled_at
from its_core.engines.simulator.roads.layouts import Lane, Layout

F32 = NDArray[np.float32]

_SIDE_PX = 1024
_REACH_M = 110.0
_HOLLOWS = (pattern(7.5, 31), pattern(2.3, 32))
_PATCHES = (pattern(2.6, 33), pattern(0.7, 34))
_TRACK_M = 0.78  # half a car's track
WET_DARKENS = 0.42  # of the albedo of asphalt
SNOW_RGB = (0.80, 0.82, 0.86)


@inline
def puddle_at(x: Any, y: Any, off_road: float, tiles: Tiles) -> float:
    """0 to 1: how deep water stands at a ground point; more of it in the gutter."""
    hollow = 0.55 * noise_at(x, y, *_HOLLOWS[0], tiles[1], True) + 0.35 * noise_at(x, y, *_HOLLOWS[1], tiles[2], True)
    gutter = min(max(1.0 + off_road / 0.9, 0.0), 1.0) if off_road < 0.2 else 0.0
    return min(max(1.6 * (hollow - 0.35) + 0.6 * gutter, 0.0), 1.0)


@inline
def snow_at(
    x: Any, y: Any, off_road: float, level: float, driven: F32, focus: tuple[float, float], tiles: Tiles
) -> float:
    """0 to 1: how white the ground lies at a point; on the road only what traffic leaves of it, in the tracks next to
    nothing. ``driven``: ``driven_about`` of the layout."""
    west, north = np.float32(focus[0] - _REACH_M), np.float32(focus[1] + _REACH_M)
    wheels, cells = 0.55, np.float32(_SIDE_PX / (2.0 * _REACH_M))
    if max(abs(x - focus[0]), abs(y - focus[1])) < _REACH_M - 2.0:
        wheels = sampled_at(driven, west, north, cells, cells, x, y)
    wheels *= min(max(0.6 - off_road / 0.4, 0.0), 1.0)
    patchy = 0.16 * noise_at(x, y, *_PATCHES[0], tiles[0], True) + 0.12 * noise_at(x, y, *_PATCHES[1], tiles[1], False)
    return min(max(1.05 * level - 1.15 * wheels + patchy, 0.0), 1.0)


def driven_about(layout: Layout) -> F32:
    """A plan of how much wheels have passed about the focus, 0 to 1."""
    fx, fy = layout.focus_m
    return _driven(layout.worn_lanes, (fx - _REACH_M, fy - _REACH_M, fx + _REACH_M, fy + _REACH_M))


@lru_cache(maxsize=1)
def _driven(lanes: tuple[Lane, ...], rect: tuple[float, float, float, float]) -> F32:
    per_m = _SIDE_PX / (rect[2] - rect[0])
    image = Image.new("L", (_SIDE_PX, _SIDE_PX), 0)
    draw = ImageDraw.Draw(image)
    for width_m, tone, sides in ((2.6, 105, (0.0,)), (0.62, 235, (-_TRACK_M, _TRACK_M))):
        for lane in lanes:
            points = np.array(lane.points, np.float64)
            along = np.gradient(points, axis=0)
            along /= np.maximum(pm.norm(along)[..., None], 1e-9)
            left = np.stack([-along[:, 1], along[:, 0]], axis=1)
            for side in sides:
                track = points + side * left
                pixels = np.stack([(track[:, 0] - rect[0]) * per_m, (rect[3] - track[:, 1]) * per_m], axis=1)
                draw.line([tuple(each) for each in pixels.tolist()], fill=tone, width=max(1, round(width_m * per_m)))
    soft = image.filter(ImageFilter.BoxBlur(0.18 * per_m))
    driven: F32 = np.asarray(soft, np.float32) * np.float32(1.0 / 255.0)
    return driven
