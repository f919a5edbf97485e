"""How a lens bends rays: the radial part of OpenCV's model, and its inverse."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import inline, kernel

Floats = NDArray[np.float64]


@inline
def _step(straight: float, radius: float, k1: float, k2: float) -> float:
    """What Newton's method takes from a straight radius whose bent one should be ``radius``."""
    square = straight * straight
    error = straight * (1.0 + square * (k1 + square * k2)) - radius
    slope = 1.0 + square * (3.0 * k1 + 5.0 * square * k2)
    return error / max(slope, 0.2)


@kernel
def straightened(radius: float, k1: float, k2: float) -> float:
    """The distance from the axis (over depth) of the ray that falls at ``radius`` (in focal lengths)."""
    straight = radius
    for _ in range(8):
        step = _step(straight, radius, k1, k2)
        straight -= step
        if abs(step) < 1e-12:
            break
    return straight


@kernel
def bent(points: Floats, origin: Floats, rotation: Floats, k1: float, k2: float, edge: float) -> Floats:
    """World points N×3 in the frame of a camera at ``origin``, moved off or towards the axis as the lens bends them.
    Beyond the radius ``edge`` the bend goes on in proportion, since the model's polynomial may turn back there."""
    found = np.empty((len(points), 3), np.float64)
    bends = k1 != 0.0 or k2 != 0.0
    edge_square = edge * edge
    at_edge = 1.0 + edge_square * (k1 + edge_square * k2)
    for i in range(len(points)):
        x, y, z = points[i, 0] - origin[0], points[i, 1] - origin[1], points[i, 2] - origin[2]
        right = rotation[0, 0] * x + rotation[0, 1] * y + rotation[0, 2] * z
        down = rotation[1, 0] * x + rotation[1, 1] * y + rotation[1, 2] * z
        depth = rotation[2, 0] * x + rotation[2, 1] * y + rotation[2, 2] * z
        if bends:
            square = edge_square
            if depth > 1e-3:
                square = (right * right + down * down) / (depth * depth)
            factor = 1.0 + square * (k1 + square * k2) if square < edge_square else at_edge
            right, down = right * factor, down * factor
        found[i, 0], found[i, 1], found[i, 2] = right, down, depth
    return found


@kernel
def _straight_rays(
    across: Floats, down: Floats, rotation: Floats, k1: float, k2: float, rays: NDArray[np.float32]
) -> None:
    factors = np.ones(len(across))
    if k1 != 0.0 or k2 != 0.0:
        # Without a branch, for many rays at once; a fifth step no longer changes what four have found.
        for i in range(len(across)):
            radius = np.sqrt(across[i] * across[i] + down[i] * down[i]) + 1e-300
            straight = radius
            for _ in range(5):
                straight -= _step(straight, radius, k1, k2)
            factors[i] = straight / radius
    for i in range(len(across)):
        x, y = across[i] * factors[i], down[i] * factors[i]
        for axis in range(3):
            rays[i, axis] = x * rotation[0, axis] + y * rotation[1, axis] + rotation[2, axis]


def straight_rays(across: Floats, down: Floats, rotation: Floats, k1: float, k2: float) -> NDArray[np.float32]:
    """Directions …×3 (world, one metre deep) of the rays that fall at these distances right of and below the axis, in
    focal lengths."""
    rays = np.empty((across.size, 3), np.float32)
    _straight_rays(across.ravel(), down.ravel(), rotation, k1, k2, rays)
    return rays.reshape(*across.shape, 3)


@kernel
def grid_rays(across: Floats, down: Floats, rotation: Floats, k1: float, k2: float) -> NDArray[np.float32]:
    """``straight_rays`` of a grid of columns and rows, row after row, H×W×3."""
    rays = np.empty((len(down), len(across), 3), np.float32)
    for row in range(len(down)):
        _straight_rays(across, np.full(len(across), down[row]), rotation, k1, k2, rays[row])
    return rays
