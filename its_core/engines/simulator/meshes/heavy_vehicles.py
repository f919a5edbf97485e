"""Trucks, tractors, semi-trailers and buses: flat sheets on a frame."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.dimensions import TRAILER, VEHICLES, VehicleBody
from its_core.engines.simulator.meshes.car_fittings import add_wheel
from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.meshes.mesh import Mesh, Sculptor, joined
from its_core.taxonomy import ParticipantType

Floats = NDArray[np.float64]

_CELL_M = 0.8  # sheets are cut this small, and smaller where they are struck, so that they can crumple
_BAND = Surface.STRIPE
_IN_FLANK_M = 0.035  # from the flank at the front axle to the middle of the tyres
# How much narrower that flank is than the vehicle, on each side.
_NARROWER_M = {ParticipantType.TRUCK: 0.06, ParticipantType.ARTICULATED_TRUCK: 0.04, ParticipantType.BUS: 0.0}
_PROUD_M = 0.012  # what is fixed to a sheet stands out by this much
_APART_M = 0.2  # lines between cells that are nearer to an inlay's edge fall on it
Corner = tuple[float, float, float]
Span = tuple[float, float]


class Inlay(NamedTuple):
    """A rectangle of the face across an axis, at its low (−1) or high (1) end, that is not of sheet metal: a window is
    an opening in the body, so that there is no paint behind it. ``a``, ``b`` as in ``plate``."""

    axis: int
    outward: float
    a: Span
    b: Span
    slot: int


def sheets(sculptor: Sculptor, low: Corner, high: Corner, slot: int, inlays: Sequence[Inlay] = ()) -> None:
    """An axis-aligned box whose six faces are cut into cells. Of inlays that overlap, the last one shows."""
    for axis in range(3):
        u, v = [other for other in range(3) if other != axis]
        for end, outward, flip in ((low[axis], -1.0, axis != 1), (high[axis], 1.0, axis == 1)):
            here = [inlay for inlay in inlays if inlay.axis == axis and inlay.outward == outward]
            across = _lines(low[u], high[u], [inlay.a for inlay in here])
            up = _lines(low[v], high[v], [inlay.b for inlay in here])
            points = np.empty((len(across), len(up), 3))
            points[..., axis] = end
            points[..., u], points[..., v] = across[:, None], up[None, :]
            cells = np.full((len(across) - 1, len(up) - 1), slot, np.uint8)
            for inlay in here:
                cells[np.ix_(_within(across, inlay.a), _within(up, inlay.b))] = inlay.slot
            sculptor.grid(points, cells, flipped=flip)


def _lines(low: float, high: float, spans: Sequence[Span]) -> Floats:
    """Where a face is cut: evenly, and at the edges of these spans."""
    even = np.linspace(low, high, max(1, round((high - low) / _CELL_M)) + 1)
    edges = np.array([edge for span in spans for edge in span])
    inner = even[1:-1]
    apart = np.abs(inner[:, None] - edges[None, :]).min(axis=1, initial=np.inf) > _APART_M
    return np.unique(np.concatenate([even[[0, -1]], inner[apart], edges]))


def _within(lines: Floats, span: Span) -> NDArray[np.bool_]:
    middles = (lines[:-1] + lines[1:]) / 2
    return (middles > span[0]) & (middles < span[1])


def plate(sculptor: Sculptor, axis: int, at: float, outward: float, a: Span, b: Span, slot: int) -> None:
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
    body = VEHICLES[kind]
    out_m = (body.width_m - body.track_m) / 2 - _NARROWER_M[kind] - _IN_FLANK_M
    for part, side in ((1, -1), (2, 1), (3, -1), (4, 1)):
        add_wheel(sculptor, body.wheel_radius_m, part, side, out_m)
    return sculptor.mesh()


def _cab(sculptor: Sculptor, rear_y: float, front_y: float, half: float, low: float, top: float) -> None:
    tall = top - low
    glass = (low + 0.50 * tall, low + 0.86 * tall)
    inlays = [
        Inlay(1, 1.0, (-0.92 * half, 0.92 * half), glass, Surface.GLASS),
        Inlay(1, 1.0, (-0.55 * half, 0.55 * half), (low + 0.12 * tall, low + 0.36 * tall), Surface.GRILLE),
        Inlay(1, 1.0, (-half, half), (low, low + 0.09 * tall), Surface.TRIM),
    ]
    for side in (-1.0, 1.0):
        inlays.append(Inlay(0, side, (front_y - 1.05, front_y - 0.18), glass, Surface.GLASS))
        inlays.append(Inlay(0, side, (rear_y, front_y - 0.1), (low, low + 0.14 * tall), Surface.TRIM))
    sheets(sculptor, (-half, rear_y, low), (half, front_y, top), Surface.PAINT, inlays)
    sculptor.box((-0.9 * half, front_y, glass[1]), (0.9 * half, front_y + 0.09, glass[1] + 0.05), Surface.TRIM)
    for side in (-1.0, 1.0):
        plate(sculptor, 0, side * half, side, (front_y - 1.16, front_y - 1.13), (low + 0.1, glass[1]), Surface.SEAM)
        x = sorted((side * (half - 0.02), side * (half + 0.16)))
        sculptor.box((x[0], front_y - 0.05, glass[0]), (x[1], front_y + 0.06, glass[1]), Surface.TRIM)
    add_nose_lamps(sculptor, front_y, half, low + 0.13 * tall)


def _frame(sculptor: Sculptor, rear_y: float, front_y: float) -> None:
    sculptor.box((-0.5, rear_y, 0.55), (0.5, front_y, 0.95), Surface.WELL)


def _cargo_box(
    sculptor: Sculptor, y: tuple[float, float], z: tuple[float, float], half: float, doors_low: float
) -> None:
    """A box with the haulier's stripe and name on its sides, rails along its edges and doors at the rear."""
    rear, front = y
    low, top = z
    sheets(sculptor, (-half, rear, low), (half, front, top), Surface.BOX)
    edges = np.linspace(rear + 0.02, front - 0.02, max(2, round((front - rear) / _CELL_M)) + 1)
    name = np.arange(rear + 0.28 * (front - rear), rear + 0.72 * (front - rear), 0.36)
    letter_z = low + 0.60 * (top - low)
    band_z = (low + 0.16 * (top - low), low + 0.30 * (top - low))
    for side in (-1.0, 1.0):
        for near, far in pairwise(edges.tolist()):
            plate(sculptor, 0, side * half, side, (near, far), band_z, _BAND)
            plate(sculptor, 0, side * half, side, (near, far), (low, low + 0.09), Surface.TRIM)
            plate(sculptor, 0, side * half, side, (near, far), (top - 0.08, top), Surface.STEEL)
        for number, at in enumerate(name.tolist()):
            if number % 5 == 3:  # a gap between words
                continue
            tall = 0.34 + 0.16 * (number % 3 == 0)
            plate(sculptor, 0, side * half, side, (at, at + 0.22), (letter_z, letter_z + tall), _BAND)
        for at in np.linspace(rear + 0.4, front - 0.3, 4).tolist():
            lamp_z = (low + 0.02, low + 0.08)
            plate(sculptor, 0, side * (half + 0.006), side, (at, at + 0.11), lamp_z, Surface.LENS_AMBER)
    for near, far in ((-0.96 * half, -0.02), (0.02, 0.96 * half)):
        plate(sculptor, 1, rear, -1.0, (near, far), (doors_low, top - 0.08), Surface.BOX_SILVER)
        for share in (0.3, 0.72):
            at = near + share * (far - near)
            plate(sculptor, 1, rear - 0.012, -1.0, (at, at + 0.05), (doors_low + 0.05, top - 0.12), Surface.TRIM)
    for near in np.linspace(-0.94 * half, 0.72 * half, 5).tolist():  # reflecting tape along the sill
        plate(sculptor, 1, rear - 0.014, -1.0, (near, near + 0.24), (doors_low, doors_low + 0.09), Surface.SIGN_RED)


