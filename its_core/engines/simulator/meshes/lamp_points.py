"""Where the lamps of a vehicle sit, and what each of them looks like when it burns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.meshes.mesh import Mesh

Floats = NDArray[np.float64]

# A lamp is the part of a mesh made of one surface, ahead of (+1) or behind (-1) the middle, or wherever it is (0).
LAMPS: tuple[tuple[Surface, int], ...] = (
    (Surface.HEADLAMP_LEFT, 0),
    (Surface.HEADLAMP_RIGHT, 0),
    (Surface.TAILLAMP_LEFT, 0),
    (Surface.TAILLAMP_RIGHT, 0),
    (Surface.TAILLAMP_HIGH, 0),
    (Surface.INDICATOR_LEFT, 1),
    (Surface.INDICATOR_LEFT, -1),
    (Surface.INDICATOR_RIGHT, 1),
    (Surface.INDICATOR_RIGHT, -1),
    (Surface.BEACON_LEFT, 1),
    (Surface.BEACON_RIGHT, 1),
    (Surface.BEACON_LEFT, -1),
    (Surface.BEACON_RIGHT, -1),
)
HEADLAMPS = (0, 1)  # among LAMPS
_PAIRED = {0: 1, 1: 0, 2: 3, 3: 2}  # a machine that has one lamp of a pair has it in the place of both


@dataclass(frozen=True, slots=True)
class LampPoints:
    """Of each of ``LAMPS`` in the body's frame: ``middles`` L×3 metres (NaN where there is none), ``halves`` L: half of
    the side of a square as large as the lamp, in metres."""

    middles: Floats
    halves: Floats


def lamp_points(mesh: Mesh) -> LampPoints:
    middles, halves = np.full((len(LAMPS), 3), np.nan), np.zeros(len(LAMPS))
    for number, (surface, end) in enumerate(LAMPS):
        of_lamp = mesh.vertices[mesh.slots == surface]
        if not len(of_lamp) and number in _PAIRED:
            of_lamp = mesh.vertices[mesh.slots == LAMPS[_PAIRED[number]][0]]
        if end:
            of_lamp = of_lamp[of_lamp[:, 1] * end > 0.0]
        if not len(of_lamp):
            continue
        size = of_lamp.max(axis=0) - of_lamp.min(axis=0)
        middles[number] = of_lamp.mean(axis=0)
        halves[number] = 0.5 * float(np.sqrt(max(size[0] * size[2], 1e-4)))
    return LampPoints(middles, halves)
