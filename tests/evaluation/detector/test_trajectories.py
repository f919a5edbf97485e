"""Motion is compared along the way of a body, not at one place of the picture."""

import pytest
import torch

from its_core.evaluation.detector.features import FLOW_PX
from its_core.evaluation.detector.trajectories import MOTION_CHANNELS, motion

FRAMES, STOPS_AT, STEP_PX = 12, 8, 6
HALF, ROW = 6, 10  # vectors
JUMP = slice(4, 6)
JUMP_SIZE, CHANGE_SIZE = 10, 11
HERE = slice(12, 16)


def middle(frame: int) -> int:
    return 12 + min(frame, STOPS_AT) * STEP_PX // FLOW_PX


@pytest.fixture(scope="module")
def moved() -> torch.Tensor:
    """A body on still ground that drives to the right and stops dead."""
    flow = torch.zeros(1, FRAMES, 2, 2 * ROW, 64)
    for frame in range(STOPS_AT):
        flow[0, frame, 0, ROW - 4 : ROW + 4, middle(frame) - HALF : middle(frame) + HALF] = STEP_PX
    return motion(flow)


def test_all_is_finite(moved: torch.Tensor) -> None:
    assert moved.shape == (1, FRAMES, MOTION_CHANNELS, 2 * ROW, 64)
    assert bool(moved.isfinite().all())


def test_a_steady_body_does_not_change_though_the_picture_does(moved: torch.Tensor) -> None:
    for frame in range(3, STOPS_AT - 2):
        front = middle(frame) + HALF - 1
        assert float(moved[0, frame, JUMP_SIZE, ROW, middle(frame)]) == pytest.approx(0, abs=1e-3)
        assert float(moved[0, frame, CHANGE_SIZE, ROW, middle(frame)]) == pytest.approx(0, abs=1e-3)
        assert float(moved[0, frame, HERE, ROW, front].abs().max()) == 1


def test_a_body_that_stops_dead_jumps(moved: torch.Tensor) -> None:
    sizes = moved[0, :, JUMP_SIZE, ROW]
    at, place = divmod(int(sizes.argmax()), sizes.shape[1])
    assert at == STOPS_AT
    assert abs(place - middle(STOPS_AT)) <= HALF
    across, along = moved[0, STOPS_AT, JUMP, ROW, middle(STOPS_AT)].tolist()
    assert across < -2
    assert along == pytest.approx(0, abs=1e-3)
