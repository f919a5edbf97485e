"""Lights the ground of a still view, compiled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import kernel
from its_core.engines.simulator.portable_math import exp_scalar

F32 = NDArray[np.float32]
Floats = NDArray[np.float64]


@kernel
def light_ground(
    shown: NDArray[np.intp], albedo: F32, sky: Floats, lamps: Floats, sun: Floats, kerb: F32, below: NDArray[np.bool_],
    more: Floats, distance: F32, ambient: F32, lamp_rgb: Floats, sun_rgb: Floats, height: float, haze_m: float,
    air: Floats, radiance: F32, colour: F32, share: F32,
) -> None:  # fmt: skip
    """Lights N points of the ground, seen through the air, and writes them to maps at ``shown``: ``radiance``, albedo
    (``colour``) and ``share`` of the sun. ``sky``, ``lamps``, ``sun``, ``kerb``: how much of each light they get;
    ``more``: further light from them (none: 0×3)."""
    for i in range(len(shown)):
        at = shown[i]
        haze = 1.0 - exp_scalar(-distance[i] / haze_m)
        lamp = lamps[i] * 0.1 if below[i] else lamps[i]
        of_sun, of_all = 0.0, 0.0
        for channel in range(3):
            direct = height * sun[i] * kerb[i] * sun_rgb[channel]
            light = ambient[channel] * sky[i] + lamp * lamp_rgb[channel] + direct
            of_sun += direct
            of_all += light
            value = albedo[i, channel] * light
            if len(more):
                value += more[i, channel]
            radiance[at, channel] = value + haze * (air[channel] - value)
            colour[at, channel] = 0.0 if below[i] else albedo[i, channel]
        share[at] = 0.0 if below[i] else of_sun / max(of_all, 1e-6)
