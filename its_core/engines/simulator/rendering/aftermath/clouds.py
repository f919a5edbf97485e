"""Steam from broken radiators and smoke from tyres: puffs that rise, grow, drift with the wind and thin out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.optics.daylight import Daylight
from its_core.engines.simulator.randomness import rng_of
from its_core.engines.simulator.rendering.aftermath.leaks import Leak
from its_core.engines.simulator.rendering.aftermath.puffs import Puffs, joined, seen
from its_core.engines.simulator.rendering.aftermath.tyre_marks import mark_levels, wheel_feet
from its_core.engines.simulator.trace import Trace

Floats = NDArray[np.float64]

_STEAM_HZ, _STEAM_S = 11.0, 2.6  # puffs a second, and how long each is seen
_STEAM_OPACITY = 0.38
_SMOKE_S = 1.1
_SMOKE_OPACITY = 0.16  # of tyres that slide
_SMOKES_AT = 0.40  # darkness of a mark from which the tyre smokes: not where brakes are let go by turns
_FASTEST_WIND_MPS = 1.3


class Clouds:
    """Of one clip."""

    def __init__(self, trace: Trace, leaks: Sequence[Leak], camera: Camera, sky: Daylight) -> None:
        blows = wind(camera)
        self._camera = camera
        self._puffs = joined([*_steam(trace, leaks, blows), *_tyre_smoke(trace, sky, blows)])

    def at(self, time_s: float) -> Floats:
        """The puffs of a moment, K×9 as ``veils.veil_about_all`` takes them."""
        _, shown, _ = seen(self._puffs, self._camera, time_s)
        return np.concatenate([shown, np.zeros((len(shown), 3))], axis=1)


def wind(camera: Camera) -> Floats:
    """Metres a second."""
    rng = rng_of("wind", camera.camera_id)
    turn = float(rng.uniform(0.0, 2.0 * np.pi))
    speed = float(rng.uniform(0.2, _FASTEST_WIND_MPS))
    return speed * np.array([float(pm.cos(turn)), float(pm.sin(turn)), 0.0])


def _steam(trace: Trace, leaks: Sequence[Leak], wind: Floats) -> list[Puffs]:
    """Out of each leak that steams, from under the bonnet's edge upwards."""
    found = []
    end_s = len(trace.positions) / trace.fps
    for leak in leaks:
        begun_s = leak.dent.frame / trace.fps + 0.2
        count = int((end_s - begun_s) * _STEAM_HZ)
        if not leak.steams or count < 1:
            continue
        rng = rng_of("steam", leak.dent.number, leak.dent.frame)
        drawn = rng.random((count, 8))
        starts_s = begun_s + (np.arange(count) + drawn[:, 0]) / _STEAM_HZ
        frames = np.minimum((starts_s * trace.fps).astype(np.int64), len(trace.positions) - 1)
        ground = np.array([leak.place(trace, frame) for frame in frames.tolist()])
        origins = np.concatenate([ground, np.full((count, 1), 0.85)], axis=1)
        origins[:, :2] += 0.5 * (drawn[:, 1:3] - 0.5)
        rises = 0.45 + 0.75 * drawn[:, 3]
        drifts = np.concatenate([wind[:2] + 0.5 * (drawn[:, 4:6] - 0.5), rises[:, None]], axis=1)
        # It comes in gusts, and less of it the longer it lasts.
        since_s = starts_s - begun_s
        strength = (0.35 + 0.65 * drawn[:, 6]) * np.minimum(0.4 + since_s, 1.0) / (1.0 + 0.12 * since_s)
        found.append(
            Puffs(
                starts_s, _STEAM_S * (0.6 + 0.4 * drawn[:, 7]), origins, drifts, 0.10 + 0.10 * drawn[:, 1],
                0.22 + 0.22 * drawn[:, 2], _STEAM_OPACITY * strength,
            )
        )  # fmt: skip
    return found


def _tyre_smoke(trace: Trace, sky: Daylight, wind: Floats) -> list[Puffs]:
    """From tyres that slide on dry ground."""
    dry = 1.0 - max(sky.wet, sky.snow)
    found = []
    for number in range(trace.vehicles):
        levels = mark_levels(trace, number) * dry
        frames = np.flatnonzero(levels > _SMOKES_AT)
        frames = frames[(frames > 0) & (trace.speeds[frames, number] > 4.0)]
        for frame in frames[::2].tolist():
            feet = wheel_feet(trace, number, frame)
            drawn = rng_of("smoke", number, frame).random((len(feet), 6))
            count = len(feet)
            along = 0.25 * trace.velocities[frame, number] * np.array([1.0, 1.0, 0.0])
            drifts = along + wind + np.array([0.6, 0.6, 0.5]) * (drawn[:, :3] - np.array([0.5, 0.5, 0.0]))
            origins = np.concatenate([feet[:, :2] + 0.3 * (drawn[:, 3:5] - 0.5), np.full((count, 1), 0.18)], axis=1)
            strength = np.full(count, _SMOKE_OPACITY * float(levels[frame]) / 0.6) * (0.5 + 0.5 * drawn[:, 5])
            found.append(
                Puffs(
                    np.full(count, frame / trace.fps), _SMOKE_S * (0.6 + 0.4 * drawn[:, 0]), origins, drifts,
                    0.14 + 0.10 * drawn[:, 1], 0.45 + 0.35 * drawn[:, 2], strength,
                )
            )  # fmt: skip
    return found
