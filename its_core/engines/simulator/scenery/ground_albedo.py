"""What the ground is made of, a pixel at a time, compiled: asphalt, paint, kerbs, pavements, plots, verges, valleys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import inline, kernel
from its_core.engines.simulator.meshes.noise import Tiles, all_tiles, noise_at, pattern
from its_core.engines.simulator.optics.daylight import Daylight
from its_core.engines.simulator.randomness import rng_of
from its_core.engines.simulator.roads.bridge import DECK_EDGE_M
from its_core.engines.simulator.roads.layouts import Layout, Rect
from its_core.engines.simulator.scenery.below import joint_at, valley_at
from its_core.engines.simulator.scenery.ground_cover import SNOW_RGB, WET_DARKENS, driven_about, puddle_at, snow_at
from its_core.engines.simulator.scenery.surfaces import (
    RGB,
    Grain,
    View,
    grain_at,
    mix,
    parks_of,
    scaled,
    slabs_at,
    town_at,
)
from its_core.engines.simulator.scenery.wear import Wear, worn_at

F32 = NDArray[np.float32]

_KERB_M = 0.16
_COARSE, _MIDDLE, _FINE = pattern(9.0, 1), pattern(1.7, 2), pattern(0.35, 3)
_SPARKLE, _CHIPS, _BLADES, _LARGE = pattern(0.09, 4), pattern(0.12, 5), pattern(0.14, 6), pattern(28.0, 7)
_WHITE, _YELLOW = (0.56, 0.56, 0.54), (0.50, 0.31, 0.045)


class Soil(NamedTuple):
    """A place's ground in numbers, as compiled code reads it. ``asphalt``: its albedo; ``joint_m``: between the joints
    of a bridge's deck, 0 where there is none; ``wet`` and ``snow`` as in ``Daylight``."""

    asphalt: RGB
    pavement_m: float
    joint_m: float
    wet: float
    snow: float
    focus: tuple[float, float]


class GroundPainter:
    """The albedo of one camera's ground."""

    def __init__(self, layout: Layout, camera_id: str, daylight: Daylight, worn: Wear, parks: Sequence[Rect]) -> None:
        rng = rng_of("ground", layout.name.value, camera_id)
        base, tint = float(rng.uniform(0.085, 0.135)), float(rng.uniform(-0.03, 0.03))
        asphalt = (base * (1.0 + tint), base, base * (1.0 - tint))
        joint_m = layout.deck.joint_m if layout.deck else 0.0
        self._soil = Soil(asphalt, layout.pavement_m, joint_m, daylight.wet, daylight.snow, layout.focus_m)
        self._worn, self._parks = worn, parks_of(parks)
        self._driven = driven_about(layout) if daylight.snow > 0.0 else np.zeros((2, 2), np.float32)

    def painted(self, view: View, off_road: F32, change: F32, river: F32, white: F32, yellow: F32) -> tuple[F32, F32]:
        """Albedo N×3 of N pixels, and how wet each is: so far off the road (metres, negative on it), which changes so
        much from one pixel to the next; ``river``, ``white``, ``yellow``: shares of each under water and paint."""
        albedo, water = np.empty((len(view.x), 3), np.float32), np.zeros(len(view.x), np.float32)
        _paint(
            view.x, view.y, view.footprint_m, off_road, change, river, white, yellow, self._soil, self._worn.rect,
            self._worn.levels, self._parks, self._driven, all_tiles(), albedo, water,
        )  # fmt: skip
        return albedo, water