def _guards(sculptor: Sculptor, y: tuple[float, float], half: float) -> None:
    """Bars along the sides that keep others from running under."""
    for side in (-1.0, 1.0):
        x = sorted((side * (half - 0.10), side * (half - 0.04)))
        for low in (0.48, 0.74):
            sculptor.box((x[0], y[0], low), (x[1], y[1], low + 0.12), Surface.STEEL)


def _truck(sculptor: Sculptor, body: VehicleBody) -> None:
    half, front, rear = body.width_m / 2, body.length_m / 2, -body.length_m / 2
    flank = half - _NARROWER_M[ParticipantType.TRUCK]
    _cab(sculptor, front - 1.95, front, flank, 0.45, 2.60)
    for side in (-1.0, 1.0):
        _arch(sculptor, side * (flank + 1.5 * _PROUD_M), body.wheelbase_m / 2, body)
    _deflector(sculptor, (front - 1.9, front - 0.55), half - 0.25, (2.58, body.height_m - 0.1))
    _frame(sculptor, rear + 0.05, front - 0.4)
    _cargo_box(sculptor, (rear, front - 2.15), (0.98, body.height_m), half, 1.05)
    _guards(sculptor, (-body.wheelbase_m / 2 + 0.6, body.wheelbase_m / 2 - 0.7), half)
    sculptor.box((-half + 0.05, rear, 0.55), (half - 0.05, rear + 0.12, 0.85), Surface.TRIM)
    add_tail_lamps(sculptor, rear, half, 0.60)


