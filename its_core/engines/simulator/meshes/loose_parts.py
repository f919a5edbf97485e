"""What a collision adds to a car: a bumper that drags on the ground, a fender or a door that gapes, scrapes along a
flank that another vehicle or a barrier went by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.meshes.car_shapes import CarShape
from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.meshes.mesh import Mesh, Sculptor
from its_core.engines.simulator.randomness import rng_of
from its_core.engines.simulator.trace import Dent

Floats = NDArray[np.float64]

HANGS_M = 0.2  # depth of a dent from which a part hangs loose
SCRAPES_M = 0.15  # a flank that is dented deeper was struck, not scraped
MOST = 5  # parts of one car
_TALL_M, _THICK_M = 0.24, 0.05
_STREAKS, _STREAK_LONG_M, _STREAK_HIGH_M, _PROUD_M = 7, (0.35, 1.3), (0.018, 0.06), 0.008


def loose_parts(shape: CarShape, dents: Sequence[Dent]) -> list[tuple[Dent, Mesh]]:
    """Of the blows of one car, in their order: the dent that tears a part loose, and the part (body frame)."""
    found: list[tuple[Dent, Mesh]] = []
    ends: set[bool] = set()
    for dent in dents:
        if abs(dent.direction[2]) > 0.6 or len(found) == MOST:
            continue
        if abs(dent.direction[0]) > 0.85 and dent.depth_m < SCRAPES_M:
            found.append((dent, _scrapes(shape, dent)))
        if dent.depth_m < HANGS_M:
            continue
        if abs(dent.direction[1]) > 0.6:
            front = dent.direction[1] < 0.0
            if front not in ends:
                ends.add(front)
                found.append((dent, _bumper(shape, dent, front)))
        else:
            found.append((dent, _panel(shape, dent)))
    return found


def _bumper(shape: CarShape, dent: Dent, front: bool) -> Mesh:
    """It hangs on by the side away from the blow; the other end lies on the ground, ahead of the wreck."""
    side = 1.0 if dent.point_m[0] >= 0.0 else -1.0  # where it came off
    end = 1.0 if front else -1.0
    half_width, half_length = 0.5 * shape.body.width_m, 0.5 * shape.body.length_m
    share = np.linspace(0.0, 1.0, 7)
    x = side * half_width * (-0.80 + 1.62 * share)
    sag = share * share
    y = end * (half_length - 0.62 * dent.depth_m * np.clip(0.25 + share, 0.0, 1.0) + 0.05 + 0.30 * sag)
    z = np.maximum(0.44 - 0.36 * pm.power(share, 1.4), 0.03)
    path = np.stack([x, y, z], axis=1)
    lean = np.stack([np.zeros(7), end * (0.05 + 0.20 * sag), _TALL_M * (1.0 - 0.35 * sag)], axis=1)
    return _sheet(path, path + lean, Surface.PAINT)


def _panel(shape: CarShape, dent: Dent) -> Mesh:
    """A door's or a fender's skin, that stands off the flank at its rear edge."""
    side = 1.0 if dent.point_m[0] >= 0.0 else -1.0
    sill = float(shape.top_m(np.array([0.0]))[0])
    half_width = 0.5 * shape.body.width_m
    reach = 0.5 * shape.body.length_m - 0.45
    middle = min(max(dent.point_m[1], -reach), reach)
    share = np.linspace(0.0, 1.0, 5)
    y = middle + 0.55 - 0.85 * share
    x = side * (half_width - 0.75 * dent.depth_m * (1.0 - share) + 0.02 + 0.24 * share * share)
    low = np.stack([x, y, np.full(5, 0.34)], axis=1)
    top = np.stack([x - side * 0.06, y + 0.05, np.full(5, sill - 0.16) - 0.10 * share], axis=1)
    return _sheet(low, top, Surface.PAINT)


def _scrapes(shape: CarShape, dent: Dent) -> Mesh:
    """Streaks along the doors, between the wheel arches, bare and black by turns."""
    sculptor = Sculptor()
    side = 1.0 if dent.point_m[0] >= 0.0 else -1.0
    rng = rng_of("scrape", dent.number, dent.frame, round(1000 * dent.point_m[1]))
    reach = 0.5 * shape.body.wheelbase_m - shape.body.wheel_radius_m - 0.12
    middle = min(max(dent.point_m[1], -reach), reach)
    low = float(shape.bottom_m(np.array([0.0]))[0])
    tall = float(shape.top_m(np.array([0.0]))[0]) - low
    for number in range(_STREAKS):
        long, high = float(rng.uniform(*_STREAK_LONG_M)), float(rng.uniform(*_STREAK_HIGH_M))
        start = min(max(middle + float(rng.uniform(-1.3, 1.3)) - 0.5 * long, -reach), reach - 0.3)
        y = np.linspace(start, min(start + long, reach), 4)
        z = low + tall * float(rng.uniform(0.36, 0.66))
        x = side * (shape.half_width_m(y) + _PROUD_M)
        edges = [np.stack([x, y, np.full(4, at)], axis=1) for at in (z, z + high)]
        sculptor.grid(np.stack(edges), Surface.STEEL if number % 2 else Surface.TORN, flipped=side > 0.0)
    return sculptor.mesh()


def _sheet(low: Floats, top: Floats, slot: Surface) -> Mesh:
    """A bent sheet between two edges, painted outside and bare inside."""
    sculptor = Sculptor()
    middle = 0.5 * (low + top)
    outward = middle - np.array([0.0, 0.0, 0.3])
    outward[:, 2] = 0.0
    outward /= np.maximum(np.asarray(pm.norm(outward))[:, None], 1e-6)
    grid = np.stack([low, middle + _THICK_M * outward, top])
    normal = np.cross(grid[1, 1] - grid[0, 1], grid[1, 2] - grid[0, 1])
    flipped = float(pm.dot(normal, outward[1])) > 0.0
    sculptor.grid(grid, slot, flipped=not flipped)
    sculptor.grid(grid - 0.012 * outward, Surface.TORN, flipped=flipped)
    return sculptor.mesh()
