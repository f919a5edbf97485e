"""Small clouds that rise, grow, drift and thin out, and how the camera sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.optics.camera import Camera

Floats = NDArray[np.float64]

_FAINTEST, _SMALLEST_PX = 0.012, 0.8


@dataclass(frozen=True, slots=True)
class Puffs:
    """P puffs: ``starts_s``, how long each lasts, P×3 metres where it starts and metres a second at which it drifts,
    ``radii_m`` at its start and how fast they grow, the opacity of its middle when it is densest."""

    starts_s: Floats
    lasts_s: Floats
    origins: Floats
    drifts: Floats
    radii_m: Floats
    grows_mps: Floats
    opacities: Floats


def seen(puffs: Puffs, camera: Camera, time_s: float) -> tuple[NDArray[np.int64], Floats, Floats]:
    """The puffs in the picture at a time: their K numbers; K×6 column, row, depth (m), radius in pixels and in metres,
    opacity; K×3 places in the world."""
    age = time_s - puffs.starts_s
    now = np.flatnonzero((age > 0.0) & (age < puffs.lasts_s))
    if not len(now):
        return now, np.zeros((0, 6)), np.zeros((0, 3))
    age, share = age[now], age[now] / puffs.lasts_s[now]
    places = puffs.origins[now] + age[:, None] * puffs.drifts[now]
    radius_m = puffs.radii_m[now] + age * puffs.grows_mps[now]
    column, row, depth = camera.project(places).T
    radius_px = radius_m * camera.focal_px / np.maximum(depth, 1.0)
    opacity = puffs.opacities[now] * np.minimum(6.0 * share, 1.0) * (1.0 - share)
    shown = (depth > 2.0) & (opacity > _FAINTEST) & (radius_px > _SMALLEST_PX)
    shown &= (column > -radius_px) & (column < camera.width_px + radius_px)
    shown &= (row > -radius_px) & (row < camera.height_px + radius_px)
    table = np.stack([column, row, depth, radius_px, radius_m, opacity], axis=1)
    return now[shown], table[shown], places[shown]


def joined(found: Sequence[Puffs]) -> Puffs:
    if not found:
        none = np.zeros(0)
        return Puffs(none, none, np.zeros((0, 3)), np.zeros((0, 3)), none, none, none)
    return Puffs(
        np.concatenate([each.starts_s for each in found]),
        np.concatenate([each.lasts_s for each in found]),
        np.concatenate([each.origins for each in found]),
        np.concatenate([each.drifts for each in found]),
        np.concatenate([each.radii_m for each in found]),
        np.concatenate([each.grows_mps for each in found]),
        np.concatenate([each.opacities for each in found]),
    )
