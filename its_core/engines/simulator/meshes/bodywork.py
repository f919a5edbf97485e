"""A car's sheet metal and glass, lofted from the lines of its class."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.meshes.car_shapes import CarShape
from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.meshes.mesh import Sculptor

Floats = NDArray[np.float64]

ARCH_GAP_M = 0.065  # between tyre and wheel arch
_WELL, _SILL, _SHOULDER = 3, 5, 9  # columns of a section: from here out the well, the sill, the upper surface
_NOSE_BOW_M = 0.13
_TAIL_BOW_M = 0.07


@dataclass(frozen=True, slots=True)
class Tub:
    """The body below the sills as sections from nose to tail: R×C×3, a section running from the floor's middle over the
    right side and the top to the left side and back (column C/2 is the top's middle)."""

    shape: CarShape
    sections: Floats

    def patch(
        self,
        y: tuple[float, float],
        column: tuple[float, float],
        side: int,
        rows: int,
        columns: int,
        lift_m: float = 0.006,
    ) -> Floats:
        """Points of the right (+1) or left (−1) flank lifted off it, rows along y, columns up."""
        along = self.sections[:, 0, 1]
        at_row = np.interp(-np.linspace(*y, rows), -along, np.arange(len(along)))
        at_column = np.linspace(*column, columns)
        points = _bilinear(self.sections, at_row, at_column)
        centre = np.array([0.0, 0.0, 0.5])
        outward = points - centre
        outward[..., 1] *= 0.35  # mostly sideways; a little forwards at the rounded ends
        points = points + lift_m * outward / pm.norm(outward)[..., None]
        lifted: Floats = points * np.array([side, 1.0, 1.0])
        return lifted


def _bilinear(grid: Floats, rows: Floats, columns: Floats) -> Floats:
    r, c = np.minimum(rows.astype(int), len(grid) - 2), np.minimum(columns.astype(int), grid.shape[1] - 2)
    u, v = (rows - r)[:, None, None], (columns - c)[None, :, None]
    low = grid[np.ix_(r, c)] * (1 - v) + grid[np.ix_(r, c + 1)] * v
    high = grid[np.ix_(r + 1, c)] * (1 - v) + grid[np.ix_(r + 1, c + 1)] * v
    mixed: Floats = low * (1 - u) + high * u
    return mixed


def bow(shape: CarShape, points: Floats) -> Floats:
    """Curves nose and tail in plan: what lies off the middle falls back."""
    half = shape.body.length_m / 2
    x, y = points[..., 0] / (shape.body.width_m / 2), points[..., 1]
    depth = np.where(y > 0, _NOSE_BOW_M, -_TAIL_BOW_M) * np.clip((np.abs(y) - half + 0.7) / 0.7, 0.0, 1.0)
    bowed = points.copy()
    bowed[..., 1] -= depth * x**2
    return bowed


def tub(shape: CarShape) -> Tub:
    body = shape.body
    y = _stations(shape)
    width, top, bottom = shape.half_width_m(y[:, 0]), shape.top_m(y[:, 0]), shape.bottom_m(y[:, 0])
    low = bottom.copy()
    radius = body.wheel_radius_m + ARCH_GAP_M
    for axle in (body.wheelbase_m / 2, -body.wheelbase_m / 2):
        inside = (y[:, 1] > 0) & (np.abs(y[:, 0] - axle) <= radius + 1e-6)
        arch = body.wheel_radius_m + np.sqrt(np.maximum(radius**2 - (y[:, 0] - axle) ** 2, 0.0))
        low = np.where(inside, np.maximum(low, arch), low)
    tall = top - low
    crown = np.full_like(top, 0.035)
    columns = [
        (0.0 * width, bottom),
        (0.70 * width, bottom),
        (0.70 * width, low),
        (0.955 * width, low),
        (0.99 * width, low + 0.05 * tall + 0.01),
        (1.0 * width, low + 0.40 * tall),
        (0.998 * width, low + 0.64 * tall),
        (0.975 * width, low + 0.86 * tall),
        (0.925 * width, top - 0.012),
        (0.80 * width, top + 0.35 * crown),
        (0.42 * width, top + 0.85 * crown),
        (0.0 * width, top + crown),
    ]
    right = np.stack([np.stack([x, y[:, 0], z], axis=-1) for x, z in columns], axis=1)
    if shape.bed is not None:
        _sink_bed(right, shape.bed, y[:, 0], width)
    left = right[:, -2:0:-1] * np.array([-1.0, 1.0, 1.0])
    return Tub(shape, bow(shape, np.concatenate([right, left], axis=1)))


def _stations(shape: CarShape) -> Floats:
    """N×2: y from nose to tail, and whether the station belongs to a wheel arch (its edges appear twice)."""
    half = shape.body.length_m / 2
    radius = shape.body.wheel_radius_m + ARCH_GAP_M
    plain = [half - d for d in (0.0, 0.012, 0.035, 0.08, 0.15, 0.25, 0.40, 0.60)]
    plain += [-half + d for d in (0.0, 0.012, 0.035, 0.08, 0.15, 0.25, 0.40, 0.60)]
    plain += list(np.linspace(half - 0.8, -half + 0.8, 9))
    rows = []
    for axle in (shape.body.wheelbase_m / 2, -shape.body.wheelbase_m / 2):
        plain = [y for y in plain if abs(y - axle) > radius + 0.03]
        rows += [(axle + radius * pm.cos(angle), 1.0) for angle in np.linspace(0.0, np.pi, 11)]
        plain += [axle + radius + 1e-4, axle - radius - 1e-4]
    if shape.bed is not None:
        plain += [shape.bed[0] + 1e-3, shape.bed[0] - 1e-3, shape.bed[1] + 1e-3, shape.bed[1] - 1e-3]
    rows += [(y, 0.0) for y in plain]
    return np.array(sorted(rows, key=lambda row: -row[0]))


def _sink_bed(right: Floats, bed: tuple[float, float], y: Floats, width: Floats) -> None:
    """Lowers the top of the sections inside a pickup's bed to its floor."""
    inside = (y < bed[0]) & (y > bed[1])
    floor = 0.78
    for column, share in ((9, 0.86), (10, 0.84), (11, 0.0)):
        right[inside, column, 0] = share * width[inside]
        right[inside, column, 2] = floor if column > 9 else right[inside, 8, 2]


def add_tub(sculptor: Sculptor, made: Tub) -> None:
    """The body's skin: paint, dark sills and wheel wells, closed at both ends."""
    shape, sections = made.shape, made.sections
    rows, columns = sections.shape[:2]
    half = (columns + 2) // 2
    column = np.arange(columns)
    mirrored = np.where(column < half - 1, column, columns - 1 - column)
    cells = np.full((rows - 1, columns), int(Surface.PAINT), np.uint8)
    cells[:, mirrored < _WELL] = Surface.WELL
    cells[:, mirrored == _WELL] = Surface.TRIM
    if shape.body.clearance_m > 0.19:
        cells[:, mirrored == _WELL + 1] = Surface.TRIM
    if shape.bed is not None:
        middle = (sections[:-1, 0, 1] + sections[1:, 0, 1]) / 2
        inside = (middle < shape.bed[0]) & (middle > shape.bed[1])
        cells[np.ix_(inside, mirrored >= _SHOULDER)] = Surface.TRIM
    sculptor.grid(sections, cells, closed=True, flipped=True)
    for end, flipped in ((sections[0], True), (sections[-1], False)):
        right = end[:half]
        across = right[:, None] * np.stack([np.linspace(1.0, -1.0, 7), np.ones(7), np.ones(7)], axis=1)
        across[..., 1] = end[0, 1]
        sculptor.grid(bow(shape, across), Surface.PAINT, flipped=flipped)


def add_greenhouse(sculptor: Sculptor, shape: CarShape) -> None:
    """Pillars, windows and roof."""
    house = shape.greenhouse
    belt = float(shape.top_m(np.array([0.0]))[0]) - 0.03
    levels = np.array([0.0, 0.085, 0.36, 0.66, 0.93, 1.0])
    shares = sorted({0.0, 1.0, *(edge for window in house.pillars for edge in window)})
    rings = np.stack([_ring(shape, level, belt, shares) for level in levels])
    cells = np.full((len(levels) - 1, rings.shape[1]), int(Surface.PAINT), np.uint8)
    glazed = _glazed(shape, shares)
    cells[1:4, glazed] = Surface.GLASS
    pillar_black = ~glazed & _between_windows(shares, house.pillars)
    cells[1:4, pillar_black] = Surface.TRIM
    sculptor.grid(rings, cells, closed=True)
    edge = rings[-1]
    middle = np.array([0.0, (edge[:, 1].max() + edge[:, 1].min()) / 2, 0.0])
    cap = []
    for scale in (1.0, 0.94, 0.82, 0.6, 0.3, 0.02):
        ring = middle + (edge - middle) * np.array([scale, scale, 0.0])
        ring[:, 2] = house.top_m + (house.roof_m - house.top_m) * (1.0 - float(pm.power(scale, 2.6)))
        cap.append(ring)
    sculptor.grid(np.stack(cap), Surface.PAINT, closed=True)


_ACROSS = np.array([-1.0, -0.93, -0.5, 0.0, 0.5, 0.93, 1.0])


def _ring(shape: CarShape, level: float, belt: float, shares: list[float]) -> Floats:
    """Closed ring at a level of the greenhouse: front from left to right, right side, rear, left side."""
    house = shape.greenhouse
    swell = pm.sin(np.pi * level)
    front, rear, half = (a + (b - a) * level for a, b in zip(house.base, house.top, strict=True))
    front, half = front + 0.045 * swell, half + 0.025 * swell
    z = belt + (house.top_m - belt) * level
    bulge = 0.10 * (1.0 - _ACROSS**2)
    ahead = np.stack([_ACROSS * half, front + bulge, np.full(7, z)], axis=1)
    behind = np.stack([-_ACROSS * half, rear - 0.5 * bulge, np.full(7, z)], axis=1)
    inner = np.array(shares[1:-1])
    right = np.stack([np.full(len(inner), half), front + (rear - front) * inner, np.full(len(inner), z)], axis=1)
    left = right[::-1] * np.array([-1.0, 1.0, 1.0])
    return np.concatenate([ahead, right, behind, left])


def _glazed(shape: CarShape, shares: list[float]) -> NDArray[np.bool_]:
    """Which cells of a ring are windows."""
    windows = set(shape.greenhouse.pillars)
    side = [(a, b) in windows for a, b in pairwise(shares)]
    screen = [abs(a + b) / 2 < 0.93 for a, b in pairwise(_ACROSS)]
    return np.array(screen + side + screen + side[::-1])


def _between_windows(shares: list[float], windows: tuple[tuple[float, float], ...]) -> NDArray[np.bool_]:
    first, last = windows[0][0], windows[-1][1]
    side = [first <= a and b <= last for a, b in pairwise(shares)]
    none = [False] * (len(_ACROSS) - 1)
    return np.array(none + side + none + side[::-1])
