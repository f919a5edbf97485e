from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from its_core.engines.simulator.dimensions import HEAVY, TRAILER, TWO_WHEELERS, VEHICLES
from its_core.engines.simulator.meshes.car_shapes import SHAPES
from its_core.engines.simulator.meshes.emergency import emergency_car
from its_core.engines.simulator.meshes.materials import MATERIALS, PAINTS, Surface, byte_table
from its_core.engines.simulator.meshes.mesh import Mesh
from its_core.engines.simulator.meshes.paintwork import paintwork
from its_core.engines.simulator.meshes.vehicles import BODY, car, hull, trailer
from its_core.engines.simulator.meshes.wrecks import Wreck
from its_core.engines.simulator.trace import Actor, Dent
from its_core.taxonomy import Colour, ParticipantType, Role

KINDS = list(SHAPES)
FOUR_WHEELS = [kind for kind in VEHICLES if kind not in TWO_WHEELERS]


@pytest.mark.parametrize("kind", KINDS)
def test_hull_fills_the_body_sizes_and_is_small_and_symmetric(kind: ParticipantType) -> None:
    points, body = hull(kind), VEHICLES[kind]
    assert points.shape[1] == 3
    assert len(points) <= 40
    extent = points.max(axis=0) - points.min(axis=0)
    assert extent == pytest.approx([body.width_m, body.length_m, body.height_m - body.clearance_m], abs=1e-6)
    mirrored = {tuple(np.round(point * [-1, 1, 1], 6) + 0.0) for point in points}
    assert mirrored == {tuple(np.round(point, 6) + 0.0) for point in points}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_seen_is_what_collides(kind: ParticipantType) -> None:
    """But for mirrors and rounding, the bodywork lies in the hull and reaches its sides."""
    mesh, body = car(kind).mesh, VEHICLES[kind]
    skin = mesh.vertices[mesh.parts == BODY].astype(np.float64)
    swollen = hull(kind) * 1.05 + np.array([0.0, 0.0, -0.04])
    inside = Delaunay(swollen).find_simplex(skin) >= 0
    assert inside.mean() > 0.9
    assert skin[:, 1].max() == pytest.approx(body.length_m / 2, abs=0.05)
    assert skin[:, 1].min() == pytest.approx(-body.length_m / 2, abs=0.05)
    assert skin[:, 2].max() == pytest.approx(body.height_m, abs=0.06)


@pytest.mark.parametrize("kind", FOUR_WHEELS)
def test_wheels_stand_on_the_ground_at_wheelbase_and_track(kind: ParticipantType) -> None:
    made, body = car(kind), VEHICLES[kind]
    for wheel, (side, ahead) in enumerate(((-1, 1), (1, 1), (-1, -1), (1, -1))):
        assert made.hubs[wheel] == pytest.approx(
            [side * body.track_m / 2, ahead * body.wheelbase_m / 2, body.wheel_radius_m]
        )
        tyre = made.mesh.vertices[made.mesh.parts == wheel + 1] + made.hubs[wheel]
        assert tyre[:, 2].min() == pytest.approx(0.0, abs=0.01)


OUTWARD = {True: np.array([1.0, 0.3, 1.0]), False: np.array([1.0, 1.0, 0.0])}  # cars' glass slopes


@pytest.mark.parametrize("kind", FOUR_WHEELS)
def test_surfaces_face_outwards(kind: ParticipantType) -> None:
    mesh = car(kind).mesh
    for surface in (Surface.GLASS, Surface.HEADLAMP_LEFT, Surface.TAILLAMP_RIGHT, Surface.PLATE):
        mine = mesh.slots == surface
        if not mine.any():
            assert surface is Surface.PLATE
            continue
        outward = (mesh.vertices[mine] - [0.0, 0.0, 0.6]) * OUTWARD[kind in SHAPES]
        assert (np.einsum("ij,ij->i", outward, mesh.normals[mine]) > 0).mean() > 0.95


def test_the_four_classes_differ_in_shape() -> None:
    roofs = {kind: car(kind).mesh.vertices[:, 2].max() for kind in KINDS}
    assert roofs[ParticipantType.SEDAN] < roofs[ParticipantType.SUV] < roofs[ParticipantType.VAN]
    bed = car(ParticipantType.PICKUP).mesh
    over_bed = (bed.vertices[:, 1] < -1.0) & (bed.vertices[:, 1] > -2.7) & (np.abs(bed.vertices[:, 0]) < 0.6)
    assert bed.vertices[over_bed][:, 2].max() < 0.9


