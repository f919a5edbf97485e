"""What weather leaves on the ground: water in hollows, snow that traffic has worn off its tracks."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.meshes.noise import noise, sampled
from its_core.engines.simulator.roads.layouts import Lane, Layout

F32 = NDArray[np.float32]

_SIDE_PX = 1024
_REACH_M = 110.0
_TRACK_M = 0.78  # half a car's track
WET_DARKENS = 0.42  # of the albedo of asphalt
SNOW_RGB = (0.80, 0.82, 0.86)


def puddles(x: F32, y: F32, off_road: F32) -> F32:
    """0 to 1: how deep water stands at ground points; more of it in the gutter."""
    hollow = 0.55 * noise(x, y, 7.5, 31) + 0.35 * noise(x, y, 2.3, 32)
    gutter = np.clip(1.0 + off_road / np.float32(0.9), 0.0, 1.0) * (off_road < 0.2)
    deep: F32 = np.clip(1.6 * (hollow - 0.35) + 0.6 * gutter, 0.0, 1.0).astype(np.float32)
    return deep


def snow_cover(layout: Layout, x: F32, y: F32, off_road: F32, level: float) -> F32:
    """0 to 1: how white the ground lies; on the road only what traffic leaves of it, in the tracks next to nothing."""
    fx, fy = layout.focus_m
    rect = (fx - _REACH_M, fy - _REACH_M, fx + _REACH_M, fy + _REACH_M)
    driven = sampled(_driven(layout.worn_lanes, rect), rect, x, y)
    inside = np.maximum(np.abs(x - np.float32(fx)), np.abs(y - np.float32(fy))) < _REACH_M - 2.0
    driven = np.where(inside, driven, np.float32(0.55)) * np.clip(0.6 - off_road / 0.4, 0.0, 1.0)
    patchy = 0.16 * noise(x, y, 2.6, 33) + 0.12 * noise(x, y, 0.7, 34)
    cover: F32 = np.clip(np.float32(1.05 * level) - 1.15 * driven + patchy, 0.0, 1.0).astype(np.float32)
    return cover


@lru_cache(maxsize=1)
def _driven(lanes: tuple[Lane, ...], rect: tuple[float, float, float, float]) -> F32:
    """A plan of how much wheels have passed, 0 to 1."""
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
