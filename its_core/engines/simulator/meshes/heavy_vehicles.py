"""Trucks, tractors, semi-trailers and buses: flat sheets on a frame."""

from __future__ import annotations

from functools import cache

import numpy as np

from its_core.engines.simulator.dimensions import TRAILER, VEHICLES, VehicleBody
from its_core.engines.simulator.meshes.car_fittings import add_wheel
from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.meshes.mesh import Mesh, Sculptor, joined
from its_core.taxonomy import ParticipantType

_CELL_M = 0.55  # sheets are cut this small, so that they can crumple
_PROUD_M = 0.012  # what is fixed to a sheet stands out by this much
Corner = tuple[float, float, float]


def sheets(sculptor: Sculptor, low: Corner, high: Corner, slot: int, *, part: int = 0) -> None:
    """An axis-aligned box whose six faces are cut into cells."""
    for axis in range(3):
        u, v = [other for other in range(3) if other != axis]
        for end, flip in ((low[axis], axis != 1), (high[axis], axis == 1)):
            counts = [max(1, round((high[i] - low[i]) / _CELL_M)) + 1 for i in (u, v)]
            points = np.empty((counts[0], counts[1], 3))
            points[..., axis] = end
            points[..., u] = np.linspace(low[u], high[u], counts[0])[:, None]
            points[..., v] = np.linspace(low[v], high[v], counts[1])[None, :]
            sculptor.grid(points, slot, part=part, flipped=flip)


def plate(
    sculptor: Sculptor, axis: int, at: float, outward: float, a: tuple[float, float], b: tuple[float, float], slot: int
) -> None:
    """A rectangle on a face across an axis, just proud of it: spans ``a`` and ``b`` along the other two axes in
    order."""
    u, v = [other for other in range(3) if other != axis]
    corners = []
    for first, second in ((a[0], b[0]), (a[1], b[0]), (a[1], b[1]), (a[0], b[1])):
        point = [0.0, 0.0, 0.0]
        point[axis], point[u], point[v] = at + outward * _PROUD_M, first, second
        corners.append(point)
    # u × v points along x and z, against y.
    if (outward > 0) == (axis == 1):
        corners.reverse()
    sculptor.polygon(corners, slot)


def add_nose_lamps(sculptor: Sculptor, y: float, half_m: float, z: float) -> None:
    for side, lamp, blink in (
        (-1.0, Surface.HEADLAMP_LEFT, Surface.INDICATOR_LEFT),
        (1.0, Surface.HEADLAMP_RIGHT, Surface.INDICATOR_RIGHT),
    ):
        for inner, outer, slot in ((0.62, 0.86, lamp), (0.87, 0.97, blink)):
            span = sorted((side * inner * half_m, side * outer * half_m))
            plate(sculptor, 1, y, 1.0, (span[0], span[1]), (z, z + 0.2), slot)


def add_tail_lamps(sculptor: Sculptor, y: float, half_m: float, z: float) -> None:
    for side, lamp, blink in (
        (-1.0, Surface.TAILLAMP_LEFT, Surface.INDICATOR_LEFT),
        (1.0, Surface.TAILLAMP_RIGHT, Surface.INDICATOR_RIGHT),
    ):
        for inner, outer, slot in ((0.68, 0.84, lamp), (0.85, 0.97, blink)):
            span = sorted((side * inner * half_m, side * outer * half_m))
            plate(sculptor, 1, y, -1.0, (span[0], span[1]), (z, z + 0.22), slot)


@cache
def heavy_mesh(kind: ParticipantType) -> Mesh:
    """Body and wheels of a truck, tractor or bus, parts as in ``vehicles.Car``; raises KeyError for others."""
    sculptor = Sculptor()
    _BUILDERS[kind](sculptor, VEHICLES[kind])
    for part, side in ((1, -1), (2, 1), (3, -1), (4, 1)):
        add_wheel(sculptor, VEHICLES[kind].wheel_radius_m, part, side)
    return sculptor.mesh()


def _cab(sculptor: Sculptor, rear_y: float, front_y: float, half: float, low: float, top: float) -> None:
    sheets(sculptor, (-half, rear_y, low), (half, front_y, top), Surface.PAINT)
    tall = top - low
    glass = (low + 0.50 * tall, low + 0.86 * tall)
    plate(sculptor, 1, front_y, 1.0, (-0.92 * half, 0.92 * half), glass, Surface.GLASS)
    plate(
        sculptor, 1, front_y, 1.0, (-0.55 * half, 0.55 * half), (low + 0.12 * tall, low + 0.36 * tall), Surface.GRILLE
    )
    plate(sculptor, 1, front_y, 1.0, (-half, half), (low, low + 0.09 * tall), Surface.TRIM)
    for side in (-1.0, 1.0):
        plate(sculptor, 0, side * half, side, (front_y - 1.05, front_y - 0.18), glass, Surface.GLASS)
        x = sorted((side * (half - 0.02), side * (half + 0.16)))
        sculptor.box((x[0], front_y - 0.05, glass[0]), (x[1], front_y + 0.06, glass[1]), Surface.TRIM)
    add_nose_lamps(sculptor, front_y, half, low + 0.13 * tall)


def _frame(sculptor: Sculptor, rear_y: float, front_y: float) -> None:
    sculptor.box((-0.5, rear_y, 0.55), (0.5, front_y, 0.95), Surface.WELL)


