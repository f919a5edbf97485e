"""Plans and points in them."""

from __future__ import annotations

import numpy as np

from its_core.engines.simulator.meshes.noise import sampled

RECT = (-20.0, -15.0, 30.0, 25.0)


def plainly(grid: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The same with NumPy, all points at once."""
    rows, columns = grid.shape
    u = np.clip((x - np.float32(RECT[0])) * np.float32(columns / 50.0) - np.float32(0.5), 0, columns - 1.001)
    v = np.clip((np.float32(RECT[3]) - y) * np.float32(rows / 40.0) - np.float32(0.5), 0, rows - 1.001)
    c, r = u.astype(np.int32), v.astype(np.int32)
    u, v = u - c, v - r
    top = grid[r, c] * (1 - u) + grid[r, c + 1] * u
    low = grid[r + 1, c] * (1 - u) + grid[r + 1, c + 1] * u
    return top + v * (low - top)


def test_a_plan_is_sampled_to_the_last_bit_as_its_formula_says() -> None:
    rng = np.random.default_rng(4)
    grid = rng.random((37, 41), np.float32)
    x, y = (rng.uniform(-60.0, 60.0, (300, 5)).astype(np.float32) for _ in range(2))  # beyond its edges too

    found = sampled(grid, RECT, x, y)

    np.testing.assert_array_equal(found, plainly(grid, x, y))
    strided = sampled(grid, RECT, x[:, 0], y[:, 0])
    np.testing.assert_array_equal(strided, found[:, 0])
