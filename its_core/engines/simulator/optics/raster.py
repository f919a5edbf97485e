"""Triangles to samples on a CPU: which triangle shows at each sample, and how deep it lies.

Coverage is found in homogeneous coordinates (Olano and Greer, "Triangle scan conversion using 2D homogeneous
coordinates", 1997), so that triangles may reach behind the camera. What a sample looks like is computed afterwards,
from its triangle. Every sum is in float64 and in the order of the source: the same samples on every processor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import inline, kernel
from its_core.engines.simulator.optics.camera import Camera

F32 = NDArray[np.float32]
Ints = NDArray[np.int32]
Points = NDArray[np.float64]
Plane = tuple[float, float, float]
Planes = tuple[Plane, Plane, Plane, Plane]
Rect = tuple[int, int, int, int]  # left, top, right, bottom of samples, half-open

NEAR_M = 0.5  # nothing nearer is drawn
NOTHING = -1
# Which samples are drawn in even rows and in odd ones: 1 those of even columns, 2 those of odd ones, 3 all, 0 none.
Drawn = tuple[int, int]
ALL: Drawn = (3, 3)


@dataclass(frozen=True, slots=True)
class Soup:
    """Triangles ready to draw: vertices V×3 (world, metres), triangles T×3."""

    vertices: F32
    triangles: Ints


@dataclass(frozen=True, slots=True)
class Lens:
    """A grid of samples. A point (x, y, z) of the camera's frame falls on column x / z · focal + centre_x."""

    focal: float
    centre_x: float
    centre_y: float
    width: int
    height: int

    @classmethod
    def of(cls, camera: Camera, fine: int, shift: tuple[float, float] = (0.0, 0.0)) -> Lens:
        """``fine`` samples a pixel along each axis, shifted to the right and down by fractions of a sample."""
        return cls(
            camera.focal_px * fine,
            camera.width_px * fine / 2 - shift[0],
            camera.height_px * fine / 2 - shift[1],
            camera.width_px * fine,
            camera.height_px * fine,
        )


@dataclass(frozen=True, slots=True)
class Coverage:
    """H×W: the triangle that shows at each sample (``NOTHING``: none), and the inverse of its depth, 1/m (0: none)."""

    triangle: Ints
    nearness: F32

    @classmethod
    def empty(cls, width: int, height: int) -> Coverage:
        return cls(np.full((height, width), NOTHING, np.int32), np.zeros((height, width), np.float32))

    def clear(self) -> None:
        self.triangle.fill(NOTHING)
        self.nearness.fill(0.0)


def view(camera: Camera, soup: Soup, fine: int = 1, shift: tuple[float, float] = (0.0, 0.0)) -> Coverage:
    """What the camera sees of the triangles alone."""
    lens = Lens.of(camera, fine, shift)
    seen = Coverage.empty(lens.width, lens.height)
    draw(camera.placed(soup.vertices), soup.triangles, lens, seen)
    return seen


def plan(rect: tuple[float, float, float, float], size: tuple[int, int], soup: Soup) -> NDArray[np.bool_]:
    """Where triangles lie in a plan of x1, y1, x2, y2 (metres), seen from straight above, north up: rows×columns."""
    x1, y1, x2, y2 = rect
    columns, rows = size
    across, up = columns / (x2 - x1), rows / (y2 - y1)
    placed = np.empty((len(soup.vertices), 3), np.float64)
    placed[:, 0] = (soup.vertices[:, 0].astype(np.float64) - x1) * across
    placed[:, 1] = (y2 - soup.vertices[:, 1].astype(np.float64)) * up
    placed[:, 2] = 1.0
    seen = Coverage.empty(columns, rows)
    draw(placed, soup.triangles, Lens(1.0, 0.0, 0.0, columns, rows), seen)
    covered: NDArray[np.bool_] = seen.triangle != NOTHING
    return covered