@kernel
def _paint(
    xs: F32, ys: F32, footprint: F32, off_road: F32, change: F32, river: F32, white: F32, yellow: F32, soil: Soil,
    worn_rect: Rect, worn: tuple[F32, ...], parks: F32, driven: F32, tiles: Tiles, albedo: F32, water: F32,
) -> None:  # fmt: skip
    for i in range(len(xs)):
        x, y, size, off = xs[i], ys[i], footprint[i], off_road[i]
        grain = (
            grain_at(x, y, size, 9.0, *_COARSE, tiles[1], True),
            grain_at(x, y, size, 1.7, *_MIDDLE, tiles[2], True),
            grain_at(x, y, size, 0.35, *_FINE, tiles[0], False),
        )
        on_road, colour = min(max(0.5 - off / change[i], 0.0), 1.0), (0.0, 0.0, 0.0)
        paved = on_road
        if soil.pavement_m > 0.0:
            paved = min(max(0.5 - (off - np.float32(soil.pavement_m)) / change[i], 0.0), 1.0)
        if paved < 1.0:
            colour = _verge(x, y, size, off, grain, river[i], soil, parks, tiles)
        if soil.pavement_m > 0.0 and on_road < 1.0:
            if paved > 0.0:
                colour = mix(colour, slabs_at(x, y, size, grain), paved)
            kerb = min(max(0.5 - (off - np.float32(_KERB_M)) / change[i], 0.0), 1.0)
            stone = 0.40 * (1.0 + 0.06 * grain[1] + 0.05 * grain[2])
            colour = mix(colour, (stone, stone, stone), kerb)
        if on_road > 0.0:
            tone = _asphalt(x, y, size, grain, tiles) * worn_at(x, y, size, worn_rect, worn)
            gutter = min(max(1.0 + off / 0.55, 0.0), 1.0)
            tone = max(tone * (1.0 - 0.22 * gutter * (0.8 + 0.3 * grain[1])), 0.3)
            if soil.joint_m > 0.0:
                tone *= joint_at(y, size, soil.joint_m)
            colour = mix(colour, scaled(soil.asphalt, tone), on_road)
        if white[i] > 0.0 or yellow[i] > 0.0:  # worn thin in places
            chips = (
                0.86 + 0.10 * grain[1] + 0.16 * grain[2] + 0.12 * grain_at(x, y, size, 0.12, *_CHIPS, tiles[2], False)
            )
            chips = min(max(chips, 0.25), 1.0)
            colour = mix(mix(colour, _WHITE, white[i] * chips), _YELLOW, yellow[i] * chips)
        if soil.wet > 0.0:
            deep = puddle_at(x, y, off, tiles)
            wet = soil.wet * min(max(1.0 - (off - soil.pavement_m) / 0.5, 0.0), 1.0)
            colour = scaled(colour, 1.0 - WET_DARKENS * wet * (0.75 + 0.4 * deep))
            water[i] = wet * (0.40 + 0.60 * deep)
        if soil.snow > 0.0:
            cover = snow_at(x, y, off, soil.snow, driven, soil.focus, tiles) * (1.0 - river[i])
            colour = mix(colour, scaled(SNOW_RGB, 1.0 + 0.05 * grain[0] + 0.05 * grain[1] + 0.04 * grain[2]), cover)
            water[i] *= 1.0 - cover
        albedo[i, 0], albedo[i, 1], albedo[i, 2] = colour


@inline
def _asphalt(x: Any, y: Any, size: float, grain: Grain, tiles: Tiles) -> float:
    """How bright asphalt is, in shares of its albedo."""
    sparkle = grain_at(x, y, size, 0.09, *_SPARKLE, tiles[1], False)
    return 1.0 + 0.055 * grain[0] + 0.05 * grain[1] + 0.055 * grain[2] + 0.10 * sparkle


@inline
def _verge(
    x: Any, y: Any, size: float, off_road: float, grain: Grain, river: float, soil: Soil, parks: F32, tiles: Tiles
) -> RGB:  # fmt: skip
    """Grass, worn patches of earth in it, gravel next to a road without pavement; the concrete of a deck's edge."""
    coarse, middle, fine = grain
    if soil.joint_m > 0.0 and off_road <= DECK_EDGE_M:
        return scaled((0.30, 0.30, 0.30), 1.0 + 0.06 * middle + 0.06 * fine)
    blades = grain_at(x, y, size, 0.14, *_BLADES, tiles[0], False)
    dry = min(max(0.5 + 0.35 * noise_at(x, y, *_LARGE, tiles[1], True) + 0.22 * coarse, 0.0), 1.0)
    tone = max(1.0 + 0.16 * middle + 0.17 * fine + 0.22 * blades, 0.35)
    grass = scaled(mix((0.052, 0.085, 0.022), (0.135, 0.125, 0.052), dry), tone)
    bare = min(max(-1.1 + 0.8 * coarse + 0.5 * middle, 0.0), 0.7)
    grass = mix(grass, scaled((0.15, 0.115, 0.08), tone), bare)
    if soil.joint_m > 0.0:
        return valley_at(x, y, size, grass, river, tiles)
    if soil.pavement_m > 0.0:
        return town_at(x, y, size, grass, grain, blades, parks, tiles)
    gravel = min(max(1.4 - off_road / 1.2 + 0.25 * middle, 0.0), 1.0)
    return mix(grass, scaled((0.23, 0.22, 0.20), max(1.0 + 0.12 * fine + 0.2 * blades, 0.5)), gravel)
