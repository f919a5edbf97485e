"""Cars: what physics collides with and what the camera sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.dimensions import HEAVY, TWO_WHEELERS, VEHICLES, VehicleBody
from its_core.engines.simulator.meshes.bodywork import add_greenhouse, add_tub, tub
from its_core.engines.simulator.meshes.car_fittings import (
    add_ends,
    add_high_brake_lamp,
    add_lamps,
    add_mirrors,
    add_roof_gear,
    add_seams,
    add_wheel,
)
from its_core.engines.simulator.meshes.car_shapes import SHAPES, hull
from its_core.engines.simulator.meshes.heavy_vehicles import heavy_mesh, trailer_mesh
from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.meshes.mesh import Mesh, Sculptor
from its_core.engines.simulator.meshes.riders import hubs, two_wheeler_mesh
from its_core.engines.simulator.trace import Dent
from its_core.taxonomy import ParticipantType

__all__ = ["Car", "car", "hull"]

BODY, FRONT_LEFT, FRONT_RIGHT, REAR_LEFT, REAR_RIGHT = range(5)  # the parts of a car's mesh
_RUMPLE_M = 0.11  # wavelength of crumpled sheet metal
_SPREAD = 1.25  # how much farther than a dent's radius the sheet about it gives way
_TEARS_M, _CRAZES_M = 0.10, 0.03  # depths from which paint comes off and glass crazes

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Car:
    """A class of car: its mesh (body in the body frame, each wheel about its own middle) and where the wheels sit at
    rest (4×3 metres, in the order of ``Trace.suspension``)."""

    mesh: Mesh
    hubs: Floats

    def dented(self, dents: Sequence[Dent]) -> Mesh:
        """The mesh after these blows: bodywork gives way along them and crumples; wheels stay round."""
        if not dents:
            return self.mesh
        vertices = self.mesh.vertices.astype(np.float64)
        body = self.mesh.parts == BODY
        crushed = np.zeros(len(vertices))
        for dent in dents:
            away = pm.norm(vertices - np.array(dent.point_m)) / (_SPREAD * dent.radius_m)
            give = np.where(body, pm.power(np.clip(1.0 - away * away, 0.0, 1.0), 1.3), 0.0)
            vertices += (give * dent.depth_m * _rumple(vertices, dent))[:, None] * np.array(dent.direction)
            shake = pm.sin(vertices[:, [1, 2, 0]] * (2.0 * np.pi / _RUMPLE_M) + np.array([0.4, 1.9, 3.1]))
            vertices += (0.14 * give * dent.depth_m)[:, None] * shake
            crushed = np.maximum(crushed, give * dent.depth_m)
        bent = self.mesh.with_vertices(vertices.astype(np.float32))
        return replace(bent, slots=_torn(bent, crushed))

    def broken_lamps(self, dents: Sequence[Dent]) -> list[Surface]:
        """The lamps that the blows have put out."""
        lamps = [surface for surface in _LAMPS if np.any(self.mesh.slots == surface)]
        return [lamp for lamp in lamps if any(self._reaches(dent, lamp) for dent in dents)]

    def _reaches(self, dent: Dent, lamp: Surface) -> bool:
        centre = self.mesh.vertices[self.mesh.slots == lamp].mean(axis=0)
        return bool(pm.norm(centre - np.array(dent.point_m)) < 0.75 * dent.radius_m and dent.depth_m > 0.06)


_LAMPS = (
    Surface.HEADLAMP_LEFT,
    Surface.HEADLAMP_RIGHT,
    Surface.TAILLAMP_LEFT,
    Surface.TAILLAMP_RIGHT,
)


def _torn(mesh: Mesh, crushed: Floats) -> NDArray[np.uint8]:
    """What the mesh is made of where the metal gave way by ``crushed`` metres (V): paint comes off in flakes and glass
    crazes. A triangle's surface is that of its first corner."""
    x, y, z = mesh.vertices.astype(np.float64).T
    flakes = pm.sin(17.0 * x + 5.0 * z) * pm.sin(13.0 * y - 7.0 * z) + pm.sin(29.0 * y + 11.0 * x + 3.0 * z)
    slots = mesh.slots.copy()
    paint = np.isin(slots, (Surface.PAINT, Surface.BOX))
    slots[paint & (crushed > _TEARS_M) & (flakes > 0.35)] = Surface.TORN
    slots[np.isin(mesh.slots, (Surface.GLASS, Surface.SALOON)) & (crushed > _CRAZES_M)] = Surface.GLASS_CRAZED
    return slots


def _rumple(vertices: Floats, dent: Dent) -> Floats:
    """0.75 to 1.25: how unevenly the metal yields."""
    phase = pm.dot(np.array(dent.point_m), np.array([12.9898, 78.233, 37.719]))
    wave: Floats = pm.sin(pm.dot(vertices, np.array([9.1, 7.3, 11.7])) + phase) * pm.sin(
        pm.dot(vertices, np.array([-5.2, 8.8, 6.1]))
    )
    return 1.0 + 0.25 * wave


@cache
def car(kind: ParticipantType) -> Car:
    """The vehicle of a class, riders left out; raises KeyError for people."""
    if kind in TWO_WHEELERS:
        return Car(two_wheeler_mesh(kind), hubs(kind))
    if kind in HEAVY:
        return Car(heavy_mesh(kind), _hubs(VEHICLES[kind]))
    shape = SHAPES[kind]
    sculptor = Sculptor()
    body = tub(shape)
    add_tub(sculptor, body)
    add_greenhouse(sculptor, shape)
    add_lamps(sculptor, kind, body)
    add_ends(sculptor, kind, shape)
    add_seams(sculptor, body)
    add_mirrors(sculptor, shape)
    add_high_brake_lamp(sculptor, shape)
    add_roof_gear(sculptor, kind, shape)
    for part, side in ((FRONT_LEFT, -1), (FRONT_RIGHT, 1), (REAR_LEFT, -1), (REAR_RIGHT, 1)):
        add_wheel(sculptor, shape.body.wheel_radius_m, part, side)
    return Car(sculptor.mesh(), _hubs(shape.body))


def _hubs(sizes: VehicleBody) -> Floats:
    sides_and_ends = ((-1, 1), (1, 1), (-1, -1), (1, -1))
    return np.array(
        [(side * sizes.track_m / 2, end * sizes.wheelbase_m / 2, sizes.wheel_radius_m) for side, end in sides_and_ends]
    )


@cache
def trailer() -> Car:
    """A semi-trailer, as a car without wheels that turn."""
    return Car(trailer_mesh(), np.zeros((4, 3)))
