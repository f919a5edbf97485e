"""What runs out of a wreck and what rises from it: spots that grow under it, a trail behind it, steam."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.dimensions import TWO_WHEELERS, VEHICLES
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.optics.daylight import Daylight
from its_core.engines.simulator.randomness import normal, rng_of
from its_core.engines.simulator.rendering.poses import turn_of
from its_core.engines.simulator.trace import Dent, Trace

Floats = NDArray[np.float64]

_LEAKING_M, _STEAMING_M = 0.20, 0.30  # depths of a dent in the nose from which fluid runs out, and steam
_LOBES = 5  # round spots that make up a puddle
_PUDDLE_M = 0.75  # radius of the middle one after three seconds
_TAKEN = 0.55  # share of the road's light that fluid takes
_STANDS_MPS = 0.7
_PUFFS_HZ, _PUFF_S = 9.0, 1.7  # how many puffs of steam a second, how long each is seen


class Leaks:
    """All vehicles of a trace whose nose was struck hard."""

    def __init__(self, trace: Trace, sky: Daylight) -> None:
        self._trace = trace
        self._dents = _deepest(trace)
        self._seen = 1.0 - 0.6 * sky.wet
        self._white = 0.45 * sky.overhead + 0.25 * np.array(sky.sun_rgb) + (0.05 if sky.lit else 0.0)
        self._lobes = {dent.number: _lobes(dent) for dent in self._dents}

    def spots(self, frame: int) -> Floats:
        """The puddles of a frame, K×4 as ``ground_paint.stain_spots`` takes them."""
        found = []
        for dent in self._dents:
            after_s = (frame - dent.frame) / self._trace.fps - 0.3
            if after_s <= 0.0:
                continue
            x, y = self._place(dent, frame, 0.35)
            if self._trace.speeds[frame, dent.number] > _STANDS_MPS:
                found.append((x, y, 0.10, 0.7 * _TAKEN * self._seen))
                continue
            grown = float(np.sqrt(min(after_s, 6.0) / 3.0))
            for aside, ahead, share in self._lobes[dent.number]:
                radius = max(_PUDDLE_M * share * grown, 0.06)
                found.append((x + grown * aside, y + grown * ahead, radius, _TAKEN * self._seen))
        return np.array(found).reshape(-1, 4)

    def puffs(self, frame: int, camera: Camera) -> Floats:
        """The steam of a frame, K×8 as ``ground_effects.glow_about_all`` takes lights."""
        found = []
        for dent in self._dents:
            if dent.depth_m < _STEAMING_M:
                continue
            now_s = (frame - dent.frame) / self._trace.fps
            last = int(now_s * _PUFFS_HZ)
            for number in range(max(last - int(_PUFFS_HZ * _PUFF_S), 2), last + 1):
                age = now_s - number / _PUFFS_HZ
                if not 0.0 <= age < _PUFF_S:
                    continue
                found.append(self._puff(dent, frame, number, age, camera))
        return np.array([puff for puff in found if puff is not None]).reshape(-1, 8)

    def _puff(self, dent: Dent, frame: int, number: int, age_s: float, camera: Camera) -> tuple[float, ...] | None:
        rng = rng_of("steam", dent.number, dent.frame, number)
        begun = max(frame - int(age_s * self._trace.fps), dent.frame)
        x, y = self._place(dent, begun, 0.5)
        place = np.array(
            [
                x + normal(rng, 0.0, 0.18) + 0.35 * age_s,
                y + normal(rng, 0.0, 0.18) + 0.20 * age_s,
                0.95 + (0.9 + 0.3 * float(rng.random())) * age_s,
            ]
        )
        column, row, depth = (float(value) for value in camera.project(place[None])[0])
        if depth < 2.0 or not (0.0 <= column < camera.width_px and 0.0 <= row < camera.height_px):
            return None
        radius = (0.16 + 0.30 * age_s) * camera.focal_px / depth
        opacity = 0.17 * (1.0 - age_s / _PUFF_S) * min(age_s / 0.25, 1.0)
        red, green, blue = (opacity * self._white).tolist()
        return column, row, radius, red, green, blue, 1.0, 0.0

    def _place(self, dent: Dent, frame: int, inward_m: float) -> tuple[float, float]:
        """Above which point of the ground the radiator is, behind the dent."""
        turn = turn_of(self._trace.rotations[frame, dent.number])
        x, y = 0.6 * dent.point_m[0], dent.point_m[1] - inward_m
        place = self._trace.positions[frame, dent.number]
        found = [float(turn[axis, 0] * x + turn[axis, 1] * y + 0.4 * turn[axis, 2] + place[axis]) for axis in range(2)]
        return found[0], found[1]


def _deepest(trace: Trace) -> list[Dent]:
    """Of each vehicle the deepest dent in its nose, where it is deep enough to reach the radiator."""
    found: dict[int, Dent] = {}
    for dent in trace.dents:
        kind = trace.actors[dent.number].type
        if dent.trailer or kind in TWO_WHEELERS or dent.depth_m < _LEAKING_M:
            continue
        if dent.point_m[1] < 0.30 * VEHICLES[kind].length_m:
            continue
        known = found.get(dent.number)
        if known is None or dent.depth_m > known.depth_m:
            found[dent.number] = dent
    return list(found.values())


def _lobes(dent: Dent) -> list[tuple[float, float, float]]:
    rng = rng_of("puddle", dent.number, dent.frame)
    lobes = [(0.0, 0.0, 1.0)]
    for _ in range(_LOBES - 1):
        lobes.append((normal(rng, 0.0, 0.45), normal(rng, 0.0, 0.45), float(rng.uniform(0.35, 0.8))))
    return lobes
