"""The land and water beside a bridge, which lie lower than its road, and the joints of its deck."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.compilation import inline
from its_core.engines.simulator.meshes.noise import Tiles, noise, noise_at, pattern
from its_core.engines.simulator.optics.daylight import Daylight
from its_core.engines.simulator.roads.bridge import DECK_EDGE_M
from its_core.engines.simulator.roads.layouts import Deck
from its_core.engines.simulator.scenery.surfaces import RGB, View, grain_at, mix, scaled

F32 = NDArray[np.float32]
Eye = tuple[float, float, float]

_WATER_RGB = (0.020, 0.034, 0.032)  # of its body: what it throws back from below its surface
_WAVES = ((0.035, 4.3, 51), (0.035, 1.6, 52), (0.04, 0.6, 53))  # slope, length in metres, number of the noise
_WOODS, _CROWNS = (pattern(45.0, 56), pattern(13.0, 57)), (pattern(6.0, 58), pattern(2.2, 59))
_GLITTER = 5.0
_JOINT_M, _JOINT_DARK = 0.14, 0.45  # half the width of a joint; what is left of the light


def is_below(off_road: F32) -> NDArray[np.bool_]:
    """Which points of the road's plane lie beside the deck."""
    return off_road > np.float32(DECK_EDGE_M)


def farther(eye: Eye, deck: Deck) -> float:
    """By how much farther a ray reaches that goes past the deck's edge down to the land."""
    return (eye[2] + deck.drop_m) / eye[2]


def lowered(view: View, eye: Eye, deck: Deck, below: NDArray[np.bool_]) -> View:
    """The view, with the points that lie beside the deck down on the land."""
    by = np.where(below, np.float32(farther(eye, deck)), np.float32(1.0))
    x = np.float32(eye[0]) + by * (view.x - np.float32(eye[0]))
    y = np.float32(eye[1]) + by * (view.y - np.float32(eye[1]))
    return View(x, y, by * view.distance, by * view.footprint_m)


def water_share(view: View, deck: Deck) -> F32:
    """0 to 1 at points of the land: how much of it is water."""
    if deck.shore_m == 0.0:
        return np.zeros_like(view.x)
    bank = np.float32(deck.shore_m) + np.float32(14.0) * noise(view.x, view.y, 70.0, 54)
    bank += np.float32(3.0) * noise(view.x, view.y, 11.0, 55)
    share: F32 = np.clip((bank - np.abs(view.y)) / np.maximum(view.footprint_m, 1.5), 0.0, 1.0).astype(np.float32)
    return share


@inline
def valley_at(x: Any, y: Any, footprint_m: float, grass: RGB, water: float, tiles: Tiles) -> RGB:
    """Albedo: meadows and woods seen from above, and the body of the water."""
    large, small = noise_at(x, y, *_WOODS[0], tiles[2], True), noise_at(x, y, *_WOODS[1], tiles[0], True)
    woods = min(max(2.2 * large + 1.4 * small + 0.2, 0.0), 1.0)
    crowns = 1.0 + 0.5 * grain_at(x, y, footprint_m, 6.0, *_CROWNS[0], tiles[1], True)
    crowns += 0.35 * grain_at(x, y, footprint_m, 2.2, *_CROWNS[1], tiles[2], True)
    return mix(mix(grass, scaled((0.026, 0.046, 0.014), max(crowns, 0.15)), woods), _WATER_RGB, water)


def mirrored_light(view: View, eye: Eye, deck: Deck, daylight: Daylight, water: F32) -> F32:
    """Radiance N×3 that the water's waves throw back of sky and sun."""
    towards = (
        np.stack(
            [view.x - np.float32(eye[0]), view.y - np.float32(eye[1]), np.full_like(view.x, -(eye[2] + deck.drop_m))],
            axis=-1,
        )
        / np.maximum(view.distance, 1e-3)[..., None]
    )
    slope_x, slope_y = np.zeros_like(view.x), np.zeros_like(view.x)
    for steep, wave_m, number in _WAVES:
        slope_x += np.float32(steep) * view.grain(wave_m, number)
        slope_y += np.float32(steep) * view.grain(wave_m, number + 20)
    normal = np.stack([-slope_x, -slope_y, np.ones_like(slope_x)], axis=-1)
    normal /= pm.norm(normal)[..., None]
    facing = np.clip(-pm.dot(towards, normal), 0.02, 1.0)
    back = towards + 2.0 * facing[..., None] * normal
    back[..., 2] = np.maximum(back[..., 2], 0.02)
    slant = 1.0 - facing
    share = np.float32(0.02) + np.float32(0.75) * slant * slant * slant * slant * slant
    seen = daylight.sky(back.astype(np.float32))
    if daylight.casts_shadows:
        along = np.clip(pm.dot(back, daylight.sun_vector), 0.0, 1.0)
        seen = seen + np.float32(_GLITTER) * pm.power(along, 60.0)[..., None] * np.array(daylight.sun_rgb, np.float32)
    light: F32 = (seen * (share * water)[..., None]).astype(np.float32)
    return light


@inline
def joint_at(y: Any, footprint_m: float, joint_m: float) -> float:
    """What expansion joints, so far apart, leave of the light of the road."""
    apart = np.float32(joint_m)
    away = abs(y / apart - np.rint(y / apart)) * apart
    wide = max(footprint_m, _JOINT_M)
    dark = min(max(1.5 - away / wide, 0.0), 1.0) * min(_JOINT_M / wide, 1.0)
    return float(1.0 - (1.0 - _JOINT_DARK) * dark)
