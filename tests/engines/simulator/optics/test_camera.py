from dataclasses import replace

import numpy as np
import pytest

from its_core.clip import Geometry
from its_core.engines.simulator.optics.camera import Camera, camera_for
from its_core.engines.simulator.roads.bounds import off_road_m, off_roads_m, outside_m
from its_core.engines.simulator.roads.layouts import Layout
from its_core.engines.simulator.roads.registry import PLACES, place
from its_core.taxonomy import CameraWord, RoadLayout

LAYOUTS = [RoadLayout.FOUR_WAY_INTERSECTION, RoadLayout.HIGHWAY, RoadLayout.URBAN_STREET]
SMALL = Geometry(320, 176, 16, 5)
NAMES = [f"camera-{number}" for number in range(8)]


def cameras(layout: RoadLayout) -> list[Camera]:
    return [camera_for(name, place(layout, name), SMALL) for name in NAMES]


@pytest.mark.parametrize("layout", list(PLACES))
def test_every_camera_shows_the_focus_from_beside_the_road(layout: RoadLayout) -> None:
    for name, camera in zip(NAMES, cameras(layout), strict=True):
        here = place(layout, name)
        x, y, depth = camera.project(np.array([[*here.focus_m, 0.6]]))[0]
        assert depth > 10
        assert 0.1 * 320 < x < 0.9 * 320
        assert 0.1 * 176 < y < 0.95 * 176
        at_x, at_y, height = camera.position_m
        assert (4.5 if layout is RoadLayout.TUNNEL else 6.0) <= height <= 14.0
        assert off_road_m(here, at_x, at_y) > 0.5
        assert all(outside_m(house.rect, at_x, at_y) > 1.0 for house in here.buildings)


def test_cars_at_the_focus_measure_what_real_cameras_show() -> None:
    shares = []
    for layout in LAYOUTS:
        for name, camera in zip(NAMES, cameras(layout), strict=True):
            x, y = place(layout, name).focus_m
            ends = np.array(
                [[x - 1.5, y - 1.5, 0.7], [x + 1.5, y + 1.5, 0.7], [x - 1.5, y + 1.5, 0.7], [x + 1.5, y - 1.5, 0.7]]
            )
            across = camera.project(ends)[:, 0]
            shares.append((across.max() - across.min()) / 320)
    assert min(shares) > 0.012
    assert max(shares) < 0.18
    assert max(shares) > 1.6 * min(shares)


def test_a_camera_is_the_same_each_time_and_unlike_its_neighbour() -> None:
    here = place(RoadLayout.HIGHWAY, "m25-17")
    one, again = camera_for("m25-17", here, SMALL), camera_for("m25-17", here, SMALL)
    assert one.position_m == again.position_m
    assert np.array_equal(one.rotation, again.rotation)
    assert camera_for("m25-18", here, SMALL).position_m != one.position_m


def test_a_finer_picture_shows_the_same_view() -> None:
    here = place(RoadLayout.URBAN_STREET, "a")
    small, large = camera_for("a", here, SMALL), camera_for("a", here, Geometry(1280, 704, 16, 5))
    points = np.array([[0.0, 0.0, 0.0], [5.0, -3.0, 1.0]])
    assert 4.0 * small.project(points)[:, :2] == pytest.approx(large.project(points)[:, :2], abs=1e-6)


def test_model_projects_as_the_camera_does() -> None:
    here = place(RoadLayout.FOUR_WAY_INTERSECTION, "b")
    camera = replace(camera_for("b", here, SMALL), distortion=(0.0, 0.0))
    model = camera.model()
    points = np.random.default_rng(3).uniform([-10, -10, 0], [10, 10, 3], (20, 3))
    seen = np.column_stack([points, np.ones(20)]) @ np.array(model.world_to_camera).T
    flat = seen[:, :3] @ np.array(model.intrinsics).T
    projected = camera.project(points)
    assert flat[:, :2] / flat[:, 2:] == pytest.approx(projected[:, :2], abs=1e-9)
    assert seen[:, 2] == pytest.approx(projected[:, 2])


def test_a_lens_bends_the_picture_and_its_rays_alike() -> None:
    straight = replace(camera_for("lens", place(RoadLayout.HIGHWAY, "lens"), SMALL), distortion=(0.0, 0.0))
    bent = replace(straight, distortion=(-0.22, 0.03))
    x, y = np.meshgrid(np.linspace(0.5, 319.5, 9), np.linspace(0.5, 175.5, 7))
    points = np.array(bent.position_m) + 30.0 * bent.rays(x.ravel(), y.ravel()).astype(np.float64)
    assert bent.project(points)[:, :2] == pytest.approx(np.column_stack([x.ravel(), y.ravel()]), abs=2e-3)
    # OpenCV's model, written out.
    seen = straight.project(points)
    u, v = (seen[:, 0] - 160) / straight.focal_px, (seen[:, 1] - 88) / straight.focal_px
    square = u * u + v * v
    factor = 1 - 0.22 * square + 0.03 * square * square
    expected = np.column_stack([160 + straight.focal_px * u * factor, 88 + straight.focal_px * v * factor])
    assert bent.project(points)[:, :2] == pytest.approx(expected, abs=1e-6)
    assert bent.model().distortion == [-0.22, 0.03, 0.0, 0.0]
    assert np.abs(expected - seen[:, :2]).max() > 2.0


