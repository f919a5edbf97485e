"""Polylines that vehicles and pedestrians follow, measured by arc length."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.compilation import kernel

Floats = NDArray[np.float64]
Point = tuple[float, float]
SPACING_M = 1.0


def straight(start: Point, end: Point) -> list[Point]:
    """Points from ``start`` to ``end``, both included, about a metre apart."""
    length_m = math.dist(start, end)
    steps = max(1, round(length_m / SPACING_M))
    return [
        (start[0] + (end[0] - start[0]) * i / steps, start[1] + (end[1] - start[1]) * i / steps)
        for i in range(steps + 1)
    ]


def arc(centre: Point, radius_m: float, from_deg: float, to_deg: float) -> list[Point]:
    """Points on a circle from one angle to another (counter-clockwise from east; the order gives the direction)."""
    steps = max(4, math.ceil(abs(math.radians(to_deg - from_deg)) * radius_m / (0.5 * SPACING_M)))
    angles = (math.radians(from_deg + (to_deg - from_deg) * i / steps) for i in range(steps + 1))
    return [(centre[0] + radius_m * pm.cos(a), centre[1] + radius_m * pm.sin(a)) for a in angles]


def joined(*parts: Sequence[Point]) -> tuple[Point, ...]:
    """Parts one after another; a point that repeats the last one within a centimetre is left out."""
    points: list[Point] = []
    for part in parts:
        for point in part:
            if not points or math.dist(points[-1], point) > 0.01:
                points.append(point)
    return tuple(points)


class Path:
    """A polyline of K points. Arc length ``s`` runs from 0 to ``length_m``; beyond both ends the line goes straight
    on."""

    def __init__(self, points: Sequence[Point]) -> None:
        self.points: Floats = np.asarray(points, dtype=np.float64)
        legs = np.diff(self.points, axis=0)
        lengths = pm.hypot(legs[:, 0], legs[:, 1])
        self.s: Floats = np.concatenate([[0.0], np.cumsum(lengths)])
        self.length_m = float(self.s[-1])
        self.tangents: Floats = legs / lengths[:, None]  # K−1, one a leg

    def at(self, s_m: float) -> Floats:
        """The point at arc length ``s_m``, x and y in metres."""
        leg = self._leg(s_m)
        return np.asarray(self.points[leg] + (s_m - self.s[leg]) * self.tangents[leg])

    def point(self, s_m: float) -> Point:
        """``at`` as two numbers."""
        return _point(self.points, self.s, s_m)

    def direction(self, s_m: float) -> Floats:
        """The unit tangent at ``s_m``."""
        return np.asarray(self.tangents[self._leg(s_m)])

    def curvature(self, s_m: float, over_m: float = 4.0) -> float:
        """Mean absolute curvature from ``s_m`` on, in 1/m."""
        a, b = self.direction(s_m), self.direction(s_m + over_m)
        turn = abs(pm.atan2(a[0] * b[1] - a[1] * b[0], a[0] * b[0] + a[1] * b[1]))
        return float(turn / over_m)

    def project(self, points: Floats, s_from: float = -math.inf, s_to: float = math.inf) -> tuple[Floats, Floats]:
        """Arc length and lateral offset (left positive), both M, of M×2 ``points``; only the stretch between
        ``s_from`` and ``s_to`` is looked at, ends extended straight on."""
        first = max(0, int(np.searchsorted(self.s, s_from)) - 1) if s_from > -math.inf else 0
        last = min(len(self.s), int(np.searchsorted(self.s, s_to)) + 1) if s_to < math.inf else len(self.s)
        first = min(first, len(self.s) - 2)
        last = max(last, first + 2)
        line = self.points[first:last]
        x, y = points[:, :1] - line[:, 0], points[:, 1:] - line[:, 1]
        nearest = np.minimum((x * x + y * y).argmin(axis=1), len(line) - 2)
        tangent = self.tangents[first + nearest]
        offset = points - line[nearest]
        along = offset[:, 0] * tangent[:, 0] + offset[:, 1] * tangent[:, 1]
        # A point behind its nearest vertex belongs to the leg before it.
        behind = (along < 0) & (nearest > 0)
        if behind.any():
            nearest = nearest - behind
            tangent = self.tangents[first + nearest]
            offset = points - line[nearest]
            along = offset[:, 0] * tangent[:, 0] + offset[:, 1] * tangent[:, 1]
        lateral = tangent[:, 0] * offset[:, 1] - tangent[:, 1] * offset[:, 0]
        return self.s[first + nearest] + along, lateral

    def project_one(self, x: float, y: float, s_from: float = -math.inf, s_to: float = math.inf) -> tuple[float, float]:
        """``project`` of one point."""
        return _project_one(self.points, self.s, self.tangents, x, y, s_from, s_to)

    def _leg(self, s_m: float) -> int:
        return min(max(int(np.searchsorted(self.s, s_m, side="right")) - 1, 0), len(self.tangents) - 1)


def meeting(first: Path, second: Path, within_m: float = 1.8) -> tuple[float, float] | None:
    """The arc lengths, on either path, at which the first one comes within ``within_m`` of the second; None when it
    never does."""
    away = first.points[:, None, :] - second.points[None, :, :]
    distances = pm.hypot(away[..., 0], away[..., 1])
    near = np.flatnonzero(distances.min(axis=1) < within_m)
    if len(near) == 0:
        return None
    return float(first.s[near[0]]), float(second.s[int(distances[near[0]].argmin())])


@kernel
def _project_one(
    points: Floats, s: Floats, tangents: Floats, x: float, y: float, s_from: float, s_to: float
) -> tuple[float, float]:
    """The nearest point of the legs that lie between two arc lengths."""
    best, found, beside = 1e18, 0.0, 0.0
    last = len(tangents) - 1
    for leg in range(len(tangents)):
        if s[leg + 1] < s_from or s[leg] > s_to:
            continue
        dx, dy = x - points[leg, 0], y - points[leg, 1]
        along = dx * tangents[leg, 0] + dy * tangents[leg, 1]
        aside = tangents[leg, 0] * dy - tangents[leg, 1] * dx
        over = 0.0
        if along < 0.0 and leg > 0:
            over, along = -along, 0.0
        length = s[leg + 1] - s[leg]
        if along > length and leg < last:
            over, along = along - length, length
        square = aside * aside + over * over
        if square < best:
            best, found, beside = square, s[leg] + along, aside
    return found, beside


@kernel
def _point(points: Floats, s: Floats, s_m: float) -> Point:
    leg = 0
    while leg < len(s) - 2 and s[leg + 1] <= s_m:
        leg += 1
    share = (s_m - s[leg]) / (s[leg + 1] - s[leg])
    x = points[leg, 0] + share * (points[leg + 1, 0] - points[leg, 0])
    y = points[leg, 1] + share * (points[leg + 1, 1] - points[leg, 1])
    return x, y
