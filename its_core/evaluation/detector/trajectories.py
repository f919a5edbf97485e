"""How whatever is at a place of the picture moves, and how that changes along its own way.

The flow at one place of two frames is that of two things once they move. Here each place is followed to where it comes
from and to where it goes, so that a change is one of the same body. A crash is a jump; brakes are a slope.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from its_core.evaluation.detector.features import FLOW_PX

MOTION_CHANNELS = 16
_TURNS = 2  # of the search for where something comes from


@torch.no_grad()
def motion(flow: Tensor) -> Tensor:
    """[B, T, 2, H, W] in pixels a frame, to the next frame, to [B, T, 16, H, W] of about -3 to 3.

    Slow and fast motion; the body's change from the frame before, from two frames before to two after, and to the frame
    after; how large the first two are; and how the motion at this place changes, whatever body is there.
    """
    here, earlier, later = _grid(flow), _earlier(flow), _later(flow)
    before, came_from = _back(earlier, here, flow)
    before_that, _ = _back(_earlier(earlier), came_from, before)
    goes_to = here + flow / FLOW_PX
    after = _at(later, goes_to)
    jump = flow - before
    change = (flow + after - before - before_that) / 2
    return torch.cat(
        [
            flow.clamp(-1, 1),
            (flow / 4).clamp(-3, 3),
            _squeezed(jump),
            _squeezed(change),
            _squeezed(after - flow),
            _squeezed(_length(jump)),
            _squeezed(_length(change)),
            (flow - earlier).clamp(-1, 1),
            (later - flow).clamp(-1, 1),
        ],
        dim=2,
    )


def _back(earlier: Tensor, start: Tensor, guess: Tensor) -> tuple[Tensor, Tensor]:
    """The motion that led to ``start``, and from where; ``guess`` is the motion where it was steady."""
    found = guess
    for _ in range(_TURNS):
        found = _at(earlier, start - found / FLOW_PX)
    return found, start - found / FLOW_PX


def _squeezed(change: Tensor) -> Tensor:
    """A quarter of a pixel is a clear change, four are no sixteen times clearer one."""
    scaled = 3 * change
    return scaled / (1 + scaled.abs()).sqrt()


def _length(change: Tensor) -> Tensor:
    return change.square().sum(dim=2, keepdim=True).sqrt()


def _earlier(flow: Tensor) -> Tensor:
    return torch.cat([flow[:, :1], flow[:, :-1]], dim=1)


def _later(flow: Tensor) -> Tensor:
    return torch.cat([flow[:, 1:], flow[:, -1:]], dim=1)


def _grid(flow: Tensor) -> Tensor:
    """Each vector's own place, x and y in vectors. [2, H, W]"""
    y, x = torch.meshgrid(
        *(torch.arange(size, dtype=flow.dtype, device=flow.device) for size in flow.shape[-2:]), indexing="ij"
    )
    return torch.stack([x, y])


def _at(flow: Tensor, places: Tensor) -> Tensor:
    """The vectors at places between vectors, at the edge beyond it. [B, T, 2, H, W]"""
    size = torch.tensor(flow.shape[:-3:-1], dtype=flow.dtype, device=flow.device)
    unit = (places.movedim(2, -1) + 0.5) / size * 2 - 1
    sampled = F.grid_sample(
        flow.flatten(0, 1), unit.flatten(0, 1), mode="bilinear", padding_mode="border", align_corners=False
    )
    return sampled.view_as(flow)
