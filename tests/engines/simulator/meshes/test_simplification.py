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
