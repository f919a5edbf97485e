"""What the network should give for a view: where it should be hot, and what the road users in it do."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from its_core.evaluation.detector.features import SIZE_PX
from its_core.evaluation.detector.road_users import RoadUsers
from its_core.evaluation.detector.views import View
from its_core.evaluation.ground_truth import TrueClip

_SIGMA_FRAMES = 1.2
_LEAST_SIGMA_CELLS = 0.6
_FASTEST = 1.5  # cells a frame


def heat(clip: TrueClip, view: View, frames: int, contact: int) -> Tensor:
    """A bell in time and space around the contact, as wide as the crash is, that sums to 1. [T, H, W]"""
    x, y = view.in_cells(clip.center or (0.5, 0.5))
    box = clip.box or (0.0, 0.0, 0.0, 0.0)
    wide = 0.25 * (box[2] - box[0]) * SIZE_PX[1] / view.side * view.cells
    high = 0.25 * (box[3] - box[1]) * SIZE_PX[0] / view.side * view.cells
    along = [
        _bell(frames, contact, _SIGMA_FRAMES),
        _bell(view.cells, y - 0.5, max(_LEAST_SIGMA_CELLS, high)),
        _bell(view.cells, x - 0.5, max(_LEAST_SIGMA_CELLS, wide)),
    ]
    bell = along[0][:, None, None] * along[1][None, :, None] * along[2][None, None, :]
    return torch.from_numpy((bell / bell.sum()).astype(np.float32))


def road_users(users: RoadUsers, shown: slice, view: View) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Of each cell: how much of it road users cover, whether they have collided and whether they are being struck,
    [T, H, W], and how they move, in cells a frame, [T, 4, H, W]."""

    def of(values: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(values[shown]).float()

    scale = torch.tensor(SIZE_PX[::-1]) / view.side * view.cells
    offset = torch.tensor([view.left, view.top]) / view.side * view.cells
    boxes = of(users.boxes)
    corners = boxes.view(*boxes.shape[:2], 2, 2) * scale - offset
    motion = torch.cat([of(users.before) * scale, of(users.after) * scale], dim=2)
    motion = motion.clip(-_FASTEST, _FASTEST)  # a box that reaches behind the camera jumps by whole pictures
    x, y = corners.unbind(dim=3)
    if view.flipped:
        x = view.cells - x.flip(2)
        motion = motion * torch.tensor([-1, 1, -1, 1])
    wide, high = _overlap(x, view.cells), _overlap(y, view.cells)
    share = (high[:, :, :, None] * wide[:, :, None, :]).nan_to_num()  # T N H W
    covered = share.sum(dim=1)
    weights = share / covered.clip(min=1e-6)[:, None]
    collided = torch.einsum("tnhw,tn->thw", weights, of(users.collided))
    struck = torch.einsum("tnhw,tn->thw", weights, of(users.struck))
    moved = torch.einsum("tnhw,tnc->tchw", weights, motion)
    return covered.clip(0, 1), collided, struck, moved


def _bell(count: int, middle: float, sigma: float) -> NDArray[np.float64]:
    bell: NDArray[np.float64] = np.exp(-((np.arange(count) - middle) ** 2) / (2 * sigma**2))
    return bell + math.ulp(1.0)


def _overlap(sides: Tensor, count: int) -> Tensor:
    """How much of each cell along an axis an interval covers. [T, N, 2] to [T, N, cells]"""
    cells = torch.arange(count)
    return (torch.minimum(sides[..., 1:], cells + 1) - torch.maximum(sides[..., :1], cells)).clip(0, 1)
