"""Clouds of droplets or smoke before what stands and moves: soft, and hidden by whatever is nearer than they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import kernel
from its_core.engines.simulator.portable_math import power_scalar
from its_core.engines.simulator.rendering.standing import FINE

F32 = NDArray[np.float32]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_REACH = 2.4  # radii of a puff at which it has ended
_LEAST = 0.004  # opacity that nobody sees


@kernel
def veil_about_all(puffs: Floats, nearness: F32, veil: F32, glow: F32, touched: Bools) -> NDArray[np.int64]:
    """Lays K puffs (K×9) over the picture: column, row, depth (m), radius in pixels, radius in metres, opacity in its
    middle, and by how much its light differs from other clouds', by colour. ``veil`` H×W: the share of the light behind
    that they take together; ``glow`` H×W×3 gains the differences. ``nearness`` 2H×2W: inverse depth of what shows.
    Returns the windows in which it did, K×4."""
    height, width = veil.shape
    windows = np.zeros((len(puffs), 4), np.int64)
    for number in range(len(puffs)):
        x, y, depth, radius, radius_m, opacity = puffs[number, :6]
        red, green, blue = puffs[number, 6:]
        if opacity <= _LEAST:
            continue
        ends_at = 1.0 - power_scalar(_LEAST / opacity, 1.0 / 3.0)  # square of the share of the reach that is seen
        span = _REACH * radius * np.sqrt(ends_at) + 1.0
        windows[number, 0], windows[number, 1] = max(int(y - span), 0), min(int(y + span) + 1, height)
        windows[number, 2], windows[number, 3] = max(int(x - span), 0), min(int(x + span) + 1, width)
        narrowing = 1.0 / (_REACH * _REACH * radius * radius)
        for row in range(windows[number, 0], windows[number, 1]):
            down = row + 0.5 - y
            rest = 1.0 - down * down * narrowing
            for column in range(windows[number, 2], windows[number, 3]):
                aside = column + 0.5 - x
                left = rest - aside * aside * narrowing
                if left <= 0.0:
                    continue
                share = opacity * left * left * left  # close to a bell curve, and ended
                if share <= _LEAST:  # a body can only make it less
                    continue
                near = nearness[FINE * row, FINE * column]
                if near > 0.0:  # a body in the midst of the puff is hidden by the half of it before the body
                    share *= min(max(0.5 + 0.5 * (1.0 / near - depth) / radius_m, 0.0), 1.0)
                if share > _LEAST:
                    share *= 1.0 - veil[row, column]
                    veil[row, column] += share
                    glow[row, column, 0] += share * red
                    glow[row, column, 1] += share * green
                    glow[row, column, 2] += share * blue
                    touched[row, column] = True
    return windows
