"""Training samples: views of clips with what the network should give, and batches of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from its_core.evaluation.detector import targets
from its_core.evaluation.detector.features import FLOW_PX, Features
from its_core.evaluation.detector.network import TYPES
from its_core.evaluation.detector.road_users import RoadUsers
from its_core.evaluation.detector.views import View, contact_frame
from its_core.evaluation.ground_truth import TrueClip

_NO_TYPE = -100  # what cross_entropy leaves out
_LONG = 2**20


@dataclass(frozen=True, slots=True)
class Sample:
    """T frames of a crop, 0 to 1. ``heat`` [T, H, W] sums to 1, or is all zero. ``covered``, ``collided``, ``struck``
    [T, H, W] and ``motion`` [T, 4, H, W] are of road users; ``known`` says whether there are annotations."""

    frames: Tensor
    flow: Tensor
    background: Tensor
    heat: Tensor
    type: int
    covered: Tensor
    collided: Tensor
    struck: Tensor
    motion: Tensor
    known: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples side by side. ``twins`` [P, 2] are the places of a crash and of the same view of its counterfactual."""

    frames: Tensor
    flow: Tensor
    background: Tensor
    lengths: Tensor
    heat: Tensor
    types: Tensor
    labels: Tensor
    covered: Tensor
    collided: Tensor
    struck: Tensor
    motion: Tensor
    known: Tensor
    twins: Tensor

    def to(self, device: torch.device) -> Batch:
        return Batch(*(getattr(self, each.name).to(device) for each in fields(self)))


def sample(clip: TrueClip, features: Features, users: RoadUsers | None, view: View) -> Sample:
    """A view of a clip. Frames that the clip has not are left out."""
    shown = slice(view.start, min(view.start + view.length, len(features.times_s)))
    frames = shown.stop - shown.start
    seen = _seen(features, shown, view)
    cells = view.cells
    heat, kind = torch.zeros(frames, cells, cells), _NO_TYPE
    contact = contact_frame(clip, features)
    if contact is not None and view.holds_contact(clip, features):
        heat = targets.heat(clip, view, frames, contact - view.start)
        kind = TYPES.index(clip.type) if clip.type in TYPES else _NO_TYPE
    covered, collided, struck, motion = (torch.zeros(frames, *size, cells, cells) for size in ((), (), (), (4,)))
    if users is not None:
        covered, collided, struck, motion = targets.road_users(users, shown, view)
    seen[:-1] += view.noise * _noise(view.seed, frames, view.crop_px)
    return Sample(
        frames=seen[:-1],
        flow=_flow(features, shown, view),
        background=seen[-1],
        heat=heat,
        type=kind,
        covered=covered,
        collided=collided,
        struck=struck,
        motion=motion,
        known=users is not None,
    )


def batch_of(samples: Sequence[Sample], twins: Sequence[tuple[int, int]]) -> Batch:
    """Shorter samples go on with their last frame, and with no heat."""
    longest = max(len(each.frames) for each in samples)

    def stacked(name: str) -> Tensor:
        parts: list[Tensor] = [getattr(each, name) for each in samples]
        stack = parts[0].new_empty(len(parts), longest, *parts[0].shape[1:])
        for place, part in zip(stack, parts, strict=True):
            place[: len(part)], place[len(part) :] = part, part[-1]
        return stack

    lengths = torch.tensor([len(each.frames) for each in samples])
    inside = (torch.arange(longest) < lengths[:, None])[:, :, None, None]
    return Batch(
        frames=stacked("frames"),
        flow=stacked("flow"),
        background=torch.stack([each.background for each in samples]),
        lengths=lengths,
        heat=stacked("heat") * inside,
        types=torch.tensor([each.type for each in samples]),
        labels=torch.stack([each.heat.sum() > 0 for each in samples]).float(),
        covered=stacked("covered"),
        collided=stacked("collided"),
        struck=stacked("struck"),
        motion=stacked("motion"),
        known=torch.tensor([each.known for each in samples]),
        twins=torch.tensor(twins, dtype=torch.int64).reshape(-1, 2),
    )


def _seen(features: Features, shown: slice, view: View) -> Tensor:
    """The frames and, last, the background, without the noise."""
    rows, columns = slice(view.top, view.top + view.side), slice(view.left, view.left + view.side)
    pictures = np.concatenate([features.frames[shown, rows, columns], features.background[None, rows, columns]])
    seen = F.interpolate(
        torch.from_numpy(pictures).float()[:, None].div_(255),
        size=(view.crop_px,) * 2,
        mode="bilinear",
        align_corners=False,
    )[:, 0]
    if view.flipped:
        seen = seen.flip(2)
    # In place: it is most of a sample's time.
    return seen.sub_(0.5).mul_(view.gain).add_(0.5).add_(view.lift).clamp_(0, 1)


def _flow(features: Features, shown: slice, view: View) -> Tensor:
    """In pixels of the crop."""
    left, top, side = (round(value / FLOW_PX) for value in (view.left, view.top, view.side))
    part = np.ascontiguousarray(features.flow[shown, :, top : top + side, left : left + side])
    flow = F.interpolate(
        torch.from_numpy(part).float(), size=(view.crop_px // FLOW_PX,) * 2, mode="bilinear", align_corners=False
    )
    flow *= view.crop_px / view.side
    if view.flipped:
        flow[:, 0].neg_()
        return flow.flip(3)
    return flow


def _noise(seed: int, frames: int, crop_px: int) -> Tensor:
    """A part of one long random series: to draw a new one would take as long as all the rest of a sample."""
    size, start = frames * crop_px * crop_px, seed % _LONG
    series = _series().expand(-(-(start + size) // _LONG), -1).reshape(-1)  # a view, where once round is enough
    return series[start : start + size].view(frames, crop_px, crop_px)


@cache
def _series() -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).standard_normal(_LONG, np.float32))
