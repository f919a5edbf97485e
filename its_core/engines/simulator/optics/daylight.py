"""The sky of a clip: where its light comes from, how much and in which colour.

Radiance is linear; 1 is about what white paper shows in full daylight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import inline, kernel
from its_core.engines.simulator.portable_math import cos, exp_scalar, power, power_scalar, sin
from its_core.engines.simulator.randomness import rng_of
from its_core.taxonomy import Light, RoadSurface, Weather

F32 = NDArray[np.float32]
RGB = tuple[float, float, float]


class Fall(StrEnum):
    """What comes down from the sky."""

    NOTHING = "nothing"
    RAIN = "rain"
    SNOW = "snow"


class SkyTones(NamedTuple):
    """What ``Daylight.sky`` depends on, as compiled code reads it."""

    sun: RGB
    zenith: RGB
    horizon: RGB
    ground: RGB
    glow: RGB


@dataclass(frozen=True, slots=True)
class Daylight:
    """``sun`` is the unit vector to the sun and ``sun_rgb`` what it adds to a white surface that faces it; ``zenith``,
    ``horizon`` and ``ground`` are radiances around; ``glow`` the warm light about the sunset's azimuth. ``lit`` says
    that lamps burn, ``lamps`` how much their light counts (1 at night). ``clouds`` 0 to 1; ``haze_m`` is the distance
    at which the air has taken two thirds away. ``snow`` and ``wet`` 0 to 1: how white the land lies, how wet; ``fall``
    is what comes down; ``indoors``: under the lamps of a tunnel, which are brighter than a street's. ``hour`` is the
    time of day that this sun belongs to, ``winter`` the half of the year."""

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
    lamps: float = 0.0
    snow: float = 0.0
    wet: float = 0.0
    fall: Fall = Fall.NOTHING
    indoors: bool = False
    hour: float = 12.0
    winter: bool = False

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

    @property
    def tones(self) -> SkyTones:
        return SkyTones(self.sun, self.zenith, self.horizon, self.ground, self.glow)

    def sky(self, directions: F32) -> F32:
        """Radiance (…×3) from unit directions; what lies below the horizon shines like the ground."""
        seen = np.empty(directions.shape, np.float32)
        _sky(np.ascontiguousarray(directions).reshape(-1, 3), self.tones, seen.reshape(-1, 3))
        return seen

    def ambient(self, up: F32) -> F32:
        """What sky and ground add to a white surface whose normal has that upward part (…→…×3)."""
        overhead = self.overhead
        ground = np.array(self.ground)
        share = (np.float32(0.5) + np.float32(0.5) * up)[..., None]
        added: F32 = ground.astype(np.float32) + share * (overhead - ground).astype(np.float32)
        return added


@inline
def sky_at(dx: float, dy: float, dz: float, sky: SkyTones) -> RGB:
    """``Daylight.sky`` along one unit direction."""
    return risen_sky(power_scalar(min(max(dz, 0.0), 1.0), 0.45), dx, dy, dz, sky)


@inline
def risen_sky(rise: float, dx: float, dy: float, dz: float, sky: Any) -> RGB:
    """``sky_at`` where ``rise`` (0 at the horizon, 1 at the zenith) is known. ``sky`` has what ``SkyTones`` has."""
    red = sky.horizon[0] + rise * (sky.zenith[0] - sky.horizon[0])
    green = sky.horizon[1] + rise * (sky.zenith[1] - sky.horizon[1])
    blue = sky.horizon[2] + rise * (sky.zenith[2] - sky.horizon[2])
    if sky.glow[0] > 0.0:
        towards = min(max(dx * sky.sun[0] + dy * sky.sun[1], 0.0), 1.0)
        strength = towards * towards * exp_scalar(-4.0 * abs(dz))
        red, green, blue = red + strength * sky.glow[0], green + strength * sky.glow[1], blue + strength * sky.glow[2]
    below = min(max(-12.0 * dz, 0.0), 1.0)
    red += below * (sky.ground[0] - red)
    green += below * (sky.ground[1] - green)
    blue += below * (sky.ground[2] - blue)
    return red, green, blue


@kernel
def _sky(directions: F32, tones: SkyTones, seen: F32) -> None:
    for i in range(len(directions)):
        seen[i, 0], seen[i, 1], seen[i, 2] = sky_at(directions[i, 0], directions[i, 1], directions[i, 2], tones)


def daylight(light: Light, weather: Weather, camera_id: str, surface: RoadSurface = RoadSurface.DRY) -> Daylight:
    """The sky over a camera: its sun stands where the camera's site and the time of day put it."""
    rng = rng_of("daylight", camera_id, light.value, weather.value)
    azimuth = float(rng.uniform(0.0, 2.0 * math.pi))
    height, warmth, cover = (float(value) for value in rng.uniform(0.0, 1.0, 3))
    snow = 1.0 if surface is RoadSurface.SNOWY else 0.8 if weather is Weather.SNOW else 0.0
    winter = snow > 0.0 or surface is RoadSurface.ICY
    wet = {RoadSurface.WET: 1.0, RoadSurface.ICY: 0.55}.get(surface, 1.0 if weather is Weather.RAIN else 0.0)
    made = _clear(light, azimuth, height, warmth, cover, winter)
    made = _under_clouds(made, light) if weather is not Weather.CLEAR else made
    ground = tuple(value * (1.0 + 3.2 * snow) for value in made.ground)
    air = {Weather.RAIN: 420.0, Weather.SNOW: 190.0, Weather.FOG: 55.0 + 60.0 * height}.get(weather, made.haze_m)
    falls = {Weather.RAIN: Fall.RAIN, Weather.SNOW: Fall.SNOW}.get(weather, Fall.NOTHING)
    return replace(
        made,
        ground=(ground[0], ground[1], ground[2]),
        haze_m=min(air, made.haze_m),
        exposure=made.exposure * (1.0 - 0.30 * snow),
        wet=wet,
        snow=snow,
        fall=falls,
        winter=winter,
    )