def draw(
    placed: NDArray[np.float64], triangles: Ints, lens: Lens, seen: Coverage, first: int = 0, only: Drawn = ALL
) -> None:
    """Draws triangles over what is there already, nearest first; their numbers count from ``first``. ``placed`` are
    points of the camera's frame (V×3, metres). ``only``: the samples that are drawn."""
    flat = columns_rows(placed, lens)
    _draw(placed, flat, triangles, first, lens.focal, lens.centre_x, lens.centre_y, only, seen.triangle, seen.nearness)


def columns_rows(placed: NDArray[np.float64], lens: Lens) -> Points:
    """V×2: where points of the camera's frame fall on the grid of samples; of no use for those before the near
    plane."""
    return _projected(placed, lens.focal, lens.centre_x, lens.centre_y)


def draw_counted(
    placed: NDArray[np.float64],
    triangles: Ints,
    starts: NDArray[np.int64],
    lens: Lens,
    seen: Coverage,
    stamps: NDArray[np.uint8],
    stamp: int,
    within: Rect | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """``draw`` for B closed bodies, whose triangles show their fronts alone: body i has those from ``starts[i]`` to
    before ``starts[i + 1]``. Returns how many samples each would cover with nothing else about (B), and the windows of
    samples on which each was drawn (B×4: top, bottom, left, right, half-open). ``stamps`` H×W remembers the last body
    drawn at each sample; these have the numbers from ``stamp`` on, which nothing in it has yet. ``within``: samples
    that count (left, top, right, bottom, half-open); by default, all."""
    height, width = stamps.shape
    counts, windows = np.zeros(len(starts) - 1, np.int64), np.zeros((len(starts) - 1, 4), np.int64)
    _draw_counted(
        placed,
        columns_rows(placed, lens),
        triangles,
        starts,
        lens.focal,
        lens.centre_x,
        lens.centre_y,
        seen.triangle,
        seen.nearness,
        stamps,
        stamp,
        (0, 0, width, height) if within is None else within,
        counts,
        windows,
    )
    return counts, windows


@kernel
def _projected(points: Points, focal: float, centre_x: float, centre_y: float) -> Points:
    """V×2: columns and rows of the points that lie beyond the near plane."""
    found = np.empty((len(points), 2))
    for i in range(len(points)):
        z = points[i, 2]
        if z >= NEAR_M:
            scale = focal / z
            found[i, 0], found[i, 1] = points[i, 0] * scale + centre_x, points[i, 1] * scale + centre_y
    return found


@inline
def _bounds(
    points: Points, flat: Points, corners: Ints, focal: float, centre_x: float, centre_y: float, width: int, height: int
) -> Rect:
    """Samples that a triangle may cover: left, top, right, bottom, half-open. ``flat``: by ``_projected``."""
    low_x, low_y, high_x, high_y = 1e18, 1e18, -1e18, -1e18
    for corner in range(3):
        here, other = corners[corner], corners[(corner + 1) % 3]
        z, oz = points[here, 2], points[other, 2]
        if z >= NEAR_M:
            px, py = flat[here, 0], flat[here, 1]
            low_x, high_x, low_y, high_y = min(low_x, px), max(high_x, px), min(low_y, py), max(high_y, py)
        if (z >= NEAR_M) != (oz >= NEAR_M):  # the edge runs through the near plane
            x, y = points[here, 0], points[here, 1]
            share = (NEAR_M - z) / (oz - z)
            px = (x + share * (points[other, 0] - x)) / NEAR_M * focal + centre_x
            py = (y + share * (points[other, 1] - y)) / NEAR_M * focal + centre_y
            low_x, high_x, low_y, high_y = min(low_x, px), max(high_x, px), min(low_y, py), max(high_y, py)
    if low_x > high_x or high_x < 0.0 or high_y < 0.0 or low_x > width or low_y > height:
        return 0, 0, 0, 0
    # Only samples whose middle may lie inside, with room for rounding.
    left, top = int(np.ceil(max(low_x - 0.501, 0.0))), int(np.ceil(max(low_y - 0.501, 0.0)))
    right = int(np.floor(min(high_x, width - 0.5) - 0.499)) + 1
    bottom = int(np.floor(min(high_y, height - 0.5) - 0.499)) + 1
    return left, top, right, bottom


@inline
def _turned_away(points: Points, flat: Points, corners: Ints) -> bool:
    """Whether a triangle before the near plane shows its back; its front is the side from which its corners turn
    counter-clockwise."""
    a, b, c = corners[0], corners[1], corners[2]
    if points[a, 2] < NEAR_M or points[b, 2] < NEAR_M or points[c, 2] < NEAR_M:
        return False
    x, y = flat[a, 0], flat[a, 1]
    return bool((flat[b, 0] - x) * (flat[c, 1] - y) >= (flat[c, 0] - x) * (flat[b, 1] - y))


@inline
def _edges(points: Points, corners: Ints, focal: float, centre_x: float, centre_y: float) -> Planes:
    """The three edges' and the nearness' coefficients over columns, rows and 1, all positive inside; zeros for a
    triangle seen edge on."""
    x0, y0, z0 = points[corners[0], 0], points[corners[0], 1], points[corners[0], 2]
    x1, y1, z1 = points[corners[1], 0], points[corners[1], 1], points[corners[1], 2]
    x2, y2, z2 = points[corners[2], 0], points[corners[2], 1], points[corners[2], 2]
    a0, b0, c0 = y1 * z2 - z1 * y2, z1 * x2 - x1 * z2, x1 * y2 - y1 * x2
    a1, b1, c1 = y2 * z0 - z2 * y0, z2 * x0 - x2 * z0, x2 * y0 - y2 * x0
    a2, b2, c2 = y0 * z1 - z0 * y1, z0 * x1 - x0 * z1, x0 * y1 - y0 * x1
    volume = x0 * a0 + y0 * b0 + z0 * c0
    if volume == 0.0:
        return (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
    sign = 1.0 if volume > 0.0 else -1.0
    scale = sign * (1.0 / focal)
    a0, b0 = a0 * scale, b0 * scale
    a1, b1 = a1 * scale, b1 * scale
    a2, b2 = a2 * scale, b2 * scale
    c0 = sign * c0 - a0 * centre_x - b0 * centre_y
    c1 = sign * c1 - a1 * centre_x - b1 * centre_y
    c2 = sign * c2 - a2 * centre_x - b2 * centre_y
    inverse = 1.0 / abs(volume)
    near = ((a0 + a1 + a2) * inverse, (b0 + b1 + b2) * inverse, (c0 + c1 + c2) * inverse)
    return (a0, b0, c0), (a1, b1, c1), (a2, b2, c2), near


@inline
def _narrowed(plane: Plane, inverse: float, y: float, low: float, high: float) -> tuple[float, float]:
    """The part of a row's span from ``low`` to ``high`` that lies inside an edge. ``inverse``: −1 / plane[0], 0 for an
    edge along the row. Two triangles that share an edge find the same point on it."""
    value = plane[1] * y + plane[2]
    at = value * inverse
    if plane[0] > 0.0:
        if at > low:
            low = at
    elif plane[0] < 0.0:
        if at < high:
            high = at
    elif value < 0.0:
        high = low - 1.0
    return low, high


@inline
def _inverse(slope: float) -> float:
    return -1.0 / slope if slope != 0.0 else 0.0


@inline
def _in_turn(planes: Planes) -> tuple[Plane, Plane, Plane, bool]:
    """The edges of a triangle: one on its left, one on its right, the third, and whether that is so. It is not for a
    triangle with an edge along the rows, or with rounding errors of its size."""
    first, second, third = planes[0], planes[1], planes[2]
    if first[0] < 0.0:
        first, second = second, first
    if first[0] < 0.0:  # both were on the right
        first, third = third, first
    elif second[0] > 0.0:  # both were on the left
        second, third = third, second
    return first, second, third, first[0] > 0.0 and second[0] < 0.0 and third[0] != 0.0


@inline
def _span(edges: tuple[Plane, Plane, Plane, bool], inverses: Plane, y: float, left: int, right: int) -> tuple[int, int]:
    """The samples of a row that lie in a triangle: columns from the first to before the second."""
    low, high = float(left), float(right)
    one, two, third, are_sorted = edges
    if are_sorted:
        begins, ends = (one[1] * y + one[2]) * inverses[0], (two[1] * y + two[2]) * inverses[1]
        at = (third[1] * y + third[2]) * inverses[2]
        low, high = max(low, begins), min(high, ends)
        if third[0] > 0.0:
            low = max(low, at)
        else:
            high = min(high, at)
    else:
        low, high = _narrowed(one, inverses[0], y, low, high)
        low, high = _narrowed(two, inverses[1], y, low, high)
        low, high = _narrowed(third, inverses[2], y, low, high)
    if high < low:
        return 0, 0
    return int(np.ceil(low - 0.5)), int(np.floor(high - 0.5)) + 1


@kernel
def _draw(
    points: Points,
    flat: Points,
    triangles: Ints,
    first: int,
    focal: float,
    centre_x: float,
    centre_y: float,
    only: Drawn,
    seen: Ints,
    nearness: F32,
) -> None:
    height, width = seen.shape
    for number in range(len(triangles)):
        corners = triangles[number]
        left, top, right, bottom = _bounds(points, flat, corners, focal, centre_x, centre_y, width, height)
        if left >= right or top >= bottom:
            continue
        planes = _edges(points, corners, focal, centre_x, centre_y)
        across, down, rest = planes[3]
        if across == 0.0 and down == 0.0 and rest == 0.0:
            continue
        edges = _in_turn(planes)
        inverses = (_inverse(edges[0][0]), _inverse(edges[1][0]), _inverse(edges[2][0]))
        for row in range(top, bottom):
            taken = only[row & 1]
            if taken == 0:
                continue
            begin, end = _span(edges, inverses, row + 0.5, left, right)
            if taken < 3:
                begin += (begin & 1) ^ (taken - 1)
            start = down * (row + 0.5) + rest
            for column in range(begin, end, 1 if taken == 3 else 2):
                near = across * (column + 0.5) + start
                if near > nearness[row, column] and near < 1.0 / NEAR_M:
                    seen[row, column] = first + number
                    nearness[row, column] = near


@kernel
def _draw_counted(
    points: Points,
    flat: Points,
    triangles: Ints,
    starts: NDArray[np.int64],
    focal: float,
    centre_x: float,
    centre_y: float,
    seen: Ints,
    nearness: F32,
    stamps: NDArray[np.uint8],
    first_stamp: int,
    within: Rect,
    counts: NDArray[np.int64],
    windows: NDArray[np.int64],
) -> None:
    height, width = seen.shape
    first_column, first_row, last_column, last_row = within
    for body in range(len(counts)):
        count, stamp = 0, np.uint8(first_stamp + body)
        highest, lowest, leftmost, rightmost = height, 0, width, 0
        for number in range(starts[body], starts[body + 1]):
            corners = triangles[number]
            if _turned_away(points, flat, corners):
                continue
            left, top, right, bottom = _bounds(points, flat, corners, focal, centre_x, centre_y, width, height)
            if left >= right or top >= bottom:
                continue
            highest, lowest = min(highest, top), max(lowest, bottom)
            leftmost, rightmost = min(leftmost, left), max(rightmost, right)
            planes = _edges(points, corners, focal, centre_x, centre_y)
            across, down, rest = planes[3]
            if across == 0.0 and down == 0.0 and rest == 0.0:
                continue
            edges = _in_turn(planes)
            inverses = (_inverse(edges[0][0]), _inverse(edges[1][0]), _inverse(edges[2][0]))
            for row in range(top, bottom):
                begin, end = _span(edges, inverses, row + 0.5, left, right)
                start = down * (row + 0.5) + rest
                for column in range(begin, end):
                    near = across * (column + 0.5) + start
                    if near > 0.0 and near < 1.0 / NEAR_M:
                        if stamps[row, column] != stamp:
                            stamps[row, column] = stamp
                            if first_column <= column < last_column and first_row <= row < last_row:
                                count += 1
                        if near > nearness[row, column]:
                            seen[row, column] = number
                            nearness[row, column] = near
        counts[body] = count
        if highest < lowest:
            windows[body] = highest, lowest, leftmost, rightmost
