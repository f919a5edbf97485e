"""Triangle meshes and the few ways in which the simulator's bodies are sculpted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm

Points = NDArray[np.float32]
Ints = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Mesh:
    """V vertices and T triangles.

    vertices and normals V×3 (metres, unit vectors); slots V: what the surface is made of (``materials.Slot``), the same
    at all corners of a triangle; parts V: the rigid part that carries the vertex; welds V: vertices of one number share
    a smooth normal; triangles T×3.
    """

    vertices: Points
    normals: Points
    slots: NDArray[np.uint8]
    parts: NDArray[np.uint8]
    welds: Ints
    triangles: Ints

    def with_vertices(self, vertices: Points) -> Mesh:
        """The same mesh bent into other vertices, its normals following."""
        return replace(self, vertices=vertices, normals=smooth_normals(vertices, self.triangles, self.welds))

    def moved(self, offset: Sequence[float], turn_rad: float = 0.0) -> Mesh:
        """Turned about z (counter-clockwise), then shifted."""
        cos, sin = pm.cos(turn_rad), pm.sin(turn_rad)
        turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]], np.float32)
        shift = np.asarray(offset, np.float32)
        return replace(self, vertices=turned(self.vertices, turn) + shift, normals=turned(self.normals, turn))


def turned(points: NDArray[Any], matrix: NDArray[Any]) -> NDArray[Any]:
    """Rows of N×3 points times a 3×3 matrix from the left. Not by BLAS, whose last bit depends on its threads."""
    made = np.empty_like(points)
    x, y, z = points[:, 0], points[:, 1], points[:, 2]
    for row in range(3):
        made[:, row] = x * matrix[row, 0] + y * matrix[row, 1] + z * matrix[row, 2]
    return made


def joined(meshes: Sequence[Mesh]) -> Mesh:
    """One mesh of several."""
    first = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes[:-1]])
    return Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.normals for mesh in meshes]),
        np.concatenate([mesh.slots for mesh in meshes]),
        np.concatenate([mesh.parts for mesh in meshes]),
        np.concatenate([mesh.welds + start for mesh, start in zip(meshes, first, strict=True)]).astype(np.int32),
        np.concatenate([mesh.triangles + start for mesh, start in zip(meshes, first, strict=True)]).astype(np.int32),
    )


def subdivided(mesh: Mesh, chosen: NDArray[np.bool_]) -> Mesh:
    """The same mesh with each chosen triangle (T) cut into four at the middles of its edges."""
    whole, cut = mesh.triangles[~chosen], mesh.triangles[chosen]
    if not len(cut):
        return mesh
    edges = np.concatenate([cut[:, [0, 1]], cut[:, [1, 2]], cut[:, [2, 0]]]).astype(np.int64)
    edges.sort(axis=1)
    unique, which = np.unique(edges[:, 0] << 32 | edges[:, 1], return_inverse=True)
    first, second = unique >> 32, unique & 0xFFFFFFFF
    pairs = np.sort(mesh.welds[np.stack([first, second], axis=1)].astype(np.int64), axis=1)
    _, weld = np.unique(pairs[:, 0] << 32 | pairs[:, 1], return_inverse=True)
    normals = mesh.normals[first] + mesh.normals[second]
    normals /= np.maximum(np.asarray(pm.norm(normals))[:, None], 1e-6)
    a, b, c = cut.T
    ab, bc, ca = (which.reshape(3, -1) + len(mesh.vertices)).astype(np.int32)
    pieces = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    return Mesh(
        np.concatenate([mesh.vertices, (mesh.vertices[first] + mesh.vertices[second]) * np.float32(0.5)]),
        np.concatenate([mesh.normals, normals.astype(np.float32)]),
        np.concatenate([mesh.slots, mesh.slots[first]]),
        np.concatenate([mesh.parts, mesh.parts[first]]),
        np.concatenate([mesh.welds, weld.reshape(-1).astype(np.int32) + np.int32(mesh.welds.max() + 1)]),
        np.concatenate([whole, *(np.stack(piece, axis=1) for piece in pieces)]).astype(np.int32),
    )


def smooth_normals(vertices: Points, triangles: Ints, welds: Ints) -> Points:
    """Unit normals V×3, faces weighted by area, averaged over each weld."""
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    faces = np.cross(b - a, c - a)
    owners = welds[triangles].ravel()
    summed = np.stack(
        [np.bincount(owners, np.repeat(faces[:, axis], 3), minlength=int(welds.max()) + 1) for axis in range(3)], axis=1
    )
    summed = summed / np.maximum(pm.norm(summed)[..., None], 1e-12)
    normals: Points = summed[welds].astype(np.float32)
    return normals


# A box's corners by face, each counter-clockwise seen from outside, and the triangles of those.
_FACES = np.array([(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)])
_HALVES = np.array([(first, first + a, first + a + 1) for first in range(0, 24, 4) for a in (1, 2)])


_OUTWARD = np.repeat(np.array([(0, 0, -1), (0, 0, 1), (0, -1, 0), (0, 1, 0), (-1, 0, 0), (1, 0, 0)], np.float32), 4, 0)


def boxes(corners: NDArray[Any], slots: NDArray[np.uint8]) -> Mesh:
    """N axis-aligned boxes of flat faces, as ``Sculptor.box`` makes them: N×2×3 low and high corners, slots N."""
    count = len(corners)
    x, y, z = (corners[:, :, axis] for axis in range(3))
    points = np.stack(
        [np.tile(x, (1, 4)), np.tile(np.repeat(y, 2, axis=1), (1, 2)), np.repeat(z, 4, axis=1)], axis=-1
    ).astype(np.float32)
    vertices = points[:, _FACES].reshape(-1, 3)
    triangles = (24 * np.arange(count)[:, None, None] + _HALVES).reshape(-1, 3)
    welds = np.arange(len(vertices), dtype=np.int32)
    return Mesh(
        vertices, np.tile(_OUTWARD, (count, 1)), np.repeat(slots, 24), np.zeros(len(vertices), np.uint8), welds,
        triangles.astype(np.int32),
    )  # fmt: skip


def level_pieces(rects: NDArray[np.float64], slot: int) -> Mesh:
    """N rectangles that face up, N×5: x1, y1, x2, y2 and height."""
    vertices = rects[:, [0, 1, 4, 2, 1, 4, 2, 3, 4, 0, 3, 4]].reshape(-1, 3).astype(np.float32)
    count = len(vertices)
    triangles = (4 * np.arange(len(rects))[:, None, None] + np.array([(0, 1, 2), (0, 2, 3)])).reshape(-1, 3)
    return Mesh(
        vertices, np.tile(_OUTWARD[4:8], (len(rects), 1)), np.full(count, slot, np.uint8), np.zeros(count, np.uint8),
        np.arange(count, dtype=np.int32), triangles.astype(np.int32),
    )  # fmt: skip


class Sculptor:
    """Collects surfaces; ``mesh()`` hands over what was made."""

    def __init__(self) -> None:
        self._points: list[Points] = []
        self._triangles: list[Ints] = []
        self._slots: list[NDArray[np.uint8]] = []
        self._parts: list[NDArray[np.uint8]] = []
        self._count = 0

    def _add(self, points: NDArray[Any], triangles: NDArray[Any], slots: NDArray[Any] | int, part: int) -> None:
        self._points.append(np.asarray(points, np.float32).reshape(-1, 3))
        self._triangles.append((np.asarray(triangles) + self._count).astype(np.int32))
        self._slots.append(np.broadcast_to(np.asarray(slots, np.uint8), (len(triangles),)))
        self._parts.append(np.full(len(triangles), part, np.uint8))
        self._count += len(self._points[-1])

    def grid(
        self,
        points: NDArray[Any],
        slots: NDArray[Any] | int,
        *,
        part: int = 0,
        closed: bool = False,
        flipped: bool = False,
    ) -> None:
        """A smooth surface through n×m points; ``slots`` one value or one per cell; ``closed`` joins the last column to
        the first. Its front side is that from which rows × columns turn counter-clockwise, unless flipped."""
        rows, columns = points.shape[:2]
        index = np.arange(rows * columns).reshape(rows, columns)
        if closed:
            index = np.concatenate([index, index[:, :1]], axis=1)
        a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
        corners = [(a, b, c), (a, c, d)] if not flipped else [(a, c, b), (a, d, c)]
        triangles = np.concatenate([np.stack([corner.ravel() for corner in each], axis=1) for each in corners])
        cells = np.broadcast_to(np.asarray(slots, np.uint8), a.shape).ravel()
        self._add(points, triangles, np.concatenate([cells, cells]), part)

    def polygon(self, points: NDArray[Any] | Sequence[Sequence[float]], slot: int, *, part: int = 0) -> None:
        """A flat convex polygon, counter-clockwise seen from its front."""
        count = len(points)
        fan = np.stack([np.zeros(count - 2), np.arange(1, count - 1), np.arange(2, count)], axis=1).astype(np.int32)
        self._add(np.asarray(points), fan, slot, part)

    def triangles(self, corners: NDArray[Any], slots: NDArray[Any] | int, *, part: int = 0) -> None:
        """Loose triangles, T×3×3."""
        count = len(corners)
        self._add(corners, np.arange(3 * count).reshape(count, 3), slots, part)

    def box(self, low: Sequence[float], high: Sequence[float], slot: int, *, part: int = 0) -> None:
        """An axis-aligned box of six flat faces."""
        (x0, y0, z0), (x1, y1, z1) = low, high
        corners = np.array([[x, y, z] for z in (z0, z1) for y in (y0, y1) for x in (x0, x1)], np.float32)
        self._add(corners[_FACES], _HALVES, slot, part)

    def tube(
        self,
        path: NDArray[Any],
        radii: Sequence[float],
        slot: int,
        *,
        sides: int = 8,
        part: int = 0,
        capped: bool = True,
    ) -> None:
        """A round limb along P×3 points with a radius at each."""
        path = np.asarray(path, np.float64)
        along = np.gradient(path, axis=0)
        along /= np.maximum(pm.norm(along)[..., None], 1e-9)
        helper = np.where(np.abs(along[:, 2:]) > 0.8, [[1.0, 0.0, 0.0]], [[0.0, 0.0, 1.0]])
        across = np.cross(along, helper)
        across /= pm.norm(across)[..., None]
        upward = np.cross(along, across)
        angle = np.arange(sides) * (2.0 * np.pi / sides)
        ring = pm.cos(angle)[None, :, None] * across[:, None] + pm.sin(angle)[None, :, None] * upward[:, None]
        points = path[:, None] + np.asarray(radii)[:, None, None] * ring
        self.grid(points, slot, part=part, closed=True, flipped=True)
        if capped:
            self.polygon(points[0], slot, part=part)
            self.polygon(points[-1][::-1], slot, part=part)

    def ball(
        self,
        centre: Sequence[float],
        radii: Sequence[float],
        slot: int,
        *,
        rings: int = 6,
        sides: int = 8,
        part: int = 0,
    ) -> None:
        """An ellipsoid."""
        polar = np.linspace(0.0, np.pi, rings + 1)[:, None]
        around = (np.arange(sides) * (2.0 * np.pi / sides))[None, :]
        unit = np.stack(
            [pm.sin(polar) * pm.cos(around), pm.sin(polar) * pm.sin(around), pm.cos(polar) + 0.0 * around], axis=-1
        )
        self.grid(np.asarray(centre) + unit * np.asarray(radii), slot, part=part, closed=True)

    def mesh(self) -> Mesh:
        """What was made so far, vertices split where materials or parts meet."""
        points, triangles = np.concatenate(self._points), np.concatenate(self._triangles)
        slots, parts = np.concatenate(self._slots), np.concatenate(self._parts)
        key = (triangles.astype(np.int64) << 16) | (slots.astype(np.int64) << 8)[:, None] | parts[:, None]
        unique, inverse = np.unique(key, return_inverse=True)
        welds = (unique >> 16).astype(np.int32)
        vertices = points[welds]
        faces = inverse.reshape(triangles.shape).astype(np.int32)
        return Mesh(
            vertices,
            smooth_normals(vertices, faces, welds),
            ((unique >> 8) & 255).astype(np.uint8),
            (unique & 255).astype(np.uint8),
            welds,
            faces,
        )
