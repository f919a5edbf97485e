"""What runs out of a wreck: spots that grow under it and a trail behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.dimensions import TWO_WHEELERS, VEHICLES
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
_DROPS = 5  # a frame
_INWARD_M = 0.40  # from the dent to the radiator


@dataclass(frozen=True, slots=True)
class Leak:
    """A broken radiator, by the dent that broke it."""

    dent: Dent

    @property
    def steams(self) -> bool:
        return self.dent.depth_m >= _STEAMING_M

    def place(self, trace: Trace, frame: int) -> tuple[float, float]:
        """Above which point of the ground it is: behind the dent."""
        turn = turn_of(trace.rotations[frame, self.dent.number])
        x, y = 0.6 * self.dent.point_m[0], self.dent.point_m[1] - _INWARD_M
        place = trace.positions[frame, self.dent.number]
        found = [float(turn[axis, 0] * x + turn[axis, 1] * y + 0.4 * turn[axis, 2] + place[axis]) for axis in range(2)]
        return found[0], found[1]


class Leaks:
    """All vehicles of a trace whose nose was struck hard."""

    def __init__(self, trace: Trace, sky: Daylight) -> None:
        self._trace = trace
        self.found = [Leak(dent) for dent in _deepest(trace)]
        self._seen = 1.0 - 0.6 * sky.wet
        self._lobes = {leak.dent.number: _lobes(leak.dent) for leak in self.found}

    def spots(self, frame: int) -> Floats:
        """The puddles of a frame, K×4 as ``ground_paint.stain_spots`` takes them."""
        found = []
        for leak in self.found:
            dent = leak.dent
            after_s = (frame - dent.frame) / self._trace.fps - 0.3
            if after_s <= 0.0:
                continue
            x, y = leak.place(self._trace, frame)
            if self._trace.speeds[frame, dent.number] > _STANDS_MPS:
                found += self._drops(leak, frame, (x, y))
                continue
            grown = float(np.sqrt(min(after_s, 6.0) / 3.0))
            for aside, ahead, share in self._lobes[dent.number]:
                radius = max(_PUDDLE_M * share * grown, 0.06)
                found.append((x + grown * aside, y + grown * ahead, radius, _TAKEN * self._seen))
        return np.array(found).reshape(-1, 4)

    def _drops(self, leak: Leak, frame: int, to: tuple[float, float]) -> list[tuple[float, float, float, float]]:
        """What a moving wreck has lost since the frame before."""
        x, y = leak.place(self._trace, frame - 1)
        drawn = rng_of("drops", leak.dent.number, frame).random((_DROPS, 4)).tolist()
        return [
            (
                x + share * (to[0] - x) + 0.12 * (aside - 0.5),
                y + share * (to[1] - y) + 0.12 * (ahead - 0.5),
                0.02 + 0.06 * size * size,
                0.7 * _TAKEN * self._seen,
            )
            for share, aside, ahead, size in drawn
        ]


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
