"""The shapes of the car classes as lines a stylist would draw: side profile, plan, greenhouse.

All lines live in the body frame (x right, y forward, z up, origin on the ground under the middle), in metres. Overall
sizes come from ``bodies.VEHICLES``; the numbers here only say how each class fills its box.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.dimensions import VEHICLES, VehicleBody
from its_core.taxonomy import ParticipantType

Floats = NDArray[np.float64]
Line = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Greenhouse:
    """Glass and roof: a ring at the sills tapering to a ring at the roof's edge, and the roof's crown above it.

    ``base`` and ``top`` are (front y, rear y, half width); ``top_m`` and ``roof_m`` heights. ``pillars`` are the shares
    of the side's length, front to rear, at which one side window ends and the next begins.
    """

    base: tuple[float, float, float]
    top: tuple[float, float, float]
    top_m: float
    roof_m: float
    pillars: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class CarShape:
    """``upper`` and ``lower`` are the body's top and bottom line, (y, z) from nose to tail; ``nose`` and ``tail`` say
    how far from the end the plan begins to narrow (m) and to which share of the width it does."""

    body: VehicleBody
    upper: Line
    lower: Line
    nose: tuple[float, float]
    tail: tuple[float, float]
    greenhouse: Greenhouse
    doors: tuple[float, ...]
    bed: tuple[float, float] | None = None

    def top_m(self, y: Floats) -> Floats:
        """Height of the body's upper line (bonnet, sills, boot lid) at each y."""
        return _along(self.upper, y)

    def bottom_m(self, y: Floats) -> Floats:
        return _along(self.lower, y)

    def half_width_m(self, y: Floats) -> Floats:
        half_length = self.body.length_m / 2
        ends = [(y, self.nose), (-y, self.tail)]
        share = np.ones_like(y)
        for towards_end, (length, narrowest) in ends:
            into = np.clip((towards_end - (half_length - length)) / length, 0.0, 1.0)
            share -= (1.0 - narrowest) * (1.0 - np.sqrt(np.maximum(1.0 - pm.power(into, 2.6), 0.0)))
        return share * self.body.width_m / 2


def _along(line: Line, y: Floats) -> Floats:
    points = np.asarray(line, dtype=np.float64)[::-1]
    return np.interp(y, points[:, 0], points[:, 1])


