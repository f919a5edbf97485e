"""Where the heat has its peaks, what speaks for each, and which are the true contact."""

import numpy as np
import pytest
import torch

from its_core.evaluation.detector import peaks
from its_core.evaluation.detector.features import FLOW_PX, SIZE_PX, Features
from its_core.evaluation.detector.looks import Maps
from its_core.evaluation.detector.peak_classifier import CUES
from its_core.evaluation.detector.peaks import Peaks
from tests.evaluation import made_up

FRAMES, GRID, STOPS_AT = 40, (27, 48), 20
BODY = (slice(96, 120), slice(180, 204))  # pixels around the middle of the picture


def clip_of(frames: int = FRAMES) -> Features:
    """Something flickers and moves at 3 pixels a frame in the middle, and stops dead."""
    background = np.full(SIZE_PX, 90, np.uint8)
    pictures = np.repeat(background[None], frames, axis=0)
    flow = np.zeros((frames, 2, SIZE_PX[0] // FLOW_PX, SIZE_PX[1] // FLOW_PX), np.float16)
    for frame in range(frames):
        pictures[frame][BODY] = 200 if frame % 2 and frame < STOPS_AT else 150
    flow[:STOPS_AT, 0, 48:60, 90:102] = 3
    return Features(pictures, flow, background, np.arange(frames, dtype=np.float32) / 10)


def maps_of(hot: dict[tuple[int, int, int], float], frames: int = FRAMES) -> Maps:
    heat = torch.full((frames, *GRID), -9.0)
    for place, value in hot.items():
        heat[place] = value
    collisions = torch.zeros(frames, 4, *GRID)
    collisions[STOPS_AT:, 0] = 2
    return Maps(heat, collisions, torch.zeros(frames, 5, *GRID))


def found(hot: dict[tuple[int, int, int], float]) -> list[tuple[int, ...]]:
    heat = maps_of(hot)
    heat.heat[heat.heat == -9] += torch.linspace(-1, 0, FRAMES * GRID[0] * GRID[1])[(heat.heat == -9).flatten()]
    return [tuple(each) for each in peaks.find(heat, clip_of()).at.tolist()]


def test_peaks_lie_apart_in_time_or_in_place_the_hottest_first() -> None:
    hot = {(10, 5, 5): 3.0, (12, 6, 6): 2.9, (20, 5, 5): 1.0, (10, 5, 8): 4.0, (11, 5, 7): 0.5}
    assert found(hot)[:3] == [(10, 5, 8), (10, 5, 5), (20, 5, 5)]


def test_cues_tell_before_from_after() -> None:
    one = peaks.find(maps_of({(STOPS_AT, 13, 24): 3.0}), clip_of())
    assert one.cues.shape[1] == len(CUES)
    cue = dict(zip(CUES, one.cues[0].tolist(), strict=True))
    assert (cue["heat"], cue["scene_heat"]) == (3, -9)
    assert tuple(one.points[0]) == pytest.approx((24.5 / 48, 13.5 / 27))
    assert (cue["collided_before"], cue["collided_after"], cue["collided_end"]) == (0, 2, 2)
    assert (cue["struck_at"], cue["collided_near_after"]) == (0, 0)
    # The body outweighs the still ground around it.
    assert np.exp(cue["speed_before"]) == pytest.approx(3, abs=0.5)
    assert np.exp(cue["speed_after"]) == pytest.approx(0.05, abs=1e-6)
    assert cue["change_before"] > cue["change_after"] + 1
    assert cue["jolt_at"] > cue["jolt_before"] > cue["jolt_after"] == cue["jolt_end"]


@pytest.mark.parametrize("frames", [1, 4])
def test_a_short_clip_at_the_picture_s_edge_has_cues(frames: int) -> None:
    hot = maps_of({(0, 0, 0): 3.0, (frames - 1, 26, 47): 2.0}, frames)
    cues = peaks.find(hot, clip_of(frames)).cues
    assert len(cues) >= 2
    assert np.isfinite(cues).all()


def test_a_peak_near_the_contact_is_it() -> None:
    frames = clip_of()
    points = np.array([[0.5, 0.5], [0.5 + 0.14 * 216 / 384, 0.5], [0.5 + 0.16 * 216 / 384, 0.5], [0.5, 0.5]])
    at = np.array([[20, 0, 0], [13, 0, 0], [20, 0, 0], [29, 0, 0]])
    some = Peaks(at, points, np.zeros((4, len(CUES))))
    assert some.are_contact(made_up.clip("a"), frames).tolist() == [True, True, False, False]
    assert some.are_contact(made_up.clip("a", center=None), frames).tolist() == [True, True, True, False]
    assert not some.are_contact(made_up.calm("b"), frames).any()
