"""Which points houses shade, compiled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import inline, kernel

F32 = NDArray[np.float32]

_TOGETHER = 32  # points, most of which lie together: houses that shade none of them are passed over at once
_LEAST_M = 0.05  # along the ray: no house shades its own surface


@kernel
def shade(points: F32, blocks: F32, sun: F32, lit: F32) -> None:
    """Sets ``lit`` of those points (K×3) to 0 from which a ray towards the sun meets a block (B×5: x1, y1, x2, y2,
    height). ``sun``: the unit vector to it, no part of which is 0."""
    for first in range(0, len(points), _TOGETHER):
        some = points[first : first + _TOGETHER]
        low_x, high_x, low_y, high_y, low_z = some[0, 0], some[0, 0], some[0, 1], some[0, 1], some[0, 2]
        for i in range(1, len(some)):
            low_x, high_x = min(low_x, some[i, 0]), max(high_x, some[i, 0])
            low_y, high_y = min(low_y, some[i, 1]), max(high_y, some[i, 1])
            low_z = min(low_z, some[i, 2])
        for number in range(len(blocks)):
            block = blocks[number]
            # As far as rays run before they are above the block.
            rise = max(block[4] - low_z, np.float32(0.0)) / sun[2]
            away_x, away_y = rise * sun[0], rise * sun[1]
            if block[0] >= high_x + max(away_x, 0.0) or low_x + min(away_x, 0.0) >= block[2]:
                continue
            if block[1] >= high_y + max(away_y, 0.0) or low_y + min(away_y, 0.0) >= block[3]:
                continue
            for i in range(len(some)):
                if _meets(some[i], block, sun):
                    lit[first + i] = 0.0


@inline
def _meets(point: F32, block: F32, sun: F32) -> bool:
    enter, leave = np.float32(-np.inf), np.float32(np.inf)
    for axis in range(3):
        near, far = (np.float32(0.0), block[4]) if axis == 2 else (block[axis], block[axis + 2])
        a, b = (near - point[axis]) / sun[axis], (far - point[axis]) / sun[axis]
        enter, leave = max(enter, min(a, b)), min(leave, max(a, b))
    return bool(enter < leave and leave > _LEAST_M)
