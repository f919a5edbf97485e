"""What a network gives for whole clips, in their size or enlarged, as they are or mirrored, and the mean of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from its_core.evaluation.detector.features import Features
from its_core.evaluation.detector.network import TYPES, Network, Output

_NEAR_CELLS = 7


@dataclass(frozen=True, slots=True)
class Look:
    """``enlarged``: how many times the clip's own size."""

    enlarged: float = 1.0
    mirrored: bool = False


# A small crash is seen better enlarged, up to the largest crops of a training. What looks like a crash in one look only
# is seldom one.
ALL = (Look(), Look(mirrored=True), Look(1.5), Look(1.5, mirrored=True))


@dataclass(frozen=True, slots=True)
class Maps:
    """Means of several looks, all logits: ``heat`` [T, H, W] on the grid of the last, the others on that of the first.

    ``collisions`` [T, 4, h, w]: whether what is in a cell has collided and is being struck, then the largest of both in
    7 x 7 cells. ``types`` [T, 5, h, w].
    """

    heat: Tensor
    collisions: Tensor
    types: Tensor


@torch.no_grad()
def outputs(network: Network, features: Features, look: Look) -> Output:
    """Of a whole clip of any length, where the network lies."""
    device = next(network.parameters()).device
    pictures = np.concatenate([features.frames, features.background[None]])
    seen = torch.from_numpy(pictures).to(device).float() / 255
    flow = torch.from_numpy(np.array(features.flow)).to(device).float()
    if look.enlarged != 1:
        seen, flow = _enlarged(seen[:, None], look.enlarged)[:, 0], _enlarged(flow, look.enlarged) * look.enlarged
    if look.mirrored:
        seen = seen.flip(2)
        flow = torch.stack([-flow[:, 0], flow[:, 1]], dim=1).flip(3)
    out: Output = network(seen[None, :-1], flow[None], seen[-1:], torch.tensor([len(seen) - 1], device=device))
    return out


@torch.no_grad()
def look_at(network: Network, features: Features, looks: Sequence[Look]) -> Maps:
    """The mean of ``looks``; the last is of the finest grid."""
    heats: list[Tensor] = []
    others: list[Tensor] = []
    for look in looks:
        out = outputs(network, features, look)
        here = torch.stack([out.collided[0], out.struck[0]], dim=1)
        near = F.max_pool2d(here, _NEAR_CELLS, stride=1, padding=_NEAR_CELLS // 2)
        heat, other = out.heat[0][:, None], torch.cat([here, near, out.types[0]], dim=1)
        heats.append(heat.flip(3) if look.mirrored else heat)
        others.append(other.flip(3) if look.mirrored else other)
    other = _mean(others, others[0])
    return Maps(_mean(heats, heats[-1])[:, 0], other[:, : -len(TYPES)], other[:, -len(TYPES) :])


def _enlarged(pictures: Tensor, by: float) -> Tensor:
    return F.interpolate(pictures, scale_factor=by, mode="bilinear", align_corners=False)


def _mean(maps: Sequence[Tensor], like: Tensor) -> Tensor:
    """[T, C, H, W], on the grid of ``like``."""
    size = like.shape[2:]
    resized = [F.interpolate(each, size=size, mode="bilinear", align_corners=False) for each in maps]
    return torch.stack(resized).mean(dim=0)
