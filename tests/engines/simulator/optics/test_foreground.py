from dataclasses import replace

import numpy as np
import pytest

from its_core.clip import Geometry
from its_core.engines.simulator.optics.camera import camera_for
from its_core.engines.simulator.optics.foreground import covered_shares, uprights
from its_core.engines.simulator.roads.registry import place
from its_core.taxonomy import RoadLayout

CLIP = Geometry.of("720", 16)


def widest(layout: RoadLayout, camera_id: str) -> tuple[float, float]:
    """Shares of the picture's width: of the widest post, and of a car at the focus."""
    here = place(layout, camera_id)
    camera = camera_for(camera_id, here, CLIP)
    posts = uprights(here)
    shares = covered_shares(camera.project(posts[:, :3]), posts[:, 3], camera.focal_px, (1280, 704))
    focus_m = float(np.linalg.norm(np.array(camera.position_m) - np.array([*here.focus_m, 0.0])))
    return float(shares.max(initial=0.0)), 4.3 * camera.focal_px / focus_m / 1280


@pytest.mark.parametrize("layout", [RoadLayout.FOUR_WAY_INTERSECTION, RoadLayout.HIGHWAY, RoadLayout.URBAN_STREET])
def test_nothing_thin_stands_close_before_a_camera(layout: RoadLayout) -> None:
    for number in range(6):
        post, car = widest(layout, f"post-{number}")
        assert post <= max(0.015, 0.2 * car), number


def test_a_post_covers_more_of_the_picture_the_nearer_it_is_and_none_beside_or_behind() -> None:
    seen = np.array([[640.0, 352.0, 2.0], [640.0, 352.0, 20.0], [2000.0, 352.0, 2.0], [640.0, 352.0, -2.0]])
    shares = covered_shares(seen, np.full(4, 0.1), 900.0, (1280, 704))
    assert shares.tolist() == pytest.approx([90.0 / 1280, 9.0 / 1280, 0.0, 0.0])


def test_a_pole_before_the_lens_sends_the_camera_elsewhere() -> None:
    here = place(RoadLayout.FOUR_WAY_INTERSECTION, "moved")
    cameras = (camera_for(f"moved-{number}", here, CLIP) for number in range(40))
    low = next(camera for camera in cameras if camera.position_m[2] < 7.5)  # a pole is 7.9 m high
    towards = low.rotation[2, :2] / np.linalg.norm(low.rotation[2, :2])
    x, y = (float(value) for value in np.array(low.position_m[:2]) + 4.0 * towards)
    blocked = replace(here, poles=((x, y),))
    assert camera_for(low.camera_id, blocked, CLIP).position_m != low.position_m
