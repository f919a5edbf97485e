"""What is bolted to a car: wheels, lamps, grille, plates, mirrors, door seams and handles, roof rails."""

from __future__ import annotations

import numpy as np

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.meshes.bodywork import Tub, bow
from its_core.engines.simulator.meshes.car_shapes import CarShape
from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.meshes.mesh import Sculptor
from its_core.taxonomy import ParticipantType

_TYRE_WIDTH_M = 0.215
_SIDES = 15  # of a wheel: three to a spoke

# Of each lamp: how far from the end it begins and ends along the flank (m), and between which columns of the section.
_HEADLAMPS = {
    ParticipantType.SEDAN: ((0.015, 0.42), (6.25, 7.95)),
    ParticipantType.HATCHBACK: ((0.015, 0.38), (6.25, 7.95)),
    ParticipantType.SUV: ((0.015, 0.36), (6.3, 7.9)),
    ParticipantType.PICKUP: ((0.012, 0.26), (6.1, 7.9)),
    ParticipantType.VAN: ((0.015, 0.44), (6.0, 7.9)),
}
_TAILLAMPS = {
    ParticipantType.SEDAN: ((0.012, 0.32), (5.9, 7.8)),
    ParticipantType.HATCHBACK: ((0.012, 0.22), (5.7, 7.9)),
    ParticipantType.SUV: ((0.012, 0.24), (5.7, 8.0)),
    ParticipantType.PICKUP: ((0.012, 0.13), (5.3, 7.8)),
    ParticipantType.VAN: ((0.012, 0.11), (5.2, 7.9)),
}


def add_lamps(sculptor: Sculptor, kind: ParticipantType, made: Tub) -> None:
    half = made.shape.body.length_m / 2
    for side, head, tail, blink in (
        (1, Surface.HEADLAMP_RIGHT, Surface.TAILLAMP_RIGHT, Surface.INDICATOR_RIGHT),
        (-1, Surface.HEADLAMP_LEFT, Surface.TAILLAMP_LEFT, Surface.INDICATOR_LEFT),
    ):
        (near, far), (low, high) = _HEADLAMPS[kind]
        edge = far - 0.28 * (far - near)
        flipped = side > 0
        sculptor.grid(made.patch((half - near, half - edge), (low, high), side, 6, 4), head, flipped=flipped)
        sculptor.grid(made.patch((half - edge, half - far), (low + 0.2, high), side, 4, 4), blink, flipped=flipped)
        (near, far), (low, high) = _TAILLAMPS[kind]
        split = low + 0.28 * (high - low)
        sculptor.grid(made.patch((far - half, near - half), (split, high), side, 6, 4), tail, flipped=flipped)
        sculptor.grid(made.patch((far - half, near - half), (low, split), side, 6, 3), blink, flipped=flipped)


def add_face(
    sculptor: Sculptor, shape: CarShape, rear: bool, width_m: float, low: float, high: float, slot: int
) -> None:
    """A strip across the flat of nose or tail, following its bow."""
    half = shape.body.length_m / 2 + 0.006
    x = np.linspace(-width_m / 2, width_m / 2, 7)
    grid = np.array([[[at, half, z] for at in x] for z in (low, high)])
    if rear:
        grid = grid * np.array([-1.0, -1.0, 1.0])
    sculptor.grid(bow(shape, grid), slot, flipped=False)


def add_ends(sculptor: Sculptor, kind: ParticipantType, shape: CarShape) -> None:
    """Grille, bumper openings, number plates."""
    half = shape.body.length_m / 2
    front_low, front_high = (float(line(np.array([half]))[0]) for line in (shape.bottom_m, shape.top_m))
    rear_low, rear_high = (float(line(np.array([-half]))[0]) for line in (shape.bottom_m, shape.top_m))
    tall = front_high - front_low
    wide = shape.body.width_m * shape.nose[1]
    add_face(sculptor, shape, False, 0.62 * wide, front_low + 0.55 * tall, front_low + 0.97 * tall, Surface.GRILLE)
    add_face(sculptor, shape, False, 0.86 * wide, front_low - 0.01, front_low + 0.26 * tall, Surface.TRIM)
    if kind is not ParticipantType.SEDAN:
        add_face(sculptor, shape, False, 0.62 * wide, front_low + 0.97 * tall, front_low + 1.03 * tall, Surface.CHROME)
    rear_tall = rear_high - rear_low
    wide = shape.body.width_m * shape.tail[1]
    add_face(sculptor, shape, True, 0.92 * wide, rear_low - 0.01, rear_low + 0.24 * rear_tall, Surface.TRIM)
    bumper = Surface.CHROME if kind is ParticipantType.PICKUP else Surface.TRIM
    add_face(sculptor, shape, True, 0.94 * wide, rear_low + 0.26 * rear_tall, rear_low + 0.30 * rear_tall, bumper)
    plate = rear_low + 0.55 * rear_tall
    for rear, z in ((False, front_low + 0.34 * tall), (True, plate)):
        grid = np.array([[[x, half + 0.012, at] for x in (-0.26, 0.26)] for at in (z - 0.055, z + 0.055)])
        sculptor.grid(grid * np.array([-1.0, -1.0, 1.0]) if rear else grid, Surface.PLATE)