def _truck(sculptor: Sculptor, body: VehicleBody) -> None:
    half, front, rear = body.width_m / 2, body.length_m / 2, -body.length_m / 2
    _cab(sculptor, front - 1.95, front, half - 0.06, 0.45, 2.60)
    _frame(sculptor, rear + 0.05, front - 0.4)
    sheets(sculptor, (-half, rear, 0.98), (half, front - 2.15, body.height_m), Surface.PAINT_WHITE)
    plate(sculptor, 1, rear, -1.0, (-0.96 * half, -0.02), (1.05, body.height_m - 0.08), Surface.STEEL)
    plate(sculptor, 1, rear, -1.0, (0.02, 0.96 * half), (1.05, body.height_m - 0.08), Surface.STEEL)
    sculptor.box((-half + 0.05, rear, 0.55), (half - 0.05, rear + 0.12, 0.85), Surface.TRIM)
    add_tail_lamps(sculptor, rear, half, 0.60)


def _tractor(sculptor: Sculptor, body: VehicleBody) -> None:
    half, front, rear = body.width_m / 2, body.length_m / 2, -body.length_m / 2
    _cab(sculptor, front - 2.2, front, half - 0.04, 0.45, body.height_m - 0.05)
    _frame(sculptor, rear, front - 0.4)
    for side in (-1.0, 1.0):
        x = sorted((side * 0.62, side * (half - 0.05)))
        sculptor.box((x[0], -0.3, 0.5), (x[1], 0.75, 1.0), Surface.CHROME)
        mud = sorted((side * 0.75, side * half))
        sculptor.box((mud[0], rear + 0.45, 1.02), (mud[1], rear + 1.75, 1.08), Surface.TRIM)
    add_tail_lamps(sculptor, rear, half, 0.62)


def _bus(sculptor: Sculptor, body: VehicleBody) -> None:
    half, front, rear, top = body.width_m / 2, body.length_m / 2, -body.length_m / 2, body.height_m
    sheets(sculptor, (-half, rear, body.clearance_m), (half, front, top), Surface.PAINT)
    plate(sculptor, 1, front, 1.0, (-0.94 * half, 0.94 * half), (1.05, top - 0.50), Surface.GLASS)
    plate(sculptor, 1, front, 1.0, (-0.6 * half, 0.6 * half), (top - 0.42, top - 0.16), Surface.WELL)
    plate(sculptor, 1, rear, -1.0, (-0.8 * half, 0.8 * half), (1.75, top - 0.45), Surface.GLASS)
    plate(sculptor, 1, rear, -1.0, (-0.7 * half, 0.7 * half), (0.75, 1.45), Surface.GRILLE)
    panes = np.linspace(rear + 0.4, front - 0.35, 8)
    for side in (-1.0, 1.0):
        for a, b in zip(panes[:-1] + 0.05, panes[1:] - 0.05, strict=True):
            plate(sculptor, 0, side * half, side, (float(a), float(b)), (body.belt_m, top - 0.45), Surface.GLASS)
        for axle in (body.wheelbase_m / 2, -body.wheelbase_m / 2):
            arch = (axle - 0.62, axle + 0.62)
            plate(sculptor, 0, side * half, side, arch, (body.clearance_m, 1.0), Surface.WELL)
    for door in (front - 1.45, -0.7):
        plate(sculptor, 0, half + 0.006, 1.0, (door, door + 1.2), (0.42, top - 0.40), Surface.GLASS)
    sculptor.box((-0.7, rear + 2.0, top), (0.7, rear + 4.5, top + 0.2), Surface.STEEL)
    add_nose_lamps(sculptor, front, half, 0.55)
    add_tail_lamps(sculptor, rear, half, 0.62)


_BUILDERS = {ParticipantType.TRUCK: _truck, ParticipantType.ARTICULATED_TRUCK: _tractor, ParticipantType.BUS: _bus}


@cache
def trailer_mesh() -> Mesh:
    """A semi-trailer about its own middle; its wheels do not turn."""
    sculptor = Sculptor()
    half, rear, front = TRAILER.width_m / 2, -TRAILER.length_m / 2, TRAILER.length_m / 2
    sheets(sculptor, (-half, rear, TRAILER.clearance_m + 0.12), (half, front, TRAILER.height_m), Surface.PAINT_WHITE)
    sculptor.box((-0.5, rear, 0.80), (0.5, front - 2.6, TRAILER.clearance_m + 0.12), Surface.WELL)
    plate(sculptor, 1, rear, -1.0, (-0.96 * half, -0.02), (1.25, TRAILER.height_m - 0.1), Surface.STEEL)
    plate(sculptor, 1, rear, -1.0, (0.02, 0.96 * half), (1.25, TRAILER.height_m - 0.1), Surface.STEEL)
    sculptor.box((-half + 0.05, rear, 0.60), (half - 0.05, rear + 0.12, 0.90), Surface.TRIM)
    add_tail_lamps(sculptor, rear, half, 0.66)
    body = sculptor.mesh()
    wheels = []
    for at in (1.9, 3.2, 4.5):
        for side in (-1, 1):
            wheel = Sculptor()
            add_wheel(wheel, TRAILER.wheel_radius_m, 0, side)
            wheels.append(wheel.mesh().moved((side * 1.05, rear + at, TRAILER.wheel_radius_m)))
    return joined([body, *wheels])
