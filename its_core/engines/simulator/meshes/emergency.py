"""Emergency vehicles and those of road works: a light bar on the roof, corner beacons on tall ones, the livery of their
service."""

from __future__ import annotations

from functools import cache

import numpy as np

from its_core.engines.simulator.dimensions import HEAVY, VEHICLES
from its_core.engines.simulator.meshes.bodywork import Tub, tub
from its_core.engines.simulator.meshes.car_shapes import SHAPES
from its_core.engines.simulator.meshes.heavy_vehicles import plate
from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.meshes.mesh import Mesh, Sculptor, joined
from its_core.engines.simulator.meshes.vehicles import Car, car
from its_core.taxonomy import ParticipantType

_BAR_HALF_M = (0.62, 0.17)  # half of the light bar's width and depth
_BAR_M = 0.17  # its height
_CHEQUER_M = 0.56  # length of a field of the livery
_AMBULANCE = (Surface.LIVERY_GREEN, Surface.LIVERY_YELLOW)
_POLICE = (Surface.LIVERY_BLUE, Surface.LIVERY_YELLOW)
_FIRE = (Surface.LIVERY_RED, Surface.LIVERY_YELLOW)
# Where along its length a car carries its bar: the share of the way from the front of the roof to its rear.
_BAR_AT = {ParticipantType.VAN: 0.10}


@cache
def emergency_car(kind: ParticipantType) -> Car:
    """A vehicle with a bar of beacons on its roof: a van is an ambulance, a truck a fire engine, all others are the
    police's."""
    plain = car(kind)
    fittings = Sculptor()
    fields = {ParticipantType.VAN: _AMBULANCE, ParticipantType.TRUCK: _FIRE}.get(kind, _POLICE)
    if kind in HEAVY:
        _heavy(fittings, kind, plain.mesh, fields)
    elif kind in SHAPES:
        body = tub(SHAPES[kind])
        _flanks(fittings, body, fields, rows=2 if kind is ParticipantType.VAN else 1)
        house = SHAPES[kind].greenhouse
        at = house.top[0] + _BAR_AT.get(kind, 0.38) * (house.top[1] - house.top[0])
        _light_bar(fittings, at, house.roof_m - 0.02)
        if kind is ParticipantType.VAN:
            _corner_beacons(fittings, house.top[1] + 0.20, house.top[2] - 0.20, house.top_m + 0.02)
            _stripes_behind(fittings, kind)
    else:
        _light_bar(fittings, 0.0, float(plain.mesh.vertices[:, 2].max()))
    return Car(joined([plain.mesh, fittings.mesh()]), plain.hubs, plain.shape)


@cache
def works_car(kind: ParticipantType) -> Car:
    """A vehicle of road works: a bar of beacons on its roof and stripes across its tail."""
    plain = car(kind)
    fittings = Sculptor()
    if kind in SHAPES:
        house = SHAPES[kind].greenhouse
        _light_bar(fittings, house.top[0] + 0.3 * (house.top[1] - house.top[0]), house.roof_m - 0.02)
    else:
        on_nose = plain.mesh.vertices[:, 1] > VEHICLES[kind].length_m / 2 - 1.2
        _light_bar(fittings, VEHICLES[kind].length_m / 2 - 0.75, float(plain.mesh.vertices[on_nose, 2].max()))
    _stripes_behind(fittings, kind)
    return Car(joined([plain.mesh, fittings.mesh()]), plain.hubs, plain.shape)


def _light_bar(sculptor: Sculptor, y: float, z: float) -> None:
    """Lamps from edge to edge, one half blue and the other red, on a black foot."""
    half, deep = _BAR_HALF_M
    sculptor.box((-half, y - deep, z - 0.03), (half, y + deep, z + 0.04), Surface.HOUSING)
    for side, slot in ((-1, Surface.BEACON_LEFT), (1, Surface.BEACON_RIGHT)):
        x = sorted((side * 0.07, side * half))
        for end in (0.0, 1.0):  # two rows, so that one lies ahead of the bar's middle and one behind it
            near, far = y - deep + end * deep, y + end * deep
            sculptor.box((x[0], near, z + 0.04), (x[1], far, z + _BAR_M), slot)
    sculptor.box((-0.07, y - deep, z + 0.04), (0.07, y + deep, z + _BAR_M - 0.02), Surface.SIGN_WHITE)