@pytest.mark.parametrize("kind", [kind for kind in FOUR_WHEELS if kind not in SHAPES])
def test_trucks_and_buses_fill_their_sizes(kind: ParticipantType) -> None:
    mesh, body = car(kind).mesh, VEHICLES[kind]
    skin = mesh.vertices[mesh.parts == BODY]
    assert np.abs(skin[:, 1]).max() == pytest.approx(body.length_m / 2, abs=0.12)
    assert np.abs(skin[:, 0]).max() == pytest.approx(body.width_m / 2, abs=0.2)  # mirrors stand out
    assert skin[:, 2].max() == pytest.approx(body.height_m, abs=0.25)


def test_a_trailer_stands_on_its_wheels_behind_its_kingpin() -> None:
    vertices = trailer().mesh.vertices
    assert vertices[:, 2].min() == pytest.approx(0.0, abs=0.02)
    assert vertices[:, 2].max() == pytest.approx(TRAILER.height_m, abs=0.02)
    assert np.ptp(vertices[:, 1]) == pytest.approx(TRAILER.length_m, abs=0.05)


@pytest.mark.parametrize("kind", sorted(TWO_WHEELERS))
def test_two_wheelers_stand_in_line_on_two_wheels(kind: ParticipantType) -> None:
    made = car(kind)
    assert np.ptp(made.hubs[:, 0]) == 0.0
    assert np.ptp(made.hubs[:, 1]) == pytest.approx(VEHICLES[kind].wheelbase_m)
    for part in (1, 3):
        tyre = made.mesh.vertices[made.mesh.parts == part] + made.hubs[part - 1]
        assert tyre[:, 2].min() == pytest.approx(0.0, abs=0.02)


FRONT_BLOW = Dent(5, 0, (0.4, 2.35, 0.6), (0.0, -1.0, 0.0), 0.4, 1.0)


def test_a_dent_gives_way_along_the_blow_and_leaves_the_rest_alone() -> None:
    made = car(ParticipantType.SEDAN)
    before = made.mesh.vertices
    count = len(before)
    after = Wreck(made, [FRONT_BLOW]).after(1).vertices[:count]
    moved = np.linalg.norm(after - before, axis=1)
    near = np.linalg.norm(before - np.array(FRONT_BLOW.point_m), axis=1) < 0.35
    skin = made.mesh.parts == BODY
    assert (after - before)[near & skin][:, 1].mean() < -0.2
    assert moved[before[:, 1] < 0.0].max() == 0.0
    assert moved[~skin].max() == 0.0
    assert moved.max() < 0.75


def test_the_bonnet_folds_up_in_its_middle() -> None:
    made = car(ParticipantType.SEDAN)
    after = Wreck(made, [FRONT_BLOW]).after(1).vertices[: len(made.mesh.vertices)]
    y, z = made.mesh.vertices[:, 1], made.mesh.vertices[:, 2]
    bonnet = (y > 1.3) & (y < 1.9) & (z > 0.75) & (made.mesh.parts == BODY)
    assert (after - made.mesh.vertices)[bonnet, 2].max() > 0.12


def test_dents_are_the_same_every_time_and_uneven() -> None:
    made = car(ParticipantType.SUV)
    once, again = Wreck(made, [FRONT_BLOW]).after(1).vertices, Wreck(made, [FRONT_BLOW]).after(1).vertices
    assert np.array_equal(once, again)
    give = (made.mesh.vertices - once[: len(made.mesh.vertices)])[:, 1]
    assert give[give > 0.05].std() > 0.02


def test_hard_blows_leave_a_part_hanging_and_light_ones_do_not() -> None:
    made = car(ParticipantType.HATCHBACK)
    hard, light = (Wreck(made, [replace(FRONT_BLOW, depth_m=depth)]).after(1) for depth in (0.4, 0.1))
    assert hard.vertices[:, 1].max() > light.vertices[:, 1].max()
    assert hard.vertices[hard.vertices[:, 1] > 1.0][:, 2].min() < 0.12


