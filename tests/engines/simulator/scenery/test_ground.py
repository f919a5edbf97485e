from dataclasses import replace

import numpy as np
import pytest

from its_core.engines.simulator.roads.layouts import Crosswalk, Marking
from its_core.engines.simulator.roads.registry import place
from its_core.engines.simulator.scenery.ground import road_distance
from its_core.engines.simulator.scenery.markings import paint
from its_core.engines.simulator.scenery.wear import wear, worn_at
from its_core.taxonomy import RoadLayout

F32 = np.float32


def test_distance_from_the_road_is_signed_and_corners_are_round() -> None:
    crossing = replace(
        place(RoadLayout.FOUR_WAY_INTERSECTION, "a"),
        carriageways=((-5.0, -100.0, 5.0, 100.0), (-100.0, -4.0, 100.0, 4.0)),
        corner_radius_m=6.0,
    )
    x = np.array([0.0, 5.0, 8.0, 40.0, 40.0, 5.9, 11.0 - 6.0 * np.sqrt(0.5)], F32)
    y = np.array([50.0, 50.0, 50.0, 0.0, 6.5, 4.9, 10.0 - 6.0 * np.sqrt(0.5)], F32)
    found = road_distance(crossing, x, y)
    assert found[:5] == pytest.approx([-5.0, 0.0, 3.0, -4.0, 2.5], abs=0.01)
    assert found[5] < -0.5  # the rounded corner belongs to the road
    assert found[6] == pytest.approx(0.0, abs=0.01)  # its edge is an arc about (11, 10)


def area_m2(vertices: np.ndarray, triangles: np.ndarray) -> float:
    a, b, c = (vertices[triangles[:, corner], :2].astype(float) for corner in range(3))
    one, other = b - a, c - a
    return float(np.abs(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]).sum() / 2)


def test_lines_are_painted_as_wide_and_long_as_they_are_drawn() -> None:
    solid, yellow = paint([Marking((0.0, 0.0), (60.0, 0.0), 0.15, "white")], [])
    assert area_m2(solid.vertices, solid.triangles) == pytest.approx(9.0, rel=1e-4)
    assert not yellow.any()
    dashed, yellow = paint([Marking((0.0, 0.0), (0.0, 30.0), 0.2, "yellow", 3.0, 7.0)], [])
    assert area_m2(dashed.vertices, dashed.triangles) == pytest.approx(3 * 3.0 * 0.2, rel=1e-4)
    assert yellow.all() and len(yellow) == len(dashed.triangles)


def test_zebra_stripes_lie_along_the_traffic_within_the_crosswalk() -> None:
    crosswalk = Crosswalk((-2.0, -7.0, 2.0, 7.0), ((0.0, -7.0), (0.0, 7.0)))
    stripes, _ = paint([], [crosswalk])
    assert np.abs(stripes.vertices[:, 0]).max() == pytest.approx(2.0)
    assert np.abs(stripes.vertices[:, 1]).max() <= 7.0
    share = area_m2(stripes.vertices, stripes.triangles) / (4.0 * 14.0)
    assert 0.4 < share < 0.6


def test_wear_lies_on_the_lanes_and_fades_to_plain_asphalt() -> None:
    here = place(RoadLayout.HIGHWAY, "w")
    worn = wear(here, "w")
    lane = np.array(here.lanes[0].points)
    near = lane[np.abs(lane[:, 1] - here.focus_m[1]) < 40]
    x, y = near.T.astype(F32)

    def brightness(east: np.ndarray, north: np.ndarray) -> list[float]:
        return [worn_at(*each, F32(0.05), worn.rect, worn.levels) for each in zip(east, north, strict=True)]

    assert np.median(brightness(x, y)) < np.median(brightness(x + F32(0.78), y))
    far = np.full(3, 500.0, F32)
    assert brightness(far, far) == pytest.approx([1.0, 1.0, 1.0])
    assert 0.9 < worn.levels[-1].mean() < 1.02