def _corner_beacons(sculptor: Sculptor, y: float, x: float, z: float) -> None:
    for side, slot in ((-1, Surface.BEACON_LEFT), (1, Surface.BEACON_RIGHT)):
        sculptor.box((side * x - 0.16, y - 0.12, z), (side * x + 0.16, y + 0.12, z + 0.15), slot)


def _flanks(sculptor: Sculptor, body: Tub, fields: tuple[Surface, Surface], rows: int) -> None:
    """Chequers along both flanks from wing to wing."""
    half = body.shape.body.length_m / 2
    front, rear = half - 0.55, -half + 0.45
    count = max(4, round((front - rear) / _CHEQUER_M))
    edges = np.linspace(front, rear, count + 1)
    columns = np.linspace(5.15, 7.55, rows + 1)
    for side in (1, -1):
        for number in range(count):
            for row in range(rows):
                field = fields[(number + row) % 2]
                along = (float(edges[number]), float(edges[number + 1]))
                up = (float(columns[row]), float(columns[row + 1]))
                sculptor.grid(body.patch(along, up, side, 4, 4, lift_m=0.004), field, flipped=side > 0)


def _stripes_behind(sculptor: Sculptor, kind: ParticipantType) -> None:
    """Red and yellow fields across the rear doors."""
    body = VEHICLES[kind]
    edges = np.linspace(-0.42 * body.width_m, 0.42 * body.width_m, 7)
    for number in range(6):
        field = (Surface.LIVERY_RED, Surface.LIVERY_YELLOW)[number % 2]
        span = (float(edges[number]), float(edges[number + 1]))
        plate(sculptor, 1, -body.length_m / 2, -1.0, span, (0.62, 1.12), field)


def _heavy(sculptor: Sculptor, kind: ParticipantType, plain: Mesh, fields: tuple[Surface, Surface]) -> None:
    """A bar on the cab and beacons at the rear corners; on a fire engine lockers and a ladder too."""
    body = VEHICLES[kind]
    half, front, rear = body.width_m / 2, body.length_m / 2, -body.length_m / 2
    on_nose = plain.vertices[:, 1] > front - 1.2
    _light_bar(sculptor, front - 0.75, float(plain.vertices[on_nose, 2].max()))
    top = float(plain.vertices[plain.vertices[:, 1] < rear + 1.0, 2].max())
    _corner_beacons(sculptor, rear + 0.25, half - 0.28, top)
    edges = np.arange(rear + 0.1, front - 0.4, 0.8)
    for side in (-1.0, 1.0):
        for number, at in enumerate(edges[:-1]):
            span = (float(at), float(edges[number + 1]))
            plate(sculptor, 0, side * (half + 0.004), side, span, (1.12, 1.50), fields[number % 2])
    across = np.linspace(-0.94 * half, 0.94 * half, 9)
    for number in range(8):
        span = (float(across[number]), float(across[number + 1]))
        plate(sculptor, 1, rear - 0.02, -1.0, span, (1.10, 1.70), fields[number % 2])
    if kind is not ParticipantType.TRUCK:
        return
    for side in (-1.0, 1.0):
        for at in np.linspace(rear + 0.25, front - 3.7, 4):
            span = (float(at), float(at) + 1.05)
            plate(sculptor, 0, side * (half + 0.004), side, span, (1.60, 2.75), Surface.BOX_SILVER)
            for slat in np.arange(1.68, 2.72, 0.13).tolist():  # roller shutters
                plate(sculptor, 0, side * (half + 0.010), side, span, (slat, slat + 0.035), Surface.STEEL_DARK)
            plate(sculptor, 0, side * (half + 0.012), side, span, (1.60, 1.66), Surface.TRIM)
    for x in (0.35, 0.85):
        sculptor.box((x - 0.05, rear + 0.2, top), (x + 0.05, front - 2.3, top + 0.14), Surface.STEEL)
    for y in np.arange(rear + 0.4, front - 2.5, 0.4):
        sculptor.box((0.35, float(y) - 0.03, top + 0.04), (0.85, float(y) + 0.03, top + 0.10), Surface.STEEL)
