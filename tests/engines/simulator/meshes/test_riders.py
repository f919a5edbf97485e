import math

import numpy as np
import pytest

from its_core.engines.simulator.dimensions import VEHICLES
from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.meshes.mesh import Mesh
from its_core.engines.simulator.meshes.pedestrians import SHIN_L, SHIN_R, figure
from its_core.engines.simulator.meshes.riders import rider, seated, two_wheeler_mesh
from its_core.engines.simulator.rendering.actors import placed_parts
from its_core.taxonomy import ParticipantType

BICYCLE, MOTORCYCLE = ParticipantType.BICYCLE, ParticipantType.MOTORCYCLE
CYCLE_MPS = 5.0
PEDALS_Z_M = (0.29 - 0.165, 0.29 + 0.165)


def covered_share(mesh: Mesh, part: int, radius_m: float) -> float:
    """Of a wheel's disc, seen from the side, what its triangles hide."""
    grid = np.linspace(-radius_m, radius_m, 41)
    points = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    points = points[np.hypot(*points.T) < 0.98 * radius_m]
    hidden = np.zeros(len(points), bool)
    flat = mesh.vertices[:, 1:].astype(np.float64)
    for a, b, c in flat[mesh.triangles[mesh.parts[mesh.triangles[:, 0]] == part]]:
        sides = [
            (q[0] - p[0]) * (points[:, 1] - p[1]) - (q[1] - p[1]) * (points[:, 0] - p[0])
            for p, q in ((a, b), (b, c), (c, a))
        ]
        inside = np.stack(sides)
        hidden |= (inside > 0.0).all(axis=0) | (inside < 0.0).all(axis=0)
    return float(hidden.mean())


def test_one_sees_through_the_wheels_of_bicycles_only() -> None:
    shares = {
        kind: covered_share(two_wheeler_mesh(kind), 1, VEHICLES[kind].wheel_radius_m) for kind in (BICYCLE, MOTORCYCLE)
    }
    assert shares[BICYCLE] < 0.4
    assert shares[MOTORCYCLE] > 0.9


def test_motorcycles_have_what_bicycles_lack() -> None:
    slots = {kind: set(two_wheeler_mesh(kind).slots.tolist()) for kind in (BICYCLE, MOTORCYCLE)}
    for surface in (Surface.PLATE, Surface.INDICATOR_LEFT, Surface.GLASS):
        assert surface in slots[MOTORCYCLE]
        assert surface not in slots[BICYCLE]


def test_the_plate_of_a_motorcycle_faces_who_follows() -> None:
    mesh = two_wheeler_mesh(MOTORCYCLE)
    a, b, c = mesh.vertices[mesh.triangles[mesh.slots[mesh.triangles[:, 0]] == Surface.PLATE]].swapaxes(0, 1)
    assert (np.cross(b - a, c - a)[:, 1] < 0.0).all()


def test_motorcyclists_wear_closed_helmets_and_most_cyclists_none() -> None:
    riders = {kind: [rider(look, kind)[0] for look in range(30)] for kind in (BICYCLE, MOTORCYCLE)}
    assert all(person.full_face for person in riders[MOTORCYCLE])
    assert not any(person.full_face for person in riders[BICYCLE])
    assert sum(person.cycle_helmet for person in riders[BICYCLE]) == 10


def feet_m(kind: ParticipantType, spin_rad: float, speed_mps: float) -> list[np.ndarray]:
    person, _ = rider(4, kind)
    points, _ = placed_parts(figure(person), *seated(person, kind, spin_rad, speed_mps))
    parts = figure(person).parts
    return [points[parts == shin][:, 2].min() for shin in (SHIN_L, SHIN_R)]


@pytest.mark.parametrize("spin_rad", np.linspace(0.0, 15.0, 7))
def test_a_cyclists_feet_go_round_with_the_pedals(spin_rad: float) -> None:
    soles = feet_m(BICYCLE, spin_rad, CYCLE_MPS)
    low, high = PEDALS_Z_M
    assert all(low - 0.12 < sole < high + 0.03 for sole in soles)


def test_one_foot_is_up_when_the_other_is_down() -> None:
    heights = np.array([feet_m(BICYCLE, spin, CYCLE_MPS) for spin in np.linspace(0.0, 2.0 * math.pi / 0.42, 25)])
    assert np.ptp(heights[:, 0]) > 0.25
    assert np.corrcoef(heights.T)[0, 1] < -0.9


@pytest.mark.parametrize("kind", [BICYCLE, MOTORCYCLE])
def test_who_stands_has_both_feet_on_the_ground(kind: ParticipantType) -> None:
    assert feet_m(kind, 0.0, 0.0) == pytest.approx([0.0, 0.0], abs=0.09)
