import numpy as np
import pytest
from scipy.spatial import Delaunay

from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.optics.raster import (
    NOTHING,
    Coverage,
    Lens,
    Soup,
    draw,
    draw_counted,
    plan,
    view,
)

# Ten metres above nothing, looking north and level: x right, z up.
LEVEL = Camera("level", (0.0, 0.0, 10.0), np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]]), 100.0, 64, 40)


def plate(x1: float, x2: float, y: float, z1: float, z2: float) -> Soup:
    corners = np.array([(x1, y, z1), (x2, y, z1), (x2, y, z2), (x1, y, z2)], np.float32)
    return Soup(corners, np.array([(0, 1, 2), (0, 2, 3)], np.int32))


def both(a: Soup, b: Soup) -> Soup:
    return Soup(np.concatenate([a.vertices, b.vertices]), np.concatenate([a.triangles, b.triangles + len(a.vertices)]))


def test_depth_is_that_of_the_surface() -> None:
    """Against a ray cast: a plate that slants from 15 m to 25 m."""
    corners = np.array([(-8, 15, 6), (8, 25, 6), (8, 25, 14), (-8, 15, 14)], np.float32)
    seen = view(LEVEL, Soup(corners, np.array([(0, 1, 2), (0, 2, 3)], np.int32)), 2)
    rows, columns = np.nonzero(seen.triangle != NOTHING)
    across = ((columns + 0.5) / 2 - 32) / 100
    expected = 20.0 / (1.0 - across * 10.0 / 16.0)  # y = 20 + (10/16) x, x = across · y
    assert len(rows) > 500
    assert 1.0 / seen.nearness[rows, columns] == pytest.approx(expected, rel=1e-5)


def test_the_nearer_surface_wins_whatever_the_order() -> None:
    near, far = plate(-1, 0, 10, 9, 11), plate(-2, 2, 30, 8, 12)
    for soup, first in ((both(near, far), 0), (both(far, near), 2)):
        drawn = view(LEVEL, soup).triangle
        assert drawn[20, 28] // 2 == first // 2
        assert drawn[20, 36] // 2 == 1 - first // 2
        assert drawn[0, 0] == NOTHING


def test_pictures_agree_with_the_camera_to_half_a_sample() -> None:
    soup = plate(-1.37, 2.11, 17, 8.4, 11.3)
    corners = LEVEL.project(soup.vertices.astype(np.float64))
    drawn = view(LEVEL, soup, 4).triangle != NOTHING
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    assert columns[0] / 4 == pytest.approx(corners[:, 0].min(), abs=0.125)
    assert (columns[-1] + 1) / 4 == pytest.approx(corners[:, 0].max(), abs=0.125)
    assert rows[0] / 4 == pytest.approx(corners[:, 1].min(), abs=0.125)
    assert (rows[-1] + 1) / 4 == pytest.approx(corners[:, 1].max(), abs=0.125)


def test_a_shift_moves_the_sample_points() -> None:
    """Seen from further right and below, the left and upper edges lie that much earlier."""
    soup = plate(-0.92, 3.0, 20, 5.0, 10.52)  # left edge at x = 27.4, upper edge at y = 17.4
    for shift, first_column, first_row in (((0.0, 0.0), 27, 17), ((0.95, 0.0), 26, 17), ((0.0, 0.95), 27, 16)):
        drawn = view(LEVEL, soup, 1, shift).triangle != NOTHING
        assert np.flatnonzero(drawn.any(axis=0))[0] == first_column
        assert np.flatnonzero(drawn.any(axis=1))[0] == first_row


def test_neighbours_leave_no_gap_and_share_no_sample() -> None:
    rng = np.random.default_rng(5)
    points = np.stack([rng.uniform(-4, 4, 40), np.full(40, 20.0), rng.uniform(7, 13, 40)], axis=1)
    mesh = Delaunay(points[:, [0, 2]])
    whole = view(LEVEL, Soup(points.astype(np.float32), mesh.simplices.astype(np.int32)), 4)
    one_by_one = np.zeros(whole.triangle.shape, int)
    for triangle in mesh.simplices:
        one = view(LEVEL, Soup(points.astype(np.float32), triangle[None].astype(np.int32)), 4)
        one_by_one += one.triangle != NOTHING
    inside = whole.triangle != NOTHING
    assert (one_by_one[inside] >= 1).all()
    assert (one_by_one > 1).mean() < 1e-3
    columns = np.flatnonzero(inside[80])
    assert np.array_equal(columns, np.arange(columns[0], columns[-1] + 1))


