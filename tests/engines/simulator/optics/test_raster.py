from collections.abc import Iterator

import numpy as np
import pytest

from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.optics.raster import Raster, Soup


@pytest.fixture(scope="module")
def raster() -> Iterator[Raster]:
    made = Raster()
    yield made
    made.close()


# Ten metres above nothing, looking north and level: x right, z up.
LEVEL = Camera("level", (0.0, 0.0, 10.0), np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]]), 100.0, 64, 40)


def plate(x1: float, x2: float, y: float, z1: float, z2: float, rgba: tuple[int, int, int, int]) -> Soup:
    corners = np.array([(x1, y, z1), (x2, y, z1), (x2, y, z2), (x1, y, z2)], np.float32)
    triangles = np.array([(0, 1, 2), (0, 2, 3)], np.int32)
    return Soup(corners, np.tile(np.array(rgba, np.uint8), (4, 1)), triangles)


def both(a: Soup, b: Soup) -> Soup:
    triangles = np.concatenate([a.triangles, b.triangles + len(a.vertices)])
    return Soup(np.concatenate([a.vertices, b.vertices]), np.concatenate([a.rgba, b.rgba]), triangles)


def test_every_byte_comes_back_as_it_was_given(raster: Raster) -> None:
    for value in range(0, 256, 5):
        colour = (value, 255 - value, value // 2, max(1, value))
        drawn = raster.view(LEVEL, plate(-1, 1, 20, 9, 11, colour), 1)
        assert drawn.shape == (40, 64, 4)
        assert tuple(drawn[20, 32]) == colour
        assert tuple(drawn[0, 0]) == (0, 0, 0, 0)


def test_the_nearer_surface_wins_whatever_the_order(raster: Raster) -> None:
    near, far = plate(-1, 0, 10, 9, 11, (1, 0, 0, 255)), plate(-2, 2, 30, 8, 12, (2, 0, 0, 255))
    for soup in (both(near, far), both(far, near)):
        drawn = raster.view(LEVEL, soup, 1)
        assert drawn[20, 28, 0] == 1
        assert drawn[20, 36, 0] == 2


def test_pictures_agree_with_the_camera_to_half_a_sample(raster: Raster) -> None:
    soup = plate(-1.37, 2.11, 17, 8.4, 11.3, (9, 9, 9, 9))
    corners = LEVEL.project(soup.vertices.astype(np.float64))
    drawn = raster.view(LEVEL, soup, 4)[..., 3] > 0
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    assert columns[0] / 4 == pytest.approx(corners[:, 0].min(), abs=0.25)
    assert (columns[-1] + 1) / 4 == pytest.approx(corners[:, 0].max(), abs=0.25)
    assert rows[0] / 4 == pytest.approx(corners[:, 1].min(), abs=0.25)
    assert (rows[-1] + 1) / 4 == pytest.approx(corners[:, 1].max(), abs=0.25)


def test_a_shift_moves_the_sample_points(raster: Raster) -> None:
    """Seen from further right and below, the left and upper edges lie that much earlier."""
    soup = plate(-0.92, 3.0, 20, 5.0, 10.52, (9, 9, 9, 9))  # left edge at x = 27.4, upper edge at y = 17.4
    for shift, first_column, first_row in (((0.0, 0.0), 27, 17), ((0.8, 0.0), 26, 17), ((0.0, 0.8), 27, 16)):
        drawn = raster.view(LEVEL, soup, 1, shift)[..., 3]
        assert np.flatnonzero(drawn.any(axis=0))[0] == first_column
        assert np.flatnonzero(drawn.any(axis=1))[0] == first_row


def test_a_plan_shows_north_up(raster: Raster) -> None:
    corners = np.array([(4.3, 6.3, 1.0), (7.7, 6.3, 1.0), (7.7, 8.7, 1.0), (4.3, 8.7, 1.0)], np.float32)
    soup = Soup(corners, np.full((4, 4), 255, np.uint8), np.array([(0, 1, 2), (0, 2, 3)], np.int32))
    drawn = raster.plan((-10.0, -10.0, 10.0, 10.0), (20, 20), soup)[..., 0]
    rows, columns = np.nonzero(drawn)
    assert (columns.min(), columns.max()) == (14, 17)
    assert (rows.min(), rows.max()) == (1, 3)


def test_nothing_to_draw_is_an_empty_picture(raster: Raster) -> None:
    nothing = Soup(np.zeros((0, 3), np.float32), np.zeros((0, 4), np.uint8), np.zeros((0, 3), np.int32))
    assert not raster.view(LEVEL, nothing, 2).any()
