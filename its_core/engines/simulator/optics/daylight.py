"""The sky of a clip: where its light comes from, how much and in which colour.

Radiance is linear; 1 is about what white paper shows in full daylight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.portable_math import cos, exp, power, sin
from its_core.engines.simulator.randomness import rng_of
from its_core.taxonomy import Light, Weather

F32 = NDArray[np.float32]
RGB = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Daylight:
    """``sun`` is the unit vector to the sun and ``sun_rgb`` what it adds to a white surface that faces it; ``zenith``,
    ``horizon`` and ``ground`` are radiances around; ``glow`` the warm light about the sunset's azimuth. ``lit`` says
    that lamps burn. ``clouds`` 0 to 1; ``haze_m`` is the distance at which the air has taken two thirds away."""

    sun: RGB
    sun_rgb: RGB
    zenith: RGB
    horizon: RGB
    ground: RGB
    glow: RGB
    clouds: float
    haze_m: float
    exposure: float
    lit: bool
    snow: float = 0.0
    wet: float = 0.0

    @property
    def rise(self) -> F32:
        """The sky's share of its zenith, over the sine of the elevation in 256 steps."""
        rising: F32 = power(np.linspace(0.0, 1.0, 256), 0.45).astype(np.float32)
        return rising

    @property
    def overhead(self) -> NDArray[np.float64]:
        """What the sky adds to a white surface that faces it."""
        return 0.62 * np.array(self.zenith) + 0.38 * np.array(self.horizon) + 0.12 * np.array(self.glow)

    @property
    def sun_vector(self) -> F32:
        return np.array(self.sun, np.float32)

    @property
    def casts_shadows(self) -> bool:
        return max(self.sun_rgb) > 0.0

    def sky(self, directions: F32) -> F32:
        """Radiance (…×3) from unit directions; what lies below the horizon shines like the ground."""
        up = directions[..., 2]
        rise = power(np.clip(up, 0.0, 1.0), 0.45)
        zenith, horizon = np.array(self.zenith, np.float32), np.array(self.horizon, np.float32)
        radiance = horizon + rise[..., None] * (zenith - horizon)
        if max(self.glow) > 0.0:
            sun = self.sun_vector
            towards = np.clip(directions[..., 0] * sun[0] + directions[..., 1] * sun[1], 0.0, 1.0) ** 2
            low = exp(-np.abs(up) * np.float32(4.0))
            radiance = radiance + (towards * low)[..., None] * np.array(self.glow, np.float32)
        below = np.clip(up * np.float32(-12.0), 0.0, 1.0)[..., None]
        lit: F32 = radiance + below * (np.array(self.ground, np.float32) - radiance)
        return lit

    def ambient(self, up: F32) -> F32:
        """What sky and ground add to a white surface whose normal has that upward part (…→…×3)."""
        overhead = self.overhead
        ground = np.array(self.ground)
        share = (np.float32(0.5) + np.float32(0.5) * up)[..., None]
        added: F32 = ground.astype(np.float32) + share * (overhead - ground).astype(np.float32)
        return added


def daylight(light: Light, weather: Weather, camera_id: str) -> Daylight:
    """The sky over a camera: its sun stands where the camera's site and the time of day put it.

    Raises ValueError for a light or weather that is not painted yet.
    """
    rng = rng_of("daylight", camera_id, light.value, weather.value)
    azimuth = rng.uniform(0.0, 2.0 * math.pi)
    elevation = math.radians(rng.uniform(27.0, 56.0))
    warmth = float(rng.uniform(0.0, 1.0))
    cover = float(rng.uniform(0.1, 0.55))
    if light is Light.DAY and weather is Weather.CLEAR:
        sun_rgb = (2.15, 2.00 - 0.07 * warmth, 1.76 - 0.20 * warmth)
        return Daylight(
            sun=_unit(azimuth, elevation),
            sun_rgb=sun_rgb,
            zenith=(0.23, 0.36, 0.64),
            horizon=(0.68, 0.76, 0.85),
            ground=(0.19, 0.185, 0.17),
            glow=(0.0, 0.0, 0.0),
            clouds=cover,
            haze_m=2600.0,
            exposure=0.72,
            lit=False,
        )
    if light is Light.DAY and weather is Weather.OVERCAST:
        return Daylight(
            sun=_unit(azimuth, elevation),
            sun_rgb=(0.0, 0.0, 0.0),
            zenith=(1.00, 1.03, 1.08),
            horizon=(0.88, 0.91, 0.95),
            ground=(0.13, 0.13, 0.13),
            glow=(0.0, 0.0, 0.0),
            clouds=1.0,
            haze_m=1100.0,
            exposure=1.05,
            lit=False,
        )
    if light is Light.DUSK and weather in (Weather.CLEAR, Weather.OVERCAST):
        clear = weather is Weather.CLEAR
        return Daylight(
            sun=_unit(azimuth, math.radians(2.0)),
            sun_rgb=(0.0, 0.0, 0.0),
            zenith=(0.060, 0.085, 0.155) if clear else (0.075, 0.085, 0.11),
            horizon=(0.17, 0.155, 0.175) if clear else (0.11, 0.115, 0.13),
            ground=(0.026, 0.026, 0.028),
            glow=(0.62, 0.30, 0.12) if clear else (0.05, 0.04, 0.03),
            clouds=0.45 if clear else 1.0,
            haze_m=1500.0,
            exposure=2.25,
            lit=True,
        )
    raise ValueError(f"the simulator paints day and dusk, clear and overcast, not {light.value} with {weather.value}")


def _unit(azimuth: float, elevation: float) -> RGB:
    flat = float(cos(elevation))
    return (flat * float(cos(azimuth)), flat * float(sin(azimuth)), float(sin(elevation)))
