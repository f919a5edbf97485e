"""A vehicle's mesh before and after its blows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.meshes.damage import crushed, cut_for
from its_core.engines.simulator.meshes.loose_parts import loose_parts
from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.meshes.mesh import Mesh, joined
from its_core.engines.simulator.meshes.vehicles import Car
from its_core.engines.simulator.trace import Dent

_LAMPS = (
    Surface.HEADLAMP_LEFT,
    Surface.HEADLAMP_RIGHT,
    Surface.TAILLAMP_LEFT,
    Surface.TAILLAMP_RIGHT,
)
_BREAKS_M = 0.06  # depth of a dent that puts out a lamp
_WHEEL_GIVES = 0.55  # of the push on the body about it, that a wheel takes
_WHEEL_SHIFTS_M = 0.22  # at most


class Wreck:
    """All blows of one car's clip, in their order."""

    def __init__(self, car: Car, dents: Sequence[Dent]) -> None:
        self._car, self._dents = car, list(dents)
        self._fine = cut_for(car.mesh, dents)
        self._loose = loose_parts(car.shape, dents) if car.shape is not None else []

    def after(self, blows: int) -> Mesh:
        """The mesh after the first so many blows: bodywork gives way along them; wheels stay round. What a mesh has
        more than the one before it stands at its end."""
        suffered = self._dents[:blows]
        if not suffered:
            return self._car.mesh
        hangs = [part for dent, part in self._loose if dent in suffered]
        return joined([crushed(self._fine, suffered, self._car.shape), *hangs])

    def hubs_after(self, blows: int) -> NDArray[np.float64]:
        """4×3 metres: where the wheels sit. A blow beside a wheel pushes it back."""
        hubs = self._car.hubs.copy()
        for dent in self._dents[:blows]:
            away = np.asarray(pm.norm(self._car.hubs - np.array(dent.point_m)))
            share = np.clip(1.2 - away / (1.1 * dent.radius_m), 0.0, 1.0)
            push = np.minimum(_WHEEL_GIVES * dent.depth_m * share, _WHEEL_SHIFTS_M)
            hubs += push[:, None] * np.array([dent.direction[0], dent.direction[1], 0.0])
        return hubs

    def broken_lamps(self, blows: int) -> list[Surface]:
        """The lamps that the blows have put out."""
        mesh = self._car.mesh
        lamps = [surface for surface in _LAMPS if np.any(mesh.slots == surface)]
        return [lamp for lamp in lamps if any(_reaches(mesh, dent, lamp) for dent in self._dents[:blows])]


def _reaches(mesh: Mesh, dent: Dent, lamp: Surface) -> bool:
    centre = mesh.vertices[mesh.slots == lamp].mean(axis=0)
    return bool(pm.norm(centre - np.array(dent.point_m)) < 0.75 * dent.radius_m and dent.depth_m > _BREAKS_M)