def test_a_scraped_flank_keeps_its_shape_and_shows_streaks_that_face_outwards() -> None:
    made = car(ParticipantType.SEDAN)
    for side in (-1.0, 1.0):
        dent = Dent(5, 0, (0.9 * side, 0.3, 0.5), (-side, 0.0, 0.0), 0.03, 0.6)
        scraped = Wreck(made, [dent]).after(1)
        streaks = (scraped.slots == Surface.STEEL) & (scraped.vertices[:, 0] * side > 0.5)
        assert streaks.sum() >= 12
        assert (scraped.normals[streaks][:, 0] * side > 0.8).all()


def test_the_mesh_before_the_first_blow_is_that_of_a_car_without_one() -> None:
    made = car(ParticipantType.SEDAN)
    assert Wreck(made, [FRONT_BLOW]).after(0) is made.mesh


def test_a_blow_puts_out_the_lamps_it_reaches() -> None:
    wreck = Wreck(car(ParticipantType.SEDAN), [FRONT_BLOW])
    broken = wreck.broken_lamps(1)
    assert Surface.HEADLAMP_RIGHT in broken
    assert Surface.TAILLAMP_LEFT not in broken
    assert wreck.broken_lamps(0) == []


def test_every_surface_a_car_can_show_has_a_material() -> None:
    changes = paintwork(Actor(1, ParticipantType.TRUCK, Colour.RED, Role.BYSTANDER))
    changes[Surface.TAILLAMP_HIGH] = Surface.TAILLAMP_BRAKE
    for lamp in ("HEADLAMP", "TAILLAMP", "INDICATOR"):
        for side in ("LEFT", "RIGHT"):
            changes[Surface[f"{lamp}_{side}"]] = Surface[f"{lamp}_DARK"]
    changes[Surface.SALOON] = Surface.SALOON_LIT
    changes |= {Surface.BEACON_LEFT: Surface.BEACON_BLUE_DARK, Surface.BEACON_RIGHT: Surface.BEACON_RED}
    table = byte_table(changes)
    meshes = [car(kind).mesh for kind in VEHICLES] + [emergency_car(ParticipantType.VAN).mesh, trailer().mesh]
    for mesh in meshes:
        assert {Surface(byte) for byte in np.unique(table[mesh.slots])} <= set(MATERIALS)
    assert set(PAINTS) == set(Colour)


def _pieces(mesh: Mesh) -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.float64]]:
    """Of each triangle: what it is made of, its middle and its area."""
    corners = mesh.vertices[mesh.triangles].astype(np.float64)
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    return mesh.slots[mesh.triangles[:, 0]], corners.mean(axis=1), area


@pytest.mark.parametrize("kind", sorted(HEAVY))
def test_there_is_no_paint_behind_a_truck_s_or_bus_s_windscreen(kind: ParticipantType) -> None:
    slots, middle, area = _pieces(car(kind).mesh)
    ahead = middle[:, 1] > VEHICLES[kind].length_m / 2 - 0.02
    pane = (slots == Surface.GLASS) & ahead
    low, high = middle[pane].min(axis=0), middle[pane].max(axis=0)
    within = ahead & ((middle >= low) & (middle <= high))[:, [0, 2]].all(axis=1)
    assert area[pane].sum() > 1.0
    assert not (within & (slots == Surface.PAINT)).any()


def test_a_bus_s_glass_breaks_where_it_is_struck_and_nowhere_else() -> None:
    front = VEHICLES[ParticipantType.BUS].length_m / 2
    struck = np.array([0.7, front, 1.2])
    wreck = Wreck(car(ParticipantType.BUS), [Dent(5, 0, (0.7, front, 1.2), (0.0, -1.0, 0.0), 0.15, 0.58)])
    before, after = (_pieces(wreck.after(blows)) for blows in (0, 1))
    glass = [float(area[np.isin(slots, (Surface.GLASS, Surface.SALOON))].sum()) for slots, _, area in (before, after)]
    assert 0.2 < glass[0] - glass[1] < 0.15 * glass[0]
    slots, middle, area = after
    away = np.linalg.norm(middle - struck, axis=1)
    assert away[slots == Surface.GLASS_CRAZED].max() < 1.3
    hole = (np.abs(middle[:, 0] - 0.7) < 0.2) & (middle[:, 1] > front - 0.4) & (np.abs(middle[:, 2] - 1.3) < 0.2)
    assert area[hole & (slots == Surface.WELL)].sum() > 0.9 * area[hole].sum()
