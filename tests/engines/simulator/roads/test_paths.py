from __future__ import annotations

import math

import numpy as np
import pytest

from its_core.engines.simulator.roads.paths import Path, arc, joined, meeting, straight


def bend() -> Path:
    """Ten metres north, a quarter circle of five metres to the right, ten metres east."""
    return Path(joined(straight((0, 0), (0, 10)), arc((5, 10), 5, 180, 90), straight((5, 15), (15, 15))))


def test_length_is_what_the_line_measures():
    assert bend().length_m == pytest.approx(20 + 5 * math.pi / 2, rel=2e-3)


def test_points_beyond_both_ends_lie_straight_on():
    path = bend()
    assert path.at(-3.0) == pytest.approx([0, -3])
    assert path.at(path.length_m + 4.0) == pytest.approx([19, 15])


@pytest.mark.parametrize("aside", [-1.5, 0.0, 1.5])
def test_projection_finds_a_point_put_beside_the_line(aside):
    path = bend()
    for s in (0.5, 7.3, 14.0, 25.0):
        tangent = path.direction(s)
        point = path.at(s) + aside * np.array([-tangent[1], tangent[0]])
        found_s, found_aside = path.project(point[None])
        assert found_s[0] == pytest.approx(s, abs=0.35)
        assert found_aside[0] == pytest.approx(aside, abs=0.05)


def test_projection_looks_only_at_the_stretch_it_is_told():
    loop = Path(joined(straight((0, 0), (0, 20)), arc((3, 20), 3, 180, 0), straight((6, 20), (6, 0))))
    near_start = loop.project(np.array([[0.5, 5.0]]), 0, 10)[0][0]
    near_end = loop.project(np.array([[5.5, 5.0]]), loop.length_m - 12, loop.length_m)[0][0]
    assert near_start == pytest.approx(5.0)
    assert near_end == pytest.approx(loop.length_m - 5.0, abs=0.1)


def test_meeting_of_crossing_and_of_parallel_lines():
    across = Path(straight((-20, 0), (20, 0)))
    up = Path(straight((0, -20), (0, 20)))
    assert meeting(across, up) == pytest.approx((19, 20), abs=1.1)
    assert meeting(across, Path(straight((-20, 8), (20, 8)))) is None
