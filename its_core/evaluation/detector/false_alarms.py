"""Where a half-trained detector is wrongly hot: the crops that it learns most from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from its_core.evaluation.detector.answers import outputs
from its_core.evaluation.detector.features import Features
from its_core.evaluation.detector.network import CELL_PX, Network
from its_core.evaluation.detector.views import Point, contact_frame
from its_core.evaluation.ground_truth import TrueClip

_PEAKS = 6  # a clip
_APART = (9, 5, 5)  # frames and cells of which one peak is the largest
_NEAR_FRAMES, _NEAR_CELLS = 8, 4  # so near to the contact a peak is right

FalseAlarms = Mapping[str, Sequence[tuple[int, Point]]]


def find(network: Network, clips: Sequence[TrueClip], features: Mapping[str, Features]) -> FalseAlarms:
    """By clip: frames and places of the hottest peaks that are not the crash."""
    network.eval()
    return {clip.clip_id: _peaks(network, clip, features[clip.clip_id]) for clip in clips}


@torch.no_grad()
def _peaks(network: Network, clip: TrueClip, features: Features) -> list[tuple[int, Point]]:
    heat = outputs(network, features, mirrored=False).heat[0]
    largest = F.max_pool3d(heat[None], _APART, 1, tuple(size // 2 for size in _APART))[0]
    peaks = heat.masked_fill(heat < largest, -torch.inf).masked_fill(_right(heat, clip, features), -torch.inf)
    values, places = peaks.flatten().topk(min(_PEAKS, peaks.numel()))
    frames, rows, columns = torch.unravel_index(places[values.isfinite()], heat.shape)
    height, width = features.background.shape
    return [
        (int(frame), ((float(column) + 0.5) * CELL_PX / width, (float(row) + 0.5) * CELL_PX / height))
        for frame, row, column in zip(frames.tolist(), rows.tolist(), columns.tolist(), strict=True)
    ]


def _right(heat: Tensor, clip: TrueClip, features: Features) -> Tensor:
    """Cells, in space and time, at and around the crash."""
    contact = contact_frame(clip, features)
    if contact is None:
        return torch.zeros_like(heat, dtype=torch.bool)
    center = clip.center or (0.5, 0.5)
    height, width = heat.shape[1:]
    frames, rows, columns = (torch.arange(size, device=heat.device) for size in heat.shape)
    near = (frames - contact).abs() <= _NEAR_FRAMES
    high = (rows + 0.5 - center[1] * height).abs() <= _NEAR_CELLS
    wide = (columns + 0.5 - center[0] * width).abs() <= _NEAR_CELLS
    return near[:, None, None] & high[None, :, None] & wide[None, None, :]