def under_roof(outside: Daylight, warm: bool) -> Daylight:
    """The light in a tunnel at that hour: lamps alone, whatever the sky does."""
    tint = (1.12, 0.95, 0.68) if warm else (1.0, 1.0, 0.97)
    return replace(
        outside,
        sun_rgb=(0.0, 0.0, 0.0),
        zenith=_scaled((0.33, 0.33, 0.33), 1.0, tint),
        horizon=_scaled((0.14, 0.14, 0.14), 1.0, tint),
        ground=_scaled((0.070, 0.070, 0.070), 1.0, tint),
        glow=(0.0, 0.0, 0.0),
        haze_m=700.0,  # exhaust
        exposure=2.0,
        lit=True,
        lamps=0.5,
        indoors=True,
        snow=0.0,
        fall=Fall.NOTHING,
    )


def _clear(light: Light, azimuth: float, height: float, warmth: float, cover: float, winter: bool) -> Daylight:
    """Under an open sky. ``height``, ``warmth`` and ``cover`` 0 to 1 vary it."""
    if light is Light.DAY:
        elevation = (14.0, 30.0) if winter else (27.0, 56.0)
        degrees = elevation[0] + (elevation[1] - elevation[0]) * height
        return Daylight(
            sun=_unit(azimuth, math.radians(degrees)),
            sun_rgb=(2.15, 2.00 - 0.07 * warmth, 1.76 - 0.20 * warmth),
            zenith=(0.23, 0.36, 0.64),
            horizon=(0.68, 0.76, 0.85),
            ground=(0.19, 0.185, 0.17),
            glow=(0.0, 0.0, 0.0),
            clouds=0.1 + 0.45 * cover,
            haze_m=2600.0,
            exposure=0.72,
            lit=False,
            hour=12.8 + (1.0 - height) * (3.1 if warmth > 0.5 else -3.4),
        )
    if light is Light.NIGHT:
        return Daylight(
            sun=_unit(azimuth, math.radians(2.0)),
            sun_rgb=(0.0, 0.0, 0.0),
            zenith=(0.0045, 0.0055, 0.0095),
            horizon=(0.015, 0.0125, 0.011),
            ground=(0.0030, 0.0028, 0.0026),
            glow=(0.0, 0.0, 0.0),
            clouds=0.3 + 0.4 * cover,
            haze_m=1500.0,
            exposure=1.6 + 0.9 * warmth,
            lit=True,
            lamps=1.0,
            hour=(18.6 if winter else 22.0) + (9.5 if winter else 6.0) * height,
        )
    dawn = light is Light.DAWN
    brighter = 0.75 + 0.7 * height
    hour = (7.4 if winter else 5.5) + 0.7 * height if dawn else (17.1 if winter else 20.3) - 0.8 * height
    return Daylight(
        sun=_unit(azimuth, math.radians(2.0)),
        sun_rgb=(0.0, 0.0, 0.0),
        zenith=_scaled((0.072, 0.105, 0.175) if dawn else (0.060, 0.085, 0.155), brighter),
        horizon=_scaled((0.21, 0.185, 0.20) if dawn else (0.17, 0.155, 0.175), brighter),
        ground=_scaled((0.026, 0.026, 0.028), brighter),
        glow=_scaled((0.50, 0.30, 0.20) if dawn else (0.62, 0.30, 0.12), brighter),
        clouds=0.45,
        haze_m=750.0 if dawn else 1500.0,
        exposure=2.25,
        lit=True,
        lamps=0.8,
        hour=hour,
    )


def _under_clouds(open_sky: Daylight, light: Light) -> Daylight:
    """The same hour under a closed sky."""
    if light is Light.DAY:
        return replace(
            open_sky,
            sun_rgb=(0.0, 0.0, 0.0),
            zenith=(1.00, 1.03, 1.08),
            horizon=(0.88, 0.91, 0.95),
            ground=(0.13, 0.13, 0.13),
            clouds=1.0,
            haze_m=1100.0,
            exposure=1.05,
        )
    if light is Light.NIGHT:  # clouds give the town's light back
        return replace(open_sky, zenith=(0.011, 0.0095, 0.0085), horizon=(0.021, 0.017, 0.014), clouds=1.0)
    return replace(
        open_sky,
        zenith=_scaled(open_sky.zenith, 1.0, (1.15, 1.0, 0.76)),
        horizon=_scaled(open_sky.horizon, 0.72),
        glow=_scaled(open_sky.glow, 0.1),
        clouds=1.0,
    )


def _scaled(colour: RGB, by: float, tint: RGB = (1.0, 1.0, 1.0)) -> RGB:
    return (colour[0] * by * tint[0], colour[1] * by * tint[1], colour[2] * by * tint[2])


def _unit(azimuth: float, elevation: float) -> RGB:
    flat = float(cos(elevation))
    return (flat * float(cos(azimuth)), flat * float(sin(azimuth)), float(sin(elevation)))
