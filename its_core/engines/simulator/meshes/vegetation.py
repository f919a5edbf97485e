"""Trees and hedges: crowns of many small leaf cards about a branching trunk."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.meshes.mesh import Mesh, Sculptor
from its_core.engines.simulator.randomness import normals

Floats = NDArray[np.float64]
LEAVES = np.array([Surface[f"LEAF_{number}"] for number in range(1, 7)], np.uint8)

_TREE_M = (5.2, 8.6)  # how tall street trees are
_FORK = 0.40  # of its height, at which a trunk forks
TRUNK_HEIGHT_M, TRUNK_RADIUS_M = _FORK * _TREE_M[1], 0.17  # of the tallest one's trunk


def tree(rng: np.random.Generator, cards: int = 900) -> Mesh:
    """A broad-leaved street tree on the origin, 5 to 9 m tall; fewer leaf cards are larger ones."""
    height = float(rng.uniform(*_TREE_M))
    crown = np.array([0.30, 0.30, 0.30]) * height * rng.uniform(0.9, 1.12, 3)
    middle = np.array([*normals(rng, 0.15, (2,)), 0.66 * height])
    sculptor = Sculptor()
    fork = np.array([*normals(rng, 0.06, (2,)), _FORK * height])
    sculptor.tube(
        np.array([[0.0, 0.0, 0.0], fork * 0.5, fork]), [TRUNK_RADIUS_M, 0.13, 0.10], Surface.BARK, sides=7, capped=False
    )
    for _ in range(5):
        tip = middle + crown * normals(rng, 0.42, (3,))
        bend = (fork + tip) / 2 + normals(rng, 0.15, (3,))
        sculptor.tube(np.array([fork, bend, tip]), [0.075, 0.05, 0.02], Surface.BARK, sides=5, capped=False)
    lobes = middle + crown * _ball(rng, 13) * 0.72
    sizes = crown.mean() * rng.uniform(0.34, 0.58, len(lobes))
    pick = rng.integers(len(lobes), size=cards)
    outward = _ball(rng, cards, shell=0.55)
    places = lobes[pick] + outward * sizes[pick][:, None]
    depth = pm.norm((places - middle) / crown)
    size = np.sqrt(900.0 / cards)
    _leaves(sculptor, rng, places, outward, depth, size=(0.21 * size, 0.40 * size))
    return _turned_outwards(sculptor.mesh(), middle)


def bush(rng: np.random.Generator, cards: int = 160) -> Mesh:
    """A shrub on the origin, about a metre tall."""
    radii = np.array([0.7, 0.7, 0.55]) * rng.uniform(0.8, 1.25)
    outward = _ball(rng, cards, shell=0.6)
    outward[:, 2] = np.abs(outward[:, 2])
    places = outward * radii + np.array([0.0, 0.0, 0.1])
    sculptor = Sculptor()
    _leaves(sculptor, rng, places, outward, pm.norm(outward), size=(0.12, 0.26))
    return _turned_outwards(sculptor.mesh(), np.array([0.0, 0.0, 0.2]))


def _ball(rng: np.random.Generator, count: int, shell: float = 0.0) -> Floats:
    """Points of the unit ball, none nearer to its middle than ``shell``."""
    direction = normals(rng, 1.0, (count, 3))
    direction /= pm.norm(direction)[..., None]
    points: Floats = direction * pm.power(rng.uniform(shell * shell * shell, 1.0, (count, 1)), 1 / 3)
    return points


def _leaves(
    sculptor: Sculptor,
    rng: np.random.Generator,
    places: Floats,
    outward: Floats,
    depth: Floats,
    size: tuple[float, float],
) -> None:
    """One ragged triangle a card; darker inside the crown and below."""
    count = len(places)
    corners = places[:, None] + normals(rng, 1.0, (count, 3, 3)) * rng.uniform(*size, (count, 1, 1)) * 0.62
    lightness = 2.6 + 1.7 * (depth - 0.8) + 1.1 * outward[:, 2] + normals(rng, 0.9, (count,))
    shades = LEAVES[np.clip(np.round(lightness), 0, 5).astype(int)]
    sculptor.triangles(corners, shades)


def _turned_outwards(mesh: Mesh, middle: Floats) -> Mesh:
    """Leaf normals point away from the crown's middle, so that the crown is lit as one round body."""
    leafy = mesh.slots >= LEAVES[0]
    normals = mesh.normals.copy()
    away = mesh.vertices[leafy] - middle.astype(np.float32)
    away /= np.maximum(pm.norm(away)[..., None], 1e-6)
    mixed = 0.75 * away + 0.35 * normals[leafy]
    normals[leafy] = mixed / np.maximum(pm.norm(mixed)[..., None], 1e-6)
    return Mesh(mesh.vertices, normals, mesh.slots, mesh.parts, mesh.welds, mesh.triangles)
