"""Walls: flat rectangles, and the styles that make houses of them (``facade_light`` paints them)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.roads.layouts import Building

F32 = NDArray[np.float32]
Ints = NDArray[np.int32]
RGB = tuple[float, float, float]

SHOP_M = 4.0  # height of a ground floor with shops
SIGN_M = (3.05, 3.75)  # between which heights its signs hang


@dataclass(frozen=True, slots=True)
class Style:
    """``bay_m`` and ``storey_m`` are the grid of the windows; ``window`` their share of bay and storey and the height
    of the sill as a share; ``recess_m`` how deep they sit; ``masonry`` 0 plaster, 1 brick, 2 panels, 3 sheet metal."""

    wall: RGB
    trim: RGB
    bay_m: float
    storey_m: float
    window: tuple[float, float, float]
    recess_m: float
    masonry: int
    shops: bool
    ledge: bool


STYLES = (
    Style((0.26, 0.125, 0.085), (0.42, 0.39, 0.34), 2.7, 3.2, (0.44, 0.56, 0.24), 0.16, 1, True, True),
    Style((0.10, 0.115, 0.13), (0.28, 0.29, 0.30), 1.5, 3.4, (0.90, 0.74, 0.20), 0.06, 2, True, False),
    Style((0.55, 0.49, 0.38), (0.60, 0.58, 0.53), 3.0, 3.2, (0.38, 0.54, 0.26), 0.20, 0, True, True),
    Style((0.36, 0.35, 0.335), (0.26, 0.255, 0.25), 6.0, 3.3, (0.96, 0.46, 0.32), 0.24, 2, False, False),
    Style((0.155, 0.075, 0.055), (0.33, 0.30, 0.26), 3.3, 3.4, (0.50, 0.62, 0.20), 0.18, 1, True, True),
    Style((0.44, 0.41, 0.355), (0.50, 0.47, 0.42), 2.4, 3.5, (0.40, 0.60, 0.22), 0.24, 0, False, True),
)
SHED = Style((0.34, 0.36, 0.37), (0.14, 0.17, 0.21), 7.5, 20.0, (0.30, 0.06, 0.02), 0.10, 3, False, False)


@dataclass(frozen=True, slots=True)
class Walls:
    """All walls of a place, a row each: foot of the left corner seen from outside (x, y), unit vector along, length,
    height, outward normal (x, y), number of the style, seed; ``styles`` is what those numbers point into."""

    corner: F32
    along: F32
    length: F32
    height: F32
    outward: F32
    style: Ints
    seed: Ints
    styles: tuple[Style, ...]

    def quads(self) -> F32:
        """W×4×3 corners, counter-clockwise seen from outside."""
        foot = np.concatenate([self.corner, np.zeros((len(self.length), 1), np.float32)], axis=1)
        across = np.concatenate([self.along * self.length[:, None], np.zeros((len(self.length), 1))], axis=1)
        up = np.stack([0.0 * self.height, 0.0 * self.height, self.height], axis=1)
        return np.stack([foot, foot + across, foot + across + up, foot + up], axis=1).astype(np.float32)

    def pick(self, values: Sequence[float]) -> F32:
        """A property of the styles (one a style), of each wall."""
        found: F32 = np.array(values, np.float32)[self.style]
        return found


def walls_of(buildings: Sequence[Building], sheds: bool) -> Walls:
    """The four walls of each building; along a highway buildings are sheds."""
    rows: list[tuple[float, ...]] = []
    for number, house in enumerate(buildings):
        x1, y1, x2, y2 = house.rect
        style = len(STYLES) if sheds else house.style % len(STYLES)
        for corner, along, length in (
            ((x1, y1), (1.0, 0.0), x2 - x1),
            ((x2, y1), (0.0, 1.0), y2 - y1),
            ((x2, y2), (-1.0, 0.0), x2 - x1),
            ((x1, y2), (0.0, -1.0), y2 - y1),
        ):
            rows.append(
                (*corner, *along, length, house.height_m, along[1], -along[0], style, number * 7 + len(rows) % 4)
            )
    table = np.array(rows, np.float32).reshape(-1, 10)
    return Walls(
        table[:, 0:2], table[:, 2:4], table[:, 4], table[:, 5], table[:, 6:8],
        table[:, 8].astype(np.int32), table[:, 9].astype(np.int32), (*STYLES, SHED),
    )  # fmt: skip
