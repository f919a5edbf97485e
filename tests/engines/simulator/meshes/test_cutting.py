import numpy as np
import pytest

from its_core.engines.simulator.meshes.cutting import cut
from its_core.engines.simulator.meshes.mesh import Mesh
from its_core.engines.simulator.meshes.simplification import simplified
from its_core.engines.simulator.meshes.vehicles import trailer

SHORT_M = 0.9


def edges(mesh: Mesh) -> np.ndarray:
    """Of each triangle, the lengths of its three."""
    corners = mesh.vertices[mesh.triangles].astype(np.float64)
    return np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=2)


def areas(mesh: Mesh) -> np.ndarray:
    """Of the surfaces of each material, as vectors: which way they face too."""
    a, b, c = (mesh.vertices[mesh.triangles[:, corner]].astype(np.float64) for corner in range(3))
    across = np.cross(b - a, c - a) / 2
    slots = mesh.slots[mesh.triangles[:, 0]]
    both = np.concatenate([across, np.linalg.norm(across, axis=1)[:, None]], axis=1)
    return np.stack([both[slots == slot].sum(axis=0) for slot in np.unique(slots)])


def loose_sides(mesh: Mesh) -> float:
    """The length of all sides at which no other triangle lies."""
    places = np.unique(mesh.vertices, axis=0, return_inverse=True)[1].reshape(-1)[mesh.triangles]
    sides = np.sort(np.stack([places, np.roll(places, -1, axis=1)], axis=2), axis=2).reshape(-1, 2)
    _, which, count = np.unique(sides, axis=0, return_inverse=True, return_counts=True)
    return float(edges(mesh).reshape(-1)[count[which.reshape(-1)] == 1].sum())


def test_cut_surfaces_are_the_same_without_gaps_and_their_edges_short() -> None:
    mesh = simplified(trailer().mesh, 0.05)
    assert edges(mesh).max() > 10.0
    made = cut(mesh, SHORT_M)
    assert edges(made).max() <= SHORT_M
    assert areas(made) == pytest.approx(areas(mesh), abs=1e-4)
    assert loose_sides(made) == pytest.approx(loose_sides(mesh), rel=1e-6)
    assert all(len(np.unique(each[made.triangles[:, 0]])) > 1 for each in (made.slots, made.welds))
    for kinds in (made.slots, made.parts):
        assert (kinds[made.triangles] == kinds[made.triangles[:, :1]]).all()
    assert np.linalg.norm(made.normals, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_only_long_edges_are_cut() -> None:
    mesh = trailer().mesh
    assert cut(mesh, np.inf) is mesh
    assert cut(mesh, 50.0) is mesh
