"""A road that winds: its middle line as a function of y, and how far points lie from it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm

Floats = NDArray[np.float64]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Winding:
    """``middle`` runs from south to north (y rises from point to point, by no less than a quarter of a step's length)
    and straight on beyond its ends; the road is ``half_m`` wide to either side."""

    middle: tuple[Point, ...]
    half_m: float
    _lines: tuple[Floats, Floats, Floats, Floats] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        points = np.array(self.middle)
        (x1, y1), (x2, y2) = points[1] - points[0], points[-1] - points[-2]
        far = 5000.0
        before, beyond = points[0] - far * np.array([x1 / y1, 1.0]), points[-1] + far * np.array([x2 / y2, 1.0])
        points = np.concatenate([before[None], points, beyond[None]])
        legs = np.diff(points, axis=0)
        legs /= pm.norm(legs)[..., None]
        along = np.concatenate([legs[:1], legs[:-1] + legs[1:], legs[-1:]])
        along /= pm.norm(along)[..., None]
        lines = (points[:, 1].copy(), points[:, 0].copy(), along[:, 0].copy(), along[:, 1].copy())
        object.__setattr__(self, "_lines", lines)

    def aside_m(self, x: NDArray[np.floating], y: NDArray[np.floating]) -> Floats:
        """How far points lie to the east of the middle line, square to it. Exact on the line, within centimetres beside
        the road, rough beyond."""
        ys, xs, _, ahead_y = self._lines
        aside: Floats = (x - np.interp(y, ys, xs)) * np.interp(y, ys, ahead_y)
        return aside

    def outside_m(self, x: float, y: float) -> float:
        """Distance from the road's edge, negative on it."""
        return abs(float(self.aside_m(np.array([x]), np.array([y]))[0])) - self.half_m

    def at(self, y: float, aside_m: float = 0.0) -> Point:
        """The point ``aside_m`` to the east of the middle line, square to it, whose foot lies at ``y``."""
        ys, xs, ahead_x, ahead_y = self._lines
        tx, ty = float(np.interp(y, ys, ahead_x)), float(np.interp(y, ys, ahead_y))
        return (float(np.interp(y, ys, xs)) + aside_m * ty, y - aside_m * tx)

    def heading_rad(self, y: float) -> float:
        """Of the middle line, clockwise from north."""
        ys, _, ahead_x, ahead_y = self._lines
        return float(pm.atan2(float(np.interp(y, ys, ahead_x)), float(np.interp(y, ys, ahead_y))))


def drawn_middle(rng: np.random.Generator, reach_m: float, radii_m: tuple[float, float]) -> tuple[Point, ...]:
    """Bends and straights by turns, to ``reach_m`` either side of the origin, which the line passes; no bend turns
    farther than 34 degrees from north."""
    curvature = np.zeros(int(2.0 * reach_m))
    heading, at = float(rng.uniform(-0.3, 0.3)), 0.0
    start = heading
    sign = 1.0 if rng.random() < 0.5 else -1.0
    while at < len(curvature):
        at += float(rng.uniform(5.0, 60.0))
        target = sign * float(rng.uniform(0.22, 0.6))
        radius = float(rng.uniform(*radii_m))
        length = abs(target - heading) * radius
        curvature[int(at) : int(at + length)] = (target - heading) / max(length, 1.0)
        at, heading, sign = at + length, target, -sign
    turns = start + np.cumsum(curvature)
    sums = np.cumsum(np.pad(turns, (13, 12), mode="edge"))
    turns = (sums[25:] - sums[:-25]) / 25.0  # bends begin and end gently
    x, y = np.cumsum(pm.sin(turns)), np.cumsum(pm.cos(turns))
    middle = len(x) // 2
    points = np.stack([x - x[middle], y - y[middle]], axis=1)
    return tuple((round(float(a), 3), round(float(b), 3)) for a, b in points)