_V = VEHICLES
SHAPES: dict[ParticipantType, CarShape] = {
    ParticipantType.SEDAN: CarShape(
        _V[ParticipantType.SEDAN],
        upper=(
            (2.35, 0.56), (2.33, 0.63), (2.25, 0.70), (2.05, 0.765), (1.70, 0.83), (1.30, 0.89), (1.00, 0.925),
            (0.40, 0.935), (-0.60, 0.95), (-1.50, 0.985), (-1.90, 1.01), (-2.22, 1.005), (-2.31, 0.95), (-2.35, 0.80),
        ),
        lower=((2.35, 0.33), (2.28, 0.22), (2.00, 0.17), (-1.90, 0.17), (-2.28, 0.27), (-2.35, 0.40)),
        nose=(0.95, 0.66),
        tail=(0.80, 0.74),
        greenhouse=Greenhouse((1.10, -1.78, 0.80), (0.22, -0.86, 0.585), 1.365, 1.45, ((0.05, 0.50), (0.53, 0.80))),
        doors=(0.92, -0.18, -1.12),
    ),
    ParticipantType.HATCHBACK: CarShape(
        _V[ParticipantType.HATCHBACK],
        upper=(
            (2.025, 0.58), (2.01, 0.66), (1.94, 0.74), (1.78, 0.81), (1.45, 0.87), (1.15, 0.915), (0.80, 0.935),
            (0.20, 0.945), (-0.80, 0.965), (-1.55, 0.99), (-1.90, 1.00), (-1.99, 0.94), (-2.025, 0.78),
        ),
        lower=((2.025, 0.34), (1.96, 0.22), (1.70, 0.16), (-1.62, 0.16), (-1.96, 0.28), (-2.025, 0.42)),
        nose=(0.85, 0.68),
        tail=(0.50, 0.80),
        greenhouse=Greenhouse((0.98, -1.90, 0.765), (0.20, -1.44, 0.575), 1.385, 1.48, ((0.05, 0.47), (0.50, 0.82))),
        doors=(0.82, -0.22, -1.08),
    ),
    ParticipantType.SUV: CarShape(
        _V[ParticipantType.SUV],
        upper=(
            (2.375, 0.70), (2.36, 0.80), (2.29, 0.89), (2.10, 0.95), (1.60, 1.00), (1.10, 1.05), (0.60, 1.075),
            (-0.80, 1.09), (-2.00, 1.13), (-2.26, 1.12), (-2.33, 1.05), (-2.375, 0.86),
        ),
        lower=((2.375, 0.42), (2.30, 0.28), (2.05, 0.22), (-2.00, 0.22), (-2.30, 0.32), (-2.375, 0.45)),
        nose=(0.80, 0.72),
        tail=(0.55, 0.82),
        greenhouse=Greenhouse(
            (1.12, -2.24, 0.845), (0.38, -1.93, 0.665), 1.605, 1.72, ((0.045, 0.365), (0.395, 0.65), (0.68, 0.93))
        ),
        doors=(0.88, -0.12, -1.05),
    ),
    ParticipantType.PICKUP: CarShape(
        _V[ParticipantType.PICKUP],
        upper=(
            (2.85, 0.78), (2.84, 0.93), (2.78, 1.02), (2.55, 1.07), (2.10, 1.11), (1.60, 1.14), (0.80, 1.14),
            (-0.70, 1.15), (-0.90, 1.17), (-2.70, 1.19), (-2.82, 1.18), (-2.85, 1.12),
        ),
        lower=((2.85, 0.50), (2.78, 0.34), (2.50, 0.28), (-2.40, 0.30), (-2.78, 0.45), (-2.85, 0.48)),
        nose=(0.60, 0.80),
        tail=(0.25, 0.94),
        greenhouse=Greenhouse(
            (1.58, -0.86, 0.875), (0.78, -0.66, 0.72), 1.765, 1.88, ((0.055, 0.50), (0.535, 0.90))
        ),
        doors=(1.32, 0.16, -0.80),
        bed=(-0.92, -2.76),
    ),
    ParticipantType.VAN: CarShape(
        _V[ParticipantType.VAN],
        upper=(
            (2.70, 0.72), (2.69, 0.83), (2.62, 0.93), (2.45, 1.01), (2.15, 1.10), (1.80, 1.18), (1.30, 1.20),
            (-2.45, 1.20), (-2.66, 1.20), (-2.70, 1.15),
        ),
        lower=((2.70, 0.40), (2.62, 0.26), (2.35, 0.20), (-2.40, 0.22), (-2.66, 0.34), (-2.70, 0.40)),
        nose=(0.75, 0.74),
        tail=(0.20, 0.95),
        greenhouse=Greenhouse((2.02, -2.685, 0.945), (1.12, -2.63, 0.80), 2.12, 2.30, ((0.05, 0.31),)),
        doors=(1.55, 0.42, -1.05),
    ),
}  # fmt: skip


def hull(vehicle: ParticipantType) -> Floats:
    """Corners (K×3, metres, body frame, K ≤ 40) of the convex hull of a car's bodywork, wheels left out.

    The underside keeps the body's clearance, so that a car at rest touches the ground with its wheels alone.
    """
    shape = SHAPES[vehicle]
    half_length = shape.body.length_m / 2
    y = np.array([half_length, half_length - 0.22, -half_length + 0.18, -half_length])
    width, top, bottom = shape.half_width_m(y), shape.top_m(y), shape.bottom_m(y)
    house = shape.greenhouse
    points = [(w, at, z) for at, w, high, low in zip(y, width, top, bottom, strict=True) for z in (low, high)]
    belt = float(shape.top_m(np.array([0.0]))[0])
    for at in (half_length - shape.nose[0], -half_length + shape.tail[0]):
        points += [(shape.body.width_m / 2, at, shape.body.clearance_m), (shape.body.width_m / 2, at, belt - 0.10)]
    for at in house.top[:2]:
        points.append((house.top[2], at, house.top_m))
    front, rear = house.top[0] - 0.25, house.top[1] + 0.15
    points += [(house.top[2] * 0.75, front, house.roof_m), (house.top[2] * 0.75, rear, house.roof_m)]
    right = np.array(points)
    both = np.concatenate([right, right * np.array([-1.0, 1.0, 1.0])])
    corners: Floats = both[ConvexHull(both).vertices]
    return corners