def test_rays_go_back_through_their_pixels() -> None:
    camera = camera_for("c", place(RoadLayout.HIGHWAY, "c"), SMALL)
    x, y = np.array([10.5, 300.0]), np.array([20.0, 170.5])
    points = np.array(camera.position_m) + 25.0 * camera.rays(x, y).astype(np.float64)
    assert camera.project(points) == pytest.approx(np.column_stack([x, y, [25.0, 25.0]]), abs=1e-3)


def test_rays_of_all_pixels_are_those_of_each() -> None:
    camera = camera_for("rays", place(RoadLayout.URBAN_STREET, "rays"), Geometry(320, 192, 16, 49))
    rows = camera.pixel_rays(60, 190)
    assert rows.shape == (130, 320, 3)
    for row, column in ((60, 0), (63, 17), (64, 319), (127, 5), (128, 160), (189, 319)):
        one = camera.rays(np.array([column + 0.5]), np.array([row + 0.5]))[0]
        assert np.array_equal(rows[row - 60, column], one)
    assert np.array_equal(camera.pixel_rays()[60:190], rows)


def seen_focus(layout: RoadLayout, number: int, *words: CameraWord) -> tuple[float, float]:
    """A car's share of the width at the watched spot, and how far from the middle that falls, in widths."""
    here = place(layout, f"views-{number}")
    camera = camera_for(f"views-{number}", here, Geometry.of("720", 16), words)
    x, _, depth = camera.project(np.array([[*here.focus_m, 0.6]]))[0]
    return 4.3 * camera.focal_px / depth / camera.width_px, abs(x / camera.width_px - 0.5)


def test_cameras_see_as_small_and_as_far_aside_as_real_ones() -> None:
    seen = np.array([seen_focus(layout, number) for layout in LAYOUTS for number in range(24)])
    assert 0.04 < np.median(seen[:, 0]) < 0.075
    assert 0.05 < (seen[:, 1] > 0.26).mean() < 0.4


def carriageway_share(camera: Camera, layout: Layout) -> float:
    """Of the picture's pixels, those that show a road within 120 m, whatever stands before it."""
    x, y = np.meshgrid(np.arange(8, 1280, 16.0), np.arange(8, 704, 16.0))
    rays = camera.rays(x.ravel(), y.ravel()).astype(np.float64)
    down = rays[rays[:, 2] < -1e-3]
    reach = camera.position_m[2] / -down[:, 2]
    points = np.array(camera.position_m) + reach[:, None] * down
    on_road = off_roads_m(layout, points[:, 0], points[:, 1]) <= 0.0
    return float((on_road & (reach < 120.0)).sum() / len(rays))


def test_cameras_of_streets_look_at_the_carriageway() -> None:
    """Not at squares, parked cars and facades: in pictures with little of it viewers did not find what happened."""
    names = [f"road-{number}" for number in range(24)]
    places = [place(RoadLayout.URBAN_STREET, name) for name in names]
    cameras = [camera_for(name, here, Geometry.of("720", 16)) for name, here in zip(names, places, strict=True)]
    shares = np.array([carriageway_share(*each) for each in zip(cameras, places, strict=True)])
    assert (shares < 0.1).sum() <= 4
    assert np.median(shares) > 0.15


def test_camera_words_decide_how_near_and_where() -> None:
    near, far, edge, centred = (
        np.array([seen_focus(layout, number, word) for layout in LAYOUTS for number in range(3)])
        for word in (CameraWord.NEAR, CameraWord.FAR, CameraWord.EDGE, CameraWord.CENTRED)
    )
    assert near[:, 0].min() > 0.09
    assert far[:, 0].max() < 0.055
    assert edge[:, 1].min() > 0.2
    assert centred[:, 1].max() < 0.12


def test_a_bent_lens_agrees_with_its_published_model() -> None:
    """OpenCV's radial model, written out again."""
    bent = 0
    for number in range(6):
        here = place(RoadLayout.FOUR_WAY_INTERSECTION, f"bent-{number}")
        camera = camera_for(f"bent-{number}", here, Geometry.of("720", 16))
        model = camera.model()
        k1 = model.distortion[0] if model.distortion else 0.0
        bent += k1 != 0.0
        points = np.array([[*here.focus_m, 0.0], [here.focus_m[0] + 6.0, here.focus_m[1] - 5.0, 1.0]])
        placed = (np.array(model.world_to_camera) @ np.column_stack([points, np.ones(2)]).T)[:3].T
        flat = placed[:, :2] / placed[:, 2:]
        flat = flat * (1.0 + k1 * (flat**2).sum(axis=1, keepdims=True))
        expected = flat * model.intrinsics[0][0] + np.array([model.intrinsics[0][2], model.intrinsics[1][2]])
        assert np.allclose(camera.project(points)[:, :2], expected, atol=1e-6)
    assert bent > 0