def test_what_reaches_behind_the_camera_is_cut_there() -> None:
    ground = np.array([(-50, -30, 0), (50, -30, 0), (50, 200, 0), (-50, 200, 0)], np.float32)
    seen = view(LEVEL, Soup(ground, np.array([(0, 1, 2), (0, 2, 3)], np.int32)))
    rows = np.flatnonzero((seen.triangle != NOTHING).all(axis=1))
    assert rows[0] == pytest.approx(20 + 100 * 10 / 200, abs=1)
    assert rows[-1] == 39
    assert 1.0 / seen.nearness[39, 32] == pytest.approx(100 * 10 / 19.5, rel=1e-4)


@pytest.mark.parametrize("only", [(3, 3), (1, 2), (2, 1), (1, 0), (0, 2)])
def test_of_a_finer_grid_some_samples_are_drawn_alone(only: tuple[int, int]) -> None:
    lens = Lens.of(LEVEL, 2)
    soup = both(plate(-1.3, 0.2, 10, 9.1, 11.4), plate(-2, 2.6, 30, 8, 12.3))
    whole, some = view(LEVEL, soup, 2), Coverage.empty(lens.width, lens.height)
    draw(LEVEL.placed(soup.vertices), soup.triangles, lens, some, only=only)
    rows, columns = np.indices(some.triangle.shape)
    drawn = np.array(only)[rows % 2] & (1 << (columns % 2)) > 0
    assert (some.triangle[drawn] != NOTHING).any()
    assert np.array_equal(some.triangle, np.where(drawn, whole.triangle, NOTHING))
    assert np.array_equal(some.nearness, np.where(drawn, whole.nearness, 0.0))


def test_a_body_is_counted_whole_though_another_hides_it() -> None:
    lens = Lens.of(LEVEL, 2)
    seen, stamps = Coverage.empty(lens.width, lens.height), np.zeros((lens.height, lens.width), np.uint8)
    far, near = plate(-2, 2, 30, 8, 12), plate(-2, 0, 10, 7, 13)
    alone = (view(LEVEL, far, 2).triangle != NOTHING).sum()
    draw(LEVEL.placed(near.vertices), near.triangles, lens, seen, 10)
    placed = LEVEL.placed(far.vertices)
    counts, windows = draw_counted(placed, far.triangles, np.array([0, 2]), lens, seen, stamps, 3)
    assert counts == [alone]
    visible = np.argwhere((seen.triangle >= 0) & (seen.triangle < 10))
    assert len(visible) == pytest.approx(alone / 2, rel=0.1)
    rows, columns = np.nonzero(stamps == 3)
    assert len(rows) == alone
    assert windows.tolist() == [[rows.min(), rows.max() + 1, columns.min(), columns.max() + 1]]


def test_bodies_drawn_at_once_are_counted_one_by_one() -> None:
    lens = Lens.of(LEVEL, 2)
    first, second = plate(-2, 2, 30, 8, 12), plate(-2, 0, 10, 7, 13)
    soup = both(first, second)
    seen, stamps = Coverage.empty(lens.width, lens.height), np.zeros((lens.height, lens.width), np.uint8)
    counts, windows = draw_counted(
        LEVEL.placed(soup.vertices), soup.triangles, np.array([0, 2, 2, 4]), lens, seen, stamps, 7
    )
    alone = [(view(LEVEL, one, 2).triangle != NOTHING).sum() for one in (first, second)]
    assert counts.tolist() == [alone[0], 0, alone[1]]
    assert not windows[1].any()
    assert np.array_equal(seen.triangle, view(LEVEL, soup, 2).triangle)


def test_a_plan_shows_north_up() -> None:
    corners = np.array([(4.3, 6.3, 1.0), (7.7, 6.3, 1.0), (7.7, 8.7, 1.0), (4.3, 8.7, 1.0)], np.float32)
    drawn = plan((-10.0, -10.0, 10.0, 10.0), (20, 20), Soup(corners, np.array([(0, 1, 2), (0, 2, 3)], np.int32)))
    rows, columns = np.nonzero(drawn)
    assert (columns.min(), columns.max()) == (14, 17)
    assert (rows.min(), rows.max()) == (1, 3)


def test_nothing_to_draw_is_an_empty_picture() -> None:
    nothing = Soup(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32))
    assert (view(LEVEL, nothing, 2).triangle == NOTHING).all()
