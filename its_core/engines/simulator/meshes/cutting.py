"""Meshes whose edges are short: lenses bend vertices alone, so that between them a surface lies beside its place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.meshes.mesh import Mesh

Ints = NDArray[np.int64]


def cut(mesh: Mesh, longest_m: float) -> Mesh:
    """The same surfaces, no edge of which is longer. Whatever meets at an edge is cut there alike, so that no gap
    opens."""
    if np.isinf(longest_m):
        return mesh
    while True:
        corners = mesh.vertices[mesh.triangles].astype(np.float64)
        long = np.asarray(pm.norm(corners - np.roll(corners, -1, axis=1))) > longest_m
        if not bool(long.any()):
            return mesh
        mesh = _halved(mesh, long)


def _halved(mesh: Mesh, sides: NDArray[np.bool_]) -> Mesh:
    """With these sides of triangles (T×3; the first from the first corner to the second) halved."""
    ends = np.stack([mesh.triangles, np.roll(mesh.triangles, -1, axis=1)], axis=2).astype(np.int64)
    keys, which = np.unique(_pairs(ends)[sides], return_inverse=True)
    first, second = keys >> 32, keys & 0xFFFFFFFF
    middles = np.full(sides.shape, -1, np.int64)
    middles[sides] = which + len(mesh.vertices)
    _, welds = np.unique(_pairs(mesh.welds[np.stack([first, second], axis=1)].astype(np.int64)), return_inverse=True)
    normals = mesh.normals[first] + mesh.normals[second]
    normals /= np.maximum(np.asarray(pm.norm(normals))[:, None], 1e-6)
    return Mesh(
        np.concatenate([mesh.vertices, (mesh.vertices[first] + mesh.vertices[second]) * np.float32(0.5)]),
        np.concatenate([mesh.normals, normals.astype(np.float32)]),
        np.concatenate([mesh.slots, mesh.slots[first]]),
        np.concatenate([mesh.parts, mesh.parts[first]]),
        np.concatenate([mesh.welds, welds.astype(np.int32) + np.int32(mesh.welds.max() + 1)]),
        _pieces(mesh.triangles.astype(np.int64), sides, middles).astype(np.int32),
    )


def _pairs(ends: Ints) -> Ints:
    """One number for each two (…×2), whichever comes first."""
    found: Ints = ends.min(axis=-1) << 32 | ends.max(axis=-1)
    return found


def _pieces(triangles: Ints, sides: NDArray[np.bool_], middles: Ints) -> Ints:
    """The triangles' pieces, those of whole ones first."""
    count = sides.sum(axis=1)
    # Turned so that the first side is halved, and the third only where all are.
    turn = np.where(count == 2, (np.argmin(sides, axis=1) + 1) % 3, np.argmax(sides, axis=1))
    order = (turn[:, None] + np.arange(3)) % 3
    turned = np.concatenate([np.take_along_axis(each, order, axis=1) for each in (triangles, middles)], axis=1)
    a, b, c, ab, bc, _ = turned[count == 1].T
    found = [triangles[count == 0], *_stacked((a, ab, c), (ab, b, c))]
    a, b, c, ab, bc, _ = turned[count == 2].T
    found += _stacked((ab, b, bc), (a, ab, bc), (a, bc, c))
    a, b, c, ab, bc, ca = turned[count == 3].T
    return np.concatenate([*found, *_stacked((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])


def _stacked(*pieces: tuple[Ints, Ints, Ints]) -> list[Ints]:
    return [np.stack(piece, axis=1) for piece in pieces]
