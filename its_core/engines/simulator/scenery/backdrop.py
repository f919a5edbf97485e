"""What lies behind everything: the sky with its clouds, and a line of far woods that ends the ground."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.meshes.noise import noise
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.optics.daylight import Daylight

F32 = NDArray[np.float32]

_WOODS_M = 520.0  # away
_WOODS_TALL_M = 11.0
_BAND_ROWS = 64  # painted at once, for the memory's sake


def add_backdrop(camera: Camera, daylight: Daylight, floor: F32, land: NDArray[np.bool_], drop_m: float = 0.0) -> None:
    """Puts sky and woods into the ground's light (H×W×3, of use where ``land``) beyond it; the woods' feet are
    ``drop_m`` below the road."""
    last = _last_row(camera, drop_m)
    for top in range(0, last, _BAND_ROWS):
        rows = slice(top, min(top + _BAND_ROWS, last))
        rays = camera.pixel_rays(rows.start, rows.stop)
        directions = rays / np.sqrt(pm.dot(rays, rays))[..., None]
        behind = np.where(land[rows, :, None], floor[rows], _sky(daylight, directions))
        share, woods = _woods(camera, daylight, directions, drop_m)
        floor[rows] = behind + share[..., None] * (woods - behind)


def _last_row(camera: Camera, drop_m: float) -> int:
    """The row below which only ground shows that is nearer than the woods."""
    limit = -(camera.position_m[2] + drop_m) / _WOODS_M
    edges = np.array([0.5, camera.width_px - 0.5], np.float32)
    rows = np.arange(camera.height_px, dtype=np.float32)[:, None] + np.zeros(2, np.float32)
    rays = camera.rays(np.broadcast_to(edges, rows.shape), rows)
    up = rays[..., 2] / pm.norm(rays)
    return int(np.flatnonzero((up > limit - 0.002).any(axis=1)).max(initial=-1)) + 1


def _sky(daylight: Daylight, directions: F32) -> F32:
    upward = directions.copy()
    upward[..., 2] = np.maximum(upward[..., 2], 0.0)
    radiance = daylight.sky(upward)
    dome = 900.0 / (upward[..., 2] + np.float32(0.12))
    x, y = upward[..., 0] * dome, upward[..., 1] * dome
    puffs = noise(x, y, 1500.0, 1) + 0.5 * noise(x, y, 560.0, 2) + 0.25 * noise(x, y, 210.0, 3)
    cover = np.clip((puffs - np.float32(1.4 - 2.2 * daylight.clouds)) * 0.5, 0.0, 1.0) * np.float32(0.75)
    white = daylight.ambient(np.zeros(1, np.float32)) * np.float32(1.15)
    white = white + np.float32(0.25) * np.array(daylight.sun_rgb, np.float32)
    clouded: F32 = radiance + cover[..., None] * (white * (0.9 + 0.07 * puffs[..., None]) - radiance)
    return clouded.astype(np.float32)


def _woods(camera: Camera, daylight: Daylight, directions: F32, drop_m: float) -> tuple[F32, F32]:
    """Share of each pixel that far trees cover, and their light."""
    around = pm.atan2(directions[..., 1], directions[..., 0]) * np.float32(_WOODS_M)
    level = np.zeros_like(around)
    rough = 0.17 * noise(around, level, 120.0, 4) + 0.10 * noise(around, level, 30.0, 5)
    tall = _WOODS_TALL_M * (1.0 + rough + 0.09 * noise(around, level, 8.0, 6))
    height = np.float32(camera.position_m[2])
    top = (np.maximum(tall, 4.0) - height) / np.float32(_WOODS_M)
    foot = np.float32((camera.position_m[2] + drop_m) / _WOODS_M)
    step = np.float32(1.0 / camera.focal_px)
    up = directions[..., 2]
    share = np.clip((top - up) / step + 0.5, 0.0, 1.0) * np.clip((up + foot) / step + 0.5, 0.0, 1.0)
    tone = 1.0 + 0.20 * noise(around, up * np.float32(_WOODS_M * 2.0), 9.0, 6)
    leaves = np.array([0.045, 0.070, 0.026], np.float32)
    light = daylight.ambient(np.full(1, 0.2, np.float32)) + 0.4 * np.array(daylight.sun_rgb, np.float32)
    haze = np.float32(1.0 - pm.exp(-_WOODS_M / daylight.haze_m))
    near = (leaves * light * tone[..., None]).astype(np.float32)
    hazed: F32 = near + haze * (np.array(daylight.horizon, np.float32) * 0.92 - near)
    return share.astype(np.float32), hazed
