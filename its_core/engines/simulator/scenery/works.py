"""The furniture of road works, from the cones of a layout: the signs before them, the board, what lies behind them."""

from __future__ import annotations

import math

import numpy as np

from its_core.engines.simulator.meshes.mesh import Mesh
from its_core.engines.simulator.meshes.works import arrow_board, cone, cushion, light_tower, material, works_sign
from its_core.engines.simulator.roads.layouts import Layout

_SIGNS_BEFORE_M = (14.0, 42.0, 78.0)  # the first cone
_MATERIAL_M = 5.1  # from the cones, on the hard shoulder


def works(layout: Layout, lit: bool, rng: np.random.Generator) -> list[Mesh]:
    """``lit``: lamps burn."""
    if not layout.cones:
        return []
    turns = rng.uniform(0.0, 2.0 * math.pi, len(layout.cones))
    found = [cone().moved((x, y, 0.0), float(turn)) for (x, y), turn in zip(layout.cones, turns, strict=True)]
    edge = max(x for x, _ in layout.cones)
    inner_x = min(x for x, _ in layout.cones)
    first_y, last_y = min(y for _, y in layout.cones), max(y for _, y in layout.cones)
    for before in _SIGNS_BEFORE_M:
        found.append(works_sign().moved((edge + 0.9, first_y - before, 0.0), math.pi))
    wall_x, wall_y = next(start for start, _ in layout.barriers if abs(start[0] - inner_x) < 1.0)
    found.append(cushion().moved((wall_x, wall_y, 0.0)))
    found.append(arrow_board().moved((inner_x + 2.0, wall_y - 9.0, 0.0)))
    for _ in range(int(rng.integers(2, 5))):
        y = float(rng.uniform(wall_y + 4.0, last_y - 4.0))
        found.append(material(rng).moved((inner_x + _MATERIAL_M, y, 0.0)))
    found.append(light_tower(lit).moved((inner_x + _MATERIAL_M, float(rng.uniform(wall_y - 4.0, wall_y)), 0.0)))
    return found
