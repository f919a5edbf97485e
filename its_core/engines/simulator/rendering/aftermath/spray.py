"""Water and snow that wheels throw up: clouds behind vehicles that grow with the square of their speed.

How much a tyre throws up grows with its speed, and how fine it is does too: what hides a road behind a car at 100 km/h
is hardly seen at 40. A lorry's wheels move more water than a car's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.dimensions import HEAVY, TRAILER, TWO_WHEELERS, VEHICLES
from its_core.engines.simulator.meshes.noise import sampled
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.optics.daylight import Daylight
from its_core.engines.simulator.randomness import rng_of
from its_core.engines.simulator.rendering.aftermath.puffs import Puffs, joined, seen
from its_core.engines.simulator.rendering.ground_effects import BEAM_M
from its_core.engines.simulator.scenery.light_maps import LAMP_RGB, Plans
from its_core.engines.simulator.trace import Trace
from its_core.taxonomy import ParticipantType

Floats = NDArray[np.float64]

_FULL_MPS = 20.0
_LEAST = 0.09  # of the strength at that speed, that is seen
_SNOW = 0.55  # of the spray of as much water
_EVERY_FRAMES = 2
_HEAVY, _SMALL = 2.4, 0.35  # strength of heavy vehicles and of two-wheelers
_FOLLOWS = 0.50  # of the vehicle's velocity, that the air behind it keeps
_OPACITY, _MOST_OPACITY = 0.50, 0.75
_ABOVE_M = 0.35
_STREET_SHARE = 0.45  # of what lamps would send to white ground, that droplets above it send to the camera
_BEAM_LIGHT = 0.22
_BEAM_RGB, _TAIL_RGB = np.array([1.0, 0.95, 0.84]), np.array([1.0, 0.07, 0.04])
_TAIL_LIGHT, _BRAKE_LIGHT, _TAIL_M = 0.035, 0.12, 1.6


class Spray:
    """Of one clip. ``plans``: where street lamps shine; ``veil_light``: what a thick cloud in no lamp's light sends to
    the camera."""

    def __init__(self, trace: Trace, camera: Camera, sky: Daylight, wind: Floats, plans: Plans) -> None:
        self._trace, self._camera, self._plans = trace, camera, plans
        self._lit = sky.lit
        wet = max(sky.wet, _SNOW * sky.snow)
        driving = [number for number in range(trace.vehicles) if trace.actors[number].type in VEHICLES]
        found = [_behind(trace, number, wet, wind) for number in driving] if wet > 0.0 else []
        self._puffs = joined([puffs for puffs, _ in found])
        self._owners = np.concatenate([np.zeros(0, np.int64), *(owners for _, owners in found)])
        self._ambient = 0.62 * sky.overhead + 0.16 * np.array(sky.sun_rgb)
        self._reach_m = np.zeros(trace.vehicles)
        self._reach_m[driving] = [VEHICLES[trace.actors[number].type].length_m / 2 for number in driving]
        self._drives = np.array([not actor.parked for actor in trace.actors[: trace.vehicles]], np.bool_)

    def at(self, frame: int, veil_light: Floats) -> Floats:
        """The clouds of a frame, K×9 as ``veils.veil_about_all`` takes them."""
        time_s = frame / self._trace.fps
        now, shown, places = seen(self._puffs, self._camera, time_s)
        if not len(now) or not self._lit:  # by day they look like any other cloud
            return np.concatenate([shown, np.zeros((len(now), 3))], axis=1)
        light = self._ambient + self._near_lamps(frame, places, self._owners[now])
        return np.concatenate([shown, light - veil_light], axis=1)

    def _near_lamps(self, frame: int, places: Floats, owners: NDArray[np.int64]) -> Floats:
        """K×3: what street lamps, headlamps and the own tail lamps add at K places."""
        trace, plans = self._trace, self._plans
        x, y = places[:, 0].astype(np.float32), places[:, 1].astype(np.float32)
        street = _STREET_SHARE * sampled(plans.lamps, plans.rect, x, y).astype(np.float64)
        light = street[:, None] * np.array(LAMP_RGB)
        w, i, j, k = trace.rotations[frame, : trace.vehicles].T
        ahead = np.stack([2 * (i * j - w * k), 1 - 2 * (i * i + k * k)], axis=1)
        middles = trace.positions[frame, : trace.vehicles, :2]
        fronts = middles + self._reach_m[:, None] * ahead
        away = places[:, None, :2] - fronts[None]
        along = away[..., 0] * ahead[:, 0] + away[..., 1] * ahead[:, 1]
        aside = (away[..., 0] * ahead[:, 1] - away[..., 1] * ahead[:, 0]) / (1.2 + 0.16 * np.maximum(along, 0.0))
        inside = (along > 0.3) & (along < 1.7 * BEAM_M) & (aside * aside < 6.0) & self._drives
        beams = np.where(inside, pm.exp(np.where(inside, -aside * aside - along / 14.0, 0.0)), 0.0).sum(axis=1)
        light += (_BEAM_LIGHT * beams)[:, None] * _BEAM_RGB
        rears = (middles - self._reach_m[:, None] * ahead)[owners]
        behind = np.asarray(pm.norm(places[:, :2] - rears))
        strength = np.where(trace.braking[frame, owners], _BRAKE_LIGHT, _TAIL_LIGHT)
        return np.asarray(light + (strength * pm.exp(-behind / _TAIL_M))[:, None] * _TAIL_RGB)


def _behind(trace: Trace, number: int, wet: float, wind: Floats) -> tuple[Puffs, NDArray[np.int64]]:
    """What one vehicle throws up in the clip, and its number for each cloud."""
    kind = trace.actors[number].type
    heavy = kind in HEAVY
    kind_strength = _HEAVY if heavy else _SMALL if kind in TWO_WHEELERS else 1.0
    speeds = trace.speeds[:, number]
    frames = np.arange(number % _EVERY_FRAMES, len(speeds), _EVERY_FRAMES)
    strength = wet * kind_strength * (speeds[frames] / _FULL_MPS) ** 2
    grounded = trace.positions[frames, number, 2] < 0.6
    frames, strength = frames[(strength > _LEAST) & grounded], strength[(strength > _LEAST) & grounded]
    count = len(frames)
    rng = rng_of("spray", trace.actors[number].track_id, round(1000.0 * float(trace.positions[0, number, 0])))
    drawn = rng.random((count, 8))
    w, i, j, k = trace.rotations[frames, number].T
    ahead = np.stack([2 * (i * j - w * k), 1 - 2 * (i * i + k * k), np.zeros(count)], axis=1)
    right = np.stack([ahead[:, 1], -ahead[:, 0], np.zeros(count)], axis=1)
    size = VEHICLES[kind]
    side = np.where(np.arange(count) % 2 == 0, -0.5, 0.5) * size.track_m
    back = 0.36 * size.length_m + (TRAILER.length_m * 0.8 if kind is ParticipantType.ARTICULATED_TRUCK else 0.0)
    spread = 0.5 + 0.5 * np.minimum(strength, 1.6)
    origins = trace.positions[frames, number] - back * ahead + side[:, None] * right
    origins[:, 2] += _ABOVE_M * spread
    drifts = _FOLLOWS * trace.velocities[frames, number] + wind + 0.9 * (drawn[:, :3] - np.array([0.5, 0.5, 0.2]))
    larger = 1.5 if heavy else 1.0
    puffs = Puffs(
        frames / trace.fps,
        (0.45 + 0.65 * np.minimum(strength, 1.2)) * (0.7 + 0.6 * drawn[:, 3]),
        origins,
        drifts,
        larger * (0.24 + 0.26 * spread) * (0.8 + 0.4 * drawn[:, 4]),
        larger * (0.25 + 0.55 * spread) * (0.7 + 0.6 * drawn[:, 5]),
        np.minimum(_OPACITY * pm.power(strength, 0.7) * (0.6 + 0.8 * drawn[:, 6]), _MOST_OPACITY),
    )
    return puffs, np.full(count, number, np.int64)
