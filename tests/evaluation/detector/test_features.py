"""The flow of small frames: x before y, and what differs from the background counts most in every mean."""

import numpy as np
import pytest
import torch

from its_core.evaluation.detector.features import FLOW_PX, SIZE_PX, _of_the_foreground, grey_and_flow

cv2 = pytest.importorskip("cv2")

FRAMES, ACROSS_PX, DOWN_PX = 9, 3, 1
TOP, LEFT, SIDE = 81, 101, 40


@pytest.fixture(scope="module")
def frames() -> torch.Tensor:
    """A block before a coarse pattern."""
    random = np.random.default_rng(0)
    pattern = cv2.resize(random.integers(0, 120, (27, 48), np.uint8), SIZE_PX[::-1], interpolation=cv2.INTER_CUBIC)
    frames = torch.from_numpy(pattern).repeat(FRAMES, 3, 1, 1)
    block = torch.from_numpy(random.integers(150, 256, (SIDE, SIDE), np.uint8))
    for number, frame in enumerate(frames):
        top, left = TOP + number * DOWN_PX, LEFT + number * ACROSS_PX
        frame[:, top : top + SIDE, left : left + SIDE] = block
    return frames


def test_a_block_moves_before_an_empty_scene(frames: torch.Tensor) -> None:
    grey, background, flow = grey_and_flow(frames)
    assert background[0, 0] == grey[0, 0, 0] == frames[0, 0, 0, 0]
    assert flow.shape == (FRAMES, 2, SIZE_PX[0] // FLOW_PX, SIZE_PX[1] // FLOW_PX)
    rows, columns = (slice(first // FLOW_PX + 1, (first + SIDE) // FLOW_PX) for first in (TOP, LEFT))
    assert np.median(flow[0, :, rows, columns], axis=(1, 2)) == pytest.approx((ACROSS_PX, DOWN_PX), abs=0.2)
    assert np.abs(flow[0, :, :25]).max() < 0.2


def test_what_differs_from_the_background_counts_most() -> None:
    random = np.random.default_rng(1)
    way = random.normal(0, 2, (*SIZE_PX, 2)).astype(np.float32)
    frame, background = random.integers(0, 256, (2, *SIZE_PX), np.uint8)
    found = _of_the_foreground(way, frame, background)
    assert found.shape == (2, SIZE_PX[0] // FLOW_PX, SIZE_PX[1] // FLOW_PX)
    weight = np.abs(frame.astype(int) - background) + 1
    for row, column in ((0, 0), (41, 150), (107, 191)):
        here = (slice(row * FLOW_PX, (row + 1) * FLOW_PX), slice(column * FLOW_PX, (column + 1) * FLOW_PX))
        for axis in (0, 1):
            mean = np.average(way[here][..., axis], weights=weight[here])
            assert found[axis, row, column] == pytest.approx(mean, abs=1e-5)
