"""One network for whether, when, where and what.

It marks, in space and time, where bodies first touch: a heat map over T frames and a grid of cells. Its peak is the
when and the where; how hot the hottest cells are says whether; the features under the heat say what. In training the
same features must also say where road users are, how fast they move just before and just after each frame, which are
being struck and which have collided: from a few dozen crashes alone they would not learn to see motion.

Every layer is a convolution, so that training works on crops and an answer on whole frames.

Axes: B clips, T frames, N = B T, C channels, H x W the grid's cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from its_core.evaluation.detector.peak_classifier import PeakClassifier
from its_core.evaluation.detector.trajectories import MOTION_CHANNELS, motion

TYPES = ("head-on", "rear-end", "sideswipe", "single", "t-bone")
CELL_PX = 8
_HOTTEST = 12  # space-time cells whose mean heat is the clip's score
_DILATIONS = (1, 2, 4, 1, 2, 4)
_CONTEXT_FRAMES = 12
_NEVER = -30.0


@dataclass(frozen=True, slots=True)
class Output:
    """``heat`` [B, T, H, W], ``score`` [B] and ``types`` [B, T, 5, H, W], a crash's type were it there, are logits.

    ``score`` is of training's crops; of whole clips the likeliest peak of the heat is.

    For training: logits of ``covered``, ``collided`` and ``struck`` [B, T, H, W], and ``motion`` [B, T, 4, H, W],
    displacements in cells a frame (x and y before, x and y after).
    """

    heat: Tensor
    score: Tensor
    types: Tensor
    covered: Tensor
    collided: Tensor
    struck: Tensor
    motion: Tensor


class _Block(nn.Module):
    """A residual step over neighbouring cells, of which a quarter of the channels comes from ``dilation`` frames before
    and a quarter from as many after (temporal shift module, Lin et al., 2019). [N, C, H, W]"""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.convolution = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor, frames: int) -> Tensor:
        y = _channels_last(x, frames)
        quarter = x.shape[1] // 4
        earlier, later, here = torch.split(y, [quarter, quarter, x.shape[1] - 2 * quarter], dim=4)
        mixed = torch.cat([_shifted(earlier, self.dilation), _shifted(later, -self.dilation), here], dim=4)
        return x + F.silu(self.norm(self.convolution(_channels_first(mixed))))


class Network(nn.Module):
    def __init__(self, width: int = 48) -> None:
        super().__init__()
        self.from_pictures = _strided(4, 24, 7, 4)
        self.from_flow = _strided(MOTION_CHANNELS, 24, 5, 2)
        self.stem = _strided(48, width, 3, 2)
        self.blocks = nn.ModuleList(_Block(width, dilation) for dilation in _DILATIONS)
        self.road_users = nn.Conv2d(width, 7, 1)
        self.before_after = nn.Sequential(nn.Conv2d(3 * width, width, 1, bias=False), nn.BatchNorm2d(width), nn.SiLU())
        self.heat = nn.Conv2d(width, 1, 1)
        self.bias = nn.Parameter(torch.zeros(1))
        self.peaks = PeakClassifier()
        self.types = nn.Sequential(nn.Dropout(0.2), nn.Conv2d(width, len(TYPES), 1))
        # A processor takes a fifth less time.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, frames: Tensor, flow: Tensor, background: Tensor, lengths: Tensor) -> Output:
        """``frames`` [B, T, height, width] and ``background`` [B, height, width], 0 to 1, ``flow``
        [B, T, 2, height / 2, width / 2] in pixels. The first ``lengths`` [B] frames count."""
        time = frames.shape[1]
        seen, moved = _pictures(frames, background).flatten(0, 1), motion(flow).flatten(0, 1)
        seen = self.from_pictures(seen.contiguous(memory_format=torch.channels_last))
        moved = self.from_flow(moved.contiguous(memory_format=torch.channels_last))
        x = self.stem(torch.cat([seen, moved], dim=1))
        for block in self.blocks:
            x = block(x, time)
        users = self.road_users(x).unflatten(0, (-1, time))
        y = _channels_last(x, time)
        x = self.before_after(_channels_first(torch.cat([y, *_context(y)], dim=4)))
        outside = torch.arange(time, device=frames.device) >= lengths[:, None]
        heat = self.heat(x)[:, 0].unflatten(0, (-1, time)).masked_fill(outside[:, :, None, None], _NEVER)
        hottest = heat.flatten(1).topk(min(_HOTTEST, heat[0].numel()), dim=1).values.mean(dim=1)
        types = self.types(x).unflatten(0, (-1, time))
        covered, collided, struck = users[:, :, :3].unbind(dim=2)
        return Output(heat, hottest + self.bias, types, covered, collided, struck, users[:, :, 3:])


def _pictures(frames: Tensor, background: Tensor) -> Tensor:
    """[B, T, 4, height, width]: the picture, what differs from the empty scene, and the change from frame to frame."""
    earlier = torch.cat([frames[:, :1], frames[:, :-1]], dim=1)
    later = torch.cat([frames[:, 1:], frames[:, -1:]], dim=1)
    return torch.stack(
        [frames - 0.5, 3 * (frames - background[:, None]), 4 * (frames - earlier), 4 * (later - frames)], dim=2
    )


def _strided(width_in: int, width: int, kernel: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(width_in, width, kernel, stride, padding=kernel // 2, bias=False), nn.BatchNorm2d(width), nn.SiLU()
    )


def _channels_last(x: Tensor, frames: int) -> Tensor:
    """[B T, C, H, W] to [B, T, H, W, C], the order in memory."""
    y = x.permute(0, 2, 3, 1)
    return y.reshape(-1, frames, *y.shape[1:])


def _channels_first(y: Tensor) -> Tensor:
    """[B, T, H, W, C] to [B T, C, H, W], the order in memory as it was."""
    return y.flatten(0, 1).permute(0, 3, 1, 2)


def _shifted(y: Tensor, frames: int) -> Tensor:
    """Later by so many frames, or earlier where negative; zero where there was none. [B, T, H, W, C]"""
    if abs(frames) >= y.shape[1]:
        return torch.zeros_like(y)
    nothing = torch.zeros_like(y[:, : abs(frames)])
    return torch.cat([nothing, y[:, :-frames]] if frames > 0 else [y[:, -frames:], nothing], dim=1)


def _context(y: Tensor) -> tuple[Tensor, Tensor]:
    """At each time, each cell's mean over the frames just before and over those just after. [B, T, H, W, C]"""
    frames = y.shape[1]
    total = F.pad(y.cumsum(dim=1), (0, 0, 0, 0, 0, 0, 1, 0))
    here = torch.arange(frames, device=y.device)
    start, end = (here - _CONTEXT_FRAMES).clamp(min=0), (here + 1 + _CONTEXT_FRAMES).clamp(max=frames)
    past = (total[:, here] - total[:, start]) / (here - start).clamp(min=1)[:, None, None, None]
    future = (total[:, end] - total[:, here + 1]) / (end - here - 1).clamp(min=1)[:, None, None, None]
    return past, future