def add_seams(sculptor: Sculptor, made: Tub) -> None:
    """Door gaps and handles."""
    doors = made.shape.doors
    for side in (1, -1):
        flipped = side > 0
        for y in doors:
            sculptor.grid(made.patch((y + 0.011, y - 0.011), (4.2, 7.9), side, 2, 8), Surface.SEAM, flipped=flipped)
        sculptor.grid(made.patch((doors[0], doors[-1]), (4.15, 4.3), side, 10, 2), Surface.SEAM, flipped=flipped)
        for y in doors[1:]:
            sculptor.grid(made.patch((y + 0.26, y + 0.08), (7.05, 7.3), side, 2, 2), Surface.TRIM, flipped=flipped)


def add_mirrors(sculptor: Sculptor, shape: CarShape) -> None:
    house = shape.greenhouse
    y = house.base[0] - 0.06 * (house.base[0] - house.base[1]) - 0.10
    z = float(shape.top_m(np.array([0.0]))[0]) + 0.10
    for side in (1, -1):
        x = side * (shape.body.width_m / 2 + 0.045)
        sculptor.ball((x, y, z), (0.105, 0.055, 0.075), Surface.PAINT, rings=4, sides=7)
        sculptor.box(
            (min(x, side * house.base[2]), y - 0.02, z - 0.075),
            (max(x, side * house.base[2]), y + 0.03, z - 0.04),
            Surface.TRIM,
        )


def add_high_brake_lamp(sculptor: Sculptor, shape: CarShape) -> None:
    """The third brake lamp, at the upper edge of the rear window."""
    house = shape.greenhouse
    y, z = house.top[1] - 0.03, house.top_m - 0.05
    grid = np.array([[[x, y - 0.05 * low, z - low * 0.07] for x in (0.24, -0.24)] for low in (1.0, 0.0)])
    sculptor.grid(grid, Surface.TAILLAMP_HIGH)


def add_roof_gear(sculptor: Sculptor, kind: ParticipantType, shape: CarShape) -> None:
    house = shape.greenhouse
    if kind is ParticipantType.SUV:
        for side in (1, -1):
            x = side * (house.top[2] - 0.05)
            y = np.linspace(house.top[0] - 0.30, house.top[1] + 0.15, 5)
            path = np.stack([np.full(5, x), y, house.top_m + np.array([0.03, 0.10, 0.115, 0.10, 0.03])], axis=1)
            sculptor.tube(path, [0.018] * 5, Surface.TRIM, sides=5)
    if kind is ParticipantType.SEDAN:
        fin = house.top[1] + 0.12
        sculptor.polygon([(0.012, fin, 1.45), (0.0, fin - 0.16, 1.49), (-0.012, fin, 1.45)], Surface.TRIM)


def add_wheel(sculptor: Sculptor, radius_m: float, part: int, outward: int, out_m: float = 0.0) -> None:
    """A wheel about the origin, its axle along x; ``outward`` is the sign of x that faces away from the car. ``out_m``:
    how far it lies out on its axle."""
    half = _TYRE_WIDTH_M / 2
    profile = [(-half, 0.72), (-half, 0.93), (-half * 0.75, 0.995), (half * 0.75, 0.995), (half, 0.93), (half, 0.70)]
    angle = np.arange(_SIDES) * (2.0 * np.pi / _SIDES)

    def ring(x: float, share: float) -> np.ndarray:
        return np.stack(
            [
                np.full(_SIDES, outward * (x + out_m)),
                share * radius_m * pm.cos(angle),
                share * radius_m * pm.sin(angle),
            ],
            axis=1,
        )

    sculptor.grid(
        np.stack([ring(x, share) for x, share in profile]), Surface.TYRE, part=part, closed=True, flipped=outward > 0
    )
    dish = [(half * 0.92, 0.70), (half * 0.55, 0.62), (half * 0.62, 0.24), (half * 0.75, 0.02)]
    cells = np.full((3, _SIDES), int(Surface.RIM), np.uint8)
    cells[1, np.arange(_SIDES) % 3 == 2] = Surface.WELL
    sculptor.grid(np.stack([ring(x, share) for x, share in dish]), cells, part=part, closed=True, flipped=outward > 0)
    sculptor.polygon(ring(-half, 0.72)[::-outward], Surface.WELL, part=part)
