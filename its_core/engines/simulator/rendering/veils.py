"""Clouds of droplets or smoke before what stands and moves: soft, and hidden by whatever is nearer than they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import kernel
from its_core.engines.simulator.portable_math import exp_scalar
from its_core.engines.simulator.rendering.standing import FINE

F32 = NDArray[np.float32]
Floats = NDArray[np.float64]

_REACH = 2.4  # radii of a puff at which it has ended
_LEAST = 0.004  # opacity that nobody sees


@kernel
def veil_about_all(puffs: Floats, nearness: F32, veil: F32, touched: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Lays K puffs over the picture: column, row, depth (m), radius in pixels, radius in metres, opacity in its middle.
    ``veil`` H×W: the share of the light behind that they take together. ``nearness`` 2H×2W: inverse depth of what
    shows. Returns the windows in which it did, K×4."""
    height, width = veil.shape
    windows = np.zeros((len(puffs), 4), np.int64)
    for number in range(len(puffs)):
        x, y, depth, radius, radius_m, opacity = puffs[number]
        span = _REACH * radius + 1.0
        windows[number, 0], windows[number, 1] = max(int(y - span), 0), min(int(y + span) + 1, height)
        windows[number, 2], windows[number, 3] = max(int(x - span), 0), min(int(x + span) + 1, width)
        edge = exp_scalar(-0.5 * _REACH * _REACH)
        for row in range(windows[number, 0], windows[number, 1]):
            for column in range(windows[number, 2], windows[number, 3]):
                down, aside = row + 0.5 - y, column + 0.5 - x
                away = (down * down + aside * aside) / (radius * radius)
                if away >= _REACH * _REACH:
                    continue
                share = opacity * (exp_scalar(-0.5 * away) - edge)
                near = nearness[FINE * row, FINE * column]
                if near > 0.0:  # a body in the midst of the puff is hidden by the half of it before the body
                    share *= min(max(0.5 + 0.5 * (1.0 / near - depth) / radius_m, 0.0), 1.0)
                if share > _LEAST:
                    veil[row, column] += share * (1.0 - veil[row, column])
                    touched[row, column] = True
    return windows
