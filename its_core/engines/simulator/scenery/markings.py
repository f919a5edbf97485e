"""Lines on the road as flat polygons: lane lines, stop lines, zebra stripes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.optics.raster import Soup
from its_core.engines.simulator.roads.layouts import Crosswalk, Marking

F32 = NDArray[np.float32]

_STRIPE_M = 0.50
_STRIPE_PITCH_M = 1.05


def paint(markings: Sequence[Marking], crosswalks: Sequence[Crosswalk]) -> tuple[Soup, NDArray[np.bool_]]:
    """All paint of a place as triangles, and which of them are yellow; the others are white."""
    quads: list[F32] = []
    yellow: list[bool] = []
    for marking in markings:
        strips = _strips(marking)
        quads += strips
        yellow += [marking.colour == "yellow"] * len(strips)
    for crosswalk in crosswalks:
        stripes = _zebra(crosswalk)
        quads += stripes
        yellow += [False] * len(stripes)
    corners = np.array(quads, np.float32).reshape(-1, 4, 2)
    vertices = np.concatenate([corners.reshape(-1, 2), np.zeros((4 * len(corners), 1), np.float32)], axis=1)
    first = 4 * np.arange(len(corners))[:, None]
    triangles = np.concatenate([first + np.array([0, 1, 2]), first + np.array([0, 2, 3])]).astype(np.int32)
    return Soup(vertices.astype(np.float32), triangles), np.concatenate([yellow, yellow]).astype(bool)


def _strips(marking: Marking) -> list[F32]:
    """A line's dashes as rectangles; long ones in pieces, so that none straddles the camera's plane."""
    (x1, y1), (x2, y2) = marking.start, marking.end
    length = math.hypot(x2 - x1, y2 - y1)
    if length < 1e-6:
        return []
    along = np.array([x2 - x1, y2 - y1]) / length
    aside = np.array([-along[1], along[0]]) * marking.width_m / 2
    period = marking.dash_m + marking.gap_m
    solid = period <= 0.0
    step, dash = (25.0, 25.0) if solid else (period, marking.dash_m)
    found = []
    for begin in np.arange(0.0, length, step):
        a = np.array([x1, y1]) + begin * along
        b = np.array([x1, y1]) + min(begin + dash, length) * along
        found.append(np.array([a - aside, b - aside, b + aside, a + aside], np.float32))
    return found


def _zebra(crosswalk: Crosswalk) -> list[F32]:
    """Stripes that lie along the traffic's way, set out across the road."""
    x1, y1, x2, y2 = crosswalk.rect
    (ax, ay), (bx, by) = crosswalk.path
    across_x = abs(bx - ax) > abs(by - ay)
    low, high = (x1, x2) if across_x else (y1, y2)
    count = max(1, int((high - low - 0.3) / _STRIPE_PITCH_M))
    first = (low + high) / 2 - (count - 1) * _STRIPE_PITCH_M / 2
    found = []
    for number in range(count):
        a = first + number * _STRIPE_PITCH_M - _STRIPE_M / 2
        b = a + _STRIPE_M
        box = (a, y1, b, y2) if across_x else (x1, a, x2, b)
        found.append(np.array([(box[0], box[1]), (box[2], box[1]), (box[2], box[3]), (box[0], box[3])], np.float32))
    return found
