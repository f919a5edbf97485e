"""What stands close before a camera and covers part of its picture: posts, arms and signal heads, trees, walls."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.meshes.street_furniture import (
    HEAD_HALF_M,
    LAMP_HEIGHT_M,
    LAMP_RADIUS_M,
    LAMP_REACH_M,
    LUMINAIRE_M,
    MAST_ARM_M,
    MAST_RADIUS_M,
    POLE_HEIGHT_M,
    POLE_RADIUS_M,
)
from its_core.engines.simulator.meshes.vegetation import TRUNK_HEIGHT_M, TRUNK_RADIUS_M
from its_core.engines.simulator.portable_math import norm
from its_core.engines.simulator.roads.bounds import nearest_on_road
from its_core.engines.simulator.roads.layouts import Layout, Point

Floats = NDArray[np.float64]

_NEAREST_M = 0.3  # depths are cut off here: what is nearer covers the lens
_PIECE_M = 0.25


def uprights(layout: Layout) -> Floats:
    """Points along everything thin that stands by the road, a quarter of a metre apart: N×4, x, y, z and the radius
    about them in metres."""
    pieces = [_piece((*foot, 0.0), (*foot, TRUNK_HEIGHT_M), TRUNK_RADIUS_M) for foot in layout.trees]
    pieces += [_piece((*foot, 0.0), (*foot, POLE_HEIGHT_M), POLE_RADIUS_M) for foot in layout.poles]
    for foot in layout.street_lamps:
        top = (*_towards(foot, nearest_on_road(layout, *foot), LAMP_REACH_M + LUMINAIRE_M), LAMP_HEIGHT_M)
        pieces.append(_piece((*foot, 0.0), (*foot, LAMP_HEIGHT_M), LAMP_RADIUS_M))
        pieces.append(_piece((*foot, LAMP_HEIGHT_M), top, LAMP_RADIUS_M))
    for head in layout.signals:
        x, y, z = head.position_m
        arm = z + MAST_ARM_M
        pieces.append(_piece((*head.mast_m, 0.0), (*head.mast_m, arm), MAST_RADIUS_M))
        pieces.append(_piece((*head.mast_m, arm), (x, y, arm), MAST_RADIUS_M))
        pieces.append(_piece((x, y, z), (x, y, arm), HEAD_HALF_M))
    return np.concatenate(pieces) if pieces else np.zeros((0, 4))


def covered_shares(seen: Floats, radius_m: Floats, focal_px: float, size_px: tuple[int, int]) -> Floats:
    """The share of the picture's width that each of N round things covers; 0 for those outside the picture.

    Args:
        seen: N×3, where their middles fall: x and y in pixels, and depth in metres.
        radius_m: N.
        focal_px: of the camera.
        size_px: width and height of the picture.
    """
    width_px, height_px = size_px
    depth = np.maximum(seen[:, 2], _NEAREST_M)
    half_px = radius_m * focal_px / depth
    across, down = np.abs(seen[:, 0] - width_px / 2), np.abs(seen[:, 1] - height_px / 2)
    inside = (seen[:, 2] > 0.0) & (across < width_px / 2 + half_px) & (down < height_px / 2 + half_px)
    return np.where(inside, 2.0 * half_px / width_px, 0.0)


def _piece(start: tuple[float, float, float], end: tuple[float, float, float], radius_m: float) -> Floats:
    a, b = np.array(start), np.array(end)
    count = max(2, int(float(norm(b - a)) / _PIECE_M) + 1)
    share = np.linspace(0.0, 1.0, count)[:, None]
    return np.column_stack([a + share * (b - a), np.full(count, radius_m)])


def _towards(foot: Point, road: Point, by_m: float) -> Point:
    away = np.array([road[0] - foot[0], road[1] - foot[1]])
    length = max(float(norm(away)), 1e-6)
    return (foot[0] + by_m * float(away[0]) / length, foot[1] + by_m * float(away[1]) / length)
