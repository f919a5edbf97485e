"""One network for whether, when, where and what.

It marks, in space and time, where bodies first touch: a heat map over T frames and a grid of cells. Its peak is the
when and the where; how hot the hottest spots are says whether; the features under the heat say what. Cells see about a
second to either side, and how each place looks before and after.

Axes: B clips, T frames, C channels, H x W the grid's cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

TYPES = ("head-on", "rear-end", "sideswipe", "single", "t-bone")
CELL_PX = 8
_HOTTEST = 12  # space-time cells whose mean heat is the clip's score


@dataclass(frozen=True, slots=True)
class Output:
    """``heat`` [B, T, H, W] and ``score`` [B] are logits, ``types`` [B, 5] too."""

    heat: Tensor
    score: Tensor
    types: Tensor


class _Block(nn.Module):
    """A residual step: over time at each cell, then over neighbouring cells at each time. [B, C, T, H, W]"""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.over_time = nn.Conv2d(width, width, (3, 1), padding=(dilation, 0), dilation=(dilation, 1))
        self.over_space = nn.Conv2d(width, width, 3, padding=1)
        self.norms = nn.ModuleList(nn.GroupNorm(4, width) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        batch, _, time, height, width = x.shape
        y = F.silu(self.norms[0](self.over_time(x.flatten(3)).unflatten(3, (height, width))))
        y = self.over_space(y.transpose(1, 2).flatten(0, 1)).unflatten(0, (batch, time)).transpose(1, 2)
        return x + F.silu(self.norms[1](y))


class Network(nn.Module):
    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(5, 24, 7, stride=4, padding=3),
            nn.GroupNorm(4, 24),
            nn.SiLU(),
            nn.Conv2d(24, width, 3, stride=2, padding=1),
            nn.GroupNorm(4, width),
            nn.SiLU(),
        )
        self.blocks = nn.ModuleList(_Block(width, dilation) for dilation in (1, 2, 4))
        self.before_after = nn.Conv3d(3 * width, width, 1)
        self.heat = nn.Conv3d(width, 1, 1)
        self.score = nn.Linear(1, 1)
        self.types = nn.Sequential(nn.Dropout(0.2), nn.Linear(width, len(TYPES)))

    def forward(self, frames: Tensor, lengths: Tensor) -> Output:
        """``frames`` [B, T, height, width], 0 to 1, of which the first ``lengths`` [B] count."""
        batch, time = frames.shape[:2]
        x = self.stem(_channels(frames).flatten(0, 1)).unflatten(0, (batch, time)).transpose(1, 2)  # B C T H W
        for block in self.blocks:
            x = block(x)
        x = F.silu(self.before_after(torch.cat([x, *_means(x)], dim=1)))
        outside = torch.arange(time, device=frames.device) >= lengths[:, None]
        heat = self.heat(x)[:, 0].masked_fill(outside[:, :, None, None], -30.0)
        hottest = heat.flatten(1).topk(min(_HOTTEST, heat[0].numel()), dim=1).values.mean(dim=1, keepdim=True)
        attention = heat.flatten(1).softmax(dim=1).view_as(heat)[:, None]
        return Output(heat, self.score(hottest)[:, 0], self.types((x * attention).sum(dim=(2, 3, 4))))


def _channels(frames: Tensor) -> Tensor:
    """[B, T, 5, height, width]: the empty scene, what differs from it, and the change from frame to frame."""
    background = frames.mean(dim=1, keepdim=True).expand_as(frames)  # a median would take as long as the convolutions
    before, after = frames[:, :1], frames[:, -1:]
    earlier = torch.cat([before, frames[:, :-1]], dim=1)
    later = torch.cat([frames[:, 1:], after], dim=1)
    return torch.stack(
        [background - 0.5, 3 * (frames - background), 4 * (frames - earlier), 4 * (later - frames), frames - 0.5], dim=2
    )


def _means(x: Tensor) -> tuple[Tensor, Tensor]:
    """At each time, each cell's mean over all earlier times and over all later ones."""
    time = x.shape[2]
    counts = torch.arange(1, time + 1, device=x.device, dtype=x.dtype)[None, None, :, None, None]
    past = x.cumsum(dim=2) / counts
    future = x.flip(2).cumsum(dim=2).flip(2) / counts.flip(2)
    return past, future