def _deflector(sculptor: Sculptor, y: tuple[float, float], half: float, z: tuple[float, float]) -> None:
    """The slope on a cab's roof that leads the air over the box."""
    (rear, front), (low, top) = y, z
    slope = [(-half, front, low), (-half, rear, top), (half, rear, top), (half, front, low)]
    sculptor.polygon(slope, Surface.PAINT)
    for side in (-1.0, 1.0):
        cheek = [(side * half, front, low), (side * half, rear, low), (side * half, rear, top)]
        sculptor.polygon(cheek if side < 0 else cheek[::-1], Surface.PAINT)


def _tractor(sculptor: Sculptor, body: VehicleBody) -> None:
    half, front, rear = body.width_m / 2, body.length_m / 2, -body.length_m / 2
    flank = half - _NARROWER_M[ParticipantType.ARTICULATED_TRUCK]
    _cab(sculptor, front - 2.2, front, flank, 0.45, body.height_m - 0.05)
    for side in (-1.0, 1.0):
        _arch(sculptor, side * (flank + 1.5 * _PROUD_M), body.wheelbase_m / 2, body)
    _frame(sculptor, rear, front - 0.4)
    for side in (-1.0, 1.0):
        x = sorted((side * 0.62, side * (half - 0.05)))
        sculptor.box((x[0], -0.3, 0.5), (x[1], 0.75, 1.0), Surface.CHROME)
        mud = sorted((side * 0.75, side * half))
        sculptor.box((mud[0], rear + 0.45, 1.02), (mud[1], rear + 1.75, 1.08), Surface.TRIM)
        plate(sculptor, 0, side * (half - 0.04), side, (front - 2.15, front - 0.2), (1.32, 1.52), _BAND)
    add_tail_lamps(sculptor, rear, half, 0.62)


