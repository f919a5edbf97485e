"""The baselines on clips whose answer is known."""

from pathlib import Path

import numpy as np
import pytest

from its_core.clip import Geometry
from its_core.dataset.loading.files import LoadError
from its_core.dataset.publish import Published
from its_core.evaluation import baselines, ground_truth
from its_core.evaluation.baselines.signal import change_point
from its_core.video import write_mp4
from tests.evaluation import made_up

GEOMETRY = Geometry(width_px=192, height_px=112, fps=10, frames=60)


def stops_at(path: Path, frame: int) -> Path:
    """A patterned block that drives through the upper left quarter and stands from ``frame`` on."""
    block = np.random.default_rng(0).integers(0, 255, (24, 24, 1), np.uint8)
    pictures = []
    for number in range(GEOMETRY.frames):
        picture = np.full((GEOMETRY.height_px, GEOMETRY.width_px, 3), 90, np.uint8)
        left = 8 + min(number, frame) * 2
        picture[16:40, left : left + 24] = block
        pictures.append(picture)
    write_mp4(path, iter(pictures), GEOMETRY)
    return path


def test_a_change_point_is_where_the_mean_changes() -> None:
    place, strength = change_point(np.array([1.0, 1.1, 0.9, 1.0, 5.0, 5.1, 4.9]))
    assert place == 4
    assert strength > 2
    assert change_point(np.ones(10)) == (5, 0.0)


def test_optical_flow_finds_when_and_where_motion_ends(tmp_path: Path) -> None:
    video = stops_at(tmp_path / "stops.mp4", 30)
    clip = made_up.clip("a", video_url=str(video), duration_s=6.0, accident_time_s=3.0)
    said = baselines.predict("optical-flow", made_up.truth(clip))["a"]
    assert said.accident_time_s == pytest.approx(3.0, abs=0.4)
    assert said.center[0] == pytest.approx((8 + 60 + 12) / 192, abs=0.1)
    assert said.center[1] == pytest.approx(28 / 112, abs=0.1)


def test_naive_says_middle_centre_and_the_commonest_type() -> None:
    known = [made_up.clip(name, type=kind) for name, kind in (("a", "single"), ("b", "single"), ("c", "t-bone"))]
    said = baselines.predict("naive", made_up.truth(made_up.clip("x")), known)["x"]
    assert (said.accident_time_s, said.center, said.type) == (5.0, (0.5, 0.5), "single")


def test_box_dynamics_needs_annotations(published: Published) -> None:
    truth = ground_truth.open_truth(published.url)
    said = baselines.predict("box-dynamics", truth)
    assert all(0 <= each.center[0] <= 1 for each in said.values())
    with pytest.raises(LoadError) as refused:
        baselines.predict("box-dynamics", made_up.truth(made_up.clip("a")))
    assert refused.value.code == "load.truth_missing"
