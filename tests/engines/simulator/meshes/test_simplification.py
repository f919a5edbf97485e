from dataclasses import replace

import numpy as np

from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.meshes.simplification import simplified
from its_core.engines.simulator.meshes.vehicles import car
from its_core.taxonomy import ParticipantType


def test_a_small_car_has_fewer_triangles_its_size_and_all_its_lamps() -> None:
    mesh = car(ParticipantType.SEDAN).mesh
    lamp = Surface.TAILLAMP_LEFT
    coarse = simplified(mesh, 0.05, kept=[lamp])
    assert len(coarse.triangles) < 0.45 * len(mesh.triangles)
    assert np.abs(coarse.vertices.min(axis=0) - mesh.vertices.min(axis=0)).max() < 0.05
    assert np.abs(coarse.vertices.max(axis=0) - mesh.vertices.max(axis=0)).max() < 0.05
    assert np.array_equal(coarse.vertices[coarse.slots == lamp], mesh.vertices[mesh.slots == lamp])
    assert set(coarse.slots) == set(mesh.slots)
    known = {tuple(vertex) for vertex in mesh.vertices.tolist()}
    assert known.issuperset(tuple(vertex) for vertex in coarse.vertices.tolist())


def test_no_tolerance_leaves_a_mesh_as_it_is() -> None:
    mesh = car(ParticipantType.BICYCLE).mesh
    assert simplified(mesh, 0.0) is mesh


def test_edges_grow_no_longer_than_they_may() -> None:
    """Of a bus without the few edges that are longer from the start."""
    mesh = car(ParticipantType.BUS).mesh
    short = mesh.triangles[[longest(mesh.vertices[triangle]) < 1.2 for triangle in mesh.triangles]]
    sheets = replace(mesh, triangles=short)
    free, bound = simplified(sheets, 0.05), simplified(sheets, 0.05, longest_m=1.2)
    assert max(longest(free.vertices[triangle]) for triangle in free.triangles) > 2.0
    assert max(longest(bound.vertices[triangle]) for triangle in bound.triangles) <= 1.2
    assert len(bound.triangles) < 0.8 * len(sheets.triangles)


def longest(corners: np.ndarray) -> float:
    sides = corners.astype(np.float64) - np.roll(corners, -1, axis=0)
    return float(np.linalg.norm(sides, axis=1).max())