def _bus(sculptor: Sculptor, body: VehicleBody) -> None:
    half, front, rear, top = body.width_m / 2, body.length_m / 2, -body.length_m / 2, body.height_m
    inlays = [
        Inlay(1, 1.0, (-0.94 * half, 0.94 * half), (1.05, top - 0.50), Surface.GLASS),
        Inlay(1, 1.0, (-0.6 * half, 0.6 * half), (top - 0.42, top - 0.16), Surface.WELL),
        Inlay(1, -1.0, (-0.8 * half, 0.8 * half), (1.75, top - 0.45), Surface.GLASS),
        Inlay(1, -1.0, (-0.7 * half, 0.7 * half), (0.75, 1.45), Surface.GRILLE),
    ]
    panes = np.linspace(rear + 0.4, front - 0.35, 8)
    for side in (-1.0, 1.0):
        for a, b in pairwise(panes.tolist()):
            inlays.append(Inlay(0, side, (a + 0.05, b - 0.05), (body.belt_m, top - 0.45), Surface.SALOON))
        inlays.append(Inlay(0, side, (rear + 0.05, front - 0.05), (body.clearance_m, 0.45), Surface.TRIM))
    for door in (front - 1.45, -0.7):
        inlays.append(Inlay(0, 1.0, (door, door + 1.2), (0.45, top - 0.45), Surface.SALOON))
    for outward in (-1.0, 1.0):
        inlays.append(Inlay(1, outward, (-half, half), (body.clearance_m, 0.50), Surface.TRIM))
    sheets(sculptor, (-half, rear, body.clearance_m), (half, front, top), Surface.PAINT, inlays)
    for side in (-1.0, 1.0):
        for axle in (body.wheelbase_m / 2, -body.wheelbase_m / 2):
            _arch(sculptor, side * (half + _PROUD_M), axle, body)
        for at in np.linspace(rear + 0.8, front - 0.6, 7).tolist():
            plate(sculptor, 0, side * half, side, (at, at + 0.14), (0.70, 0.78), Surface.LENS_AMBER)
    for end, outward in ((front, 1.0), (rear, -1.0)):
        plate(sculptor, 1, end + 0.01 * outward, outward, (-0.26, 0.26), (0.56, 0.67), Surface.PLATE)
    for number in range(9):  # where it goes to
        at = -0.45 * half + 0.1 * half * number
        plate(sculptor, 1, front + 0.01, 1.0, (at, at + 0.07 * half), (top - 0.35, top - 0.22), Surface.LAMP_AMBER)
    sculptor.box((-0.7, rear + 2.0, top), (0.7, rear + 4.5, top + 0.2), Surface.STEEL)
    add_nose_lamps(sculptor, front, half, 0.55)
    add_tail_lamps(sculptor, rear, half, 0.78)
    for side, lamp in ((-1.0, Surface.TAILLAMP_LEFT), (1.0, Surface.TAILLAMP_RIGHT)):
        span = sorted((side * 0.84 * half, side * 0.97 * half))
        plate(sculptor, 1, rear, -1.0, (span[0], span[1]), (1.03, 1.32), lamp)


def _arch(sculptor: Sculptor, x: float, axle_y: float, body: VehicleBody) -> None:
    """The dark of a wheel's arch on a flank."""
    radius, low = body.wheel_radius_m + 0.12, body.clearance_m
    start = float(pm.asin((low - body.wheel_radius_m) / radius))
    angle = np.linspace(start, np.pi - start, 13)
    y, z = axle_y + radius * pm.cos(angle), body.wheel_radius_m + radius * pm.sin(angle)
    points = np.stack([np.full(13, x), y, z], axis=1)
    sculptor.polygon(points if x > 0.0 else points[::-1], Surface.WELL)


_BUILDERS = {ParticipantType.TRUCK: _truck, ParticipantType.ARTICULATED_TRUCK: _tractor, ParticipantType.BUS: _bus}


@cache
def trailer_mesh() -> Mesh:
    """A semi-trailer about its own middle; its wheels do not turn."""
    sculptor = Sculptor()
    half, rear, front = TRAILER.width_m / 2, -TRAILER.length_m / 2, TRAILER.length_m / 2
    floor = TRAILER.clearance_m + 0.12
    _cargo_box(sculptor, (rear, front), (floor, TRAILER.height_m), half, 1.25)
    sculptor.box((-0.5, rear, 0.80), (0.5, front - 2.6, floor), Surface.WELL)
    _guards(sculptor, (rear + 5.4, front - 4.2), half)
    for side in (-1.0, 1.0):  # landing legs
        x = side * 0.75
        sculptor.box((x - 0.08, front - 3.6, 0.25), (x + 0.08, front - 3.4, floor), Surface.STEEL_DARK)
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
