"""The land and water beside a bridge, which lie lower than its road, and the joints of its deck."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.meshes.noise import noise
from its_core.engines.simulator.optics.daylight import Daylight
from its_core.engines.simulator.roads.bridge import DECK_EDGE_M
from its_core.engines.simulator.roads.layouts import Deck
from its_core.engines.simulator.scenery.surfaces import View, mixed

F32 = NDArray[np.float32]
Eye = tuple[float, float, float]

_WATER_RGB = (0.020, 0.034, 0.032)  # of its body: what it throws back from below its surface
_WAVES = ((0.035, 4.3, 51), (0.035, 1.6, 52), (0.04, 0.6, 53))  # slope, length in metres, number of the noise
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


def valley(view: View, grass: F32, water: F32) -> F32:
    """Albedo N×3: meadows and woods seen from above, and the body of the water."""
    woods = np.clip(2.2 * noise(view.x, view.y, 45.0, 56) + 1.4 * noise(view.x, view.y, 13.0, 57) + 0.2, 0.0, 1.0)
    crowns = np.maximum(1.0 + 0.5 * view.grain(6.0, 58) + 0.35 * view.grain(2.2, 59), 0.15)[..., None]
    dark = np.array([0.026, 0.046, 0.014], np.float32) * crowns
    dry = mixed(grass, dark.astype(np.float32), woods[..., None].astype(np.float32))
    return mixed(dry, np.array(_WATER_RGB, np.float32), water[..., None])


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


def joints(view: View, deck: Deck) -> F32:
    """What expansion joints leave of the light of the road, at its points."""
    away = np.abs(view.y / np.float32(deck.joint_m) - np.round(view.y / np.float32(deck.joint_m))) * deck.joint_m
    wide = np.maximum(view.footprint_m, np.float32(_JOINT_M))
    dark = np.clip(1.5 - away / wide, 0.0, 1.0) * np.minimum(np.float32(_JOINT_M) / wide, 1.0)
    left: F32 = (1.0 - (1.0 - _JOINT_DARK) * dark).astype(np.float32)
    return left
