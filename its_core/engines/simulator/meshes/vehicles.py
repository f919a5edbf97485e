"""Cars: what physics collides with and what the camera sees."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

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
from its_core.engines.simulator.meshes.car_shapes import SHAPES, CarShape, hull
from its_core.engines.simulator.meshes.heavy_vehicles import heavy_mesh, trailer_mesh
from its_core.engines.simulator.meshes.mesh import Mesh, Sculptor
from its_core.engines.simulator.meshes.riders import hubs, two_wheeler_mesh
from its_core.taxonomy import ParticipantType

__all__ = ["Car", "car", "hull"]

BODY, FRONT_LEFT, FRONT_RIGHT, REAR_LEFT, REAR_RIGHT = range(5)  # the parts of a car's mesh

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Car:
    """A class of car: its mesh (body in the body frame, each wheel about its own middle) and where the wheels sit at
    rest (4×3 metres, in the order of ``Trace.suspension``). ``shape``: of those that have bonnet and greenhouse."""

    mesh: Mesh
    hubs: Floats
    shape: CarShape | None = None


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
    return Car(sculptor.mesh(), _hubs(shape.body), shape)


def _hubs(sizes: VehicleBody) -> Floats:
    sides_and_ends = ((-1, 1), (1, 1), (-1, -1), (1, -1))
    return np.array(
        [(side * sizes.track_m / 2, end * sizes.wheelbase_m / 2, sizes.wheel_radius_m) for side, end in sides_and_ends]
    )


@cache
def trailer() -> Car:
    """A semi-trailer, as a car without wheels that turn."""
    return Car(trailer_mesh(), np.zeros((4, 3)))
