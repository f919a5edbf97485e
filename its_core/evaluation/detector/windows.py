"""Training samples: a random window of a clip, flipped, zoomed, lighter or darker, and the heat map it should give."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from its_core.evaluation.detector.features import SIZE_PX, Features
from its_core.evaluation.detector.network import CELL_PX, TYPES
from its_core.evaluation.ground_truth import TrueClip

FRAMES = 40
GRID = (SIZE_PX[0] // CELL_PX, SIZE_PX[1] // CELL_PX)
_SHORTEST = 16
_CALM_SHARE = 0.15  # of an accident's samples, those that end before anything can be seen
_SIGMA_FRAMES = 1.5
_NO_TYPE = -100  # what cross_entropy leaves out


@dataclass(frozen=True, slots=True)
class Sample:
    """``frames`` [T, height, width], 0 to 1. ``heat`` [T, H, W] sums to 1, or is all zero."""

    frames: Tensor
    heat: Tensor
    type: int


@dataclass(frozen=True, slots=True)
class Batch:
    frames: Tensor
    lengths: Tensor
    heat: Tensor
    types: Tensor
    labels: Tensor

    def to(self, device: torch.device) -> Batch:
        return Batch(*(getattr(self, name).to(device) for name in self.__slots__))


def sample(clip: TrueClip, features: Features, rng: np.random.Generator) -> Sample:
    """A random window. One of an accident holds the first contact, or ends before the incident can be seen coming."""
    total = len(features.times_s)
    contact = _frame_of(features, clip.accident_time_s)
    start, end, contact = _window(clip, features, total, contact, rng)
    frames = torch.from_numpy(np.ascontiguousarray(features.frames[start:end])).float() / 255
    center = clip.center or (0.5, 0.5)
    frames, center = _zoomed(frames, center, rng)
    if rng.random() < 0.5:
        frames, center = frames.flip(2), (1 - center[0], center[1])
    frames = ((frames - 0.5) * rng.uniform(0.7, 1.3) + 0.5 + rng.uniform(-0.15, 0.15)).clamp(0, 1)
    noise = torch.from_numpy(rng.standard_normal(frames.shape, np.float32))
    frames = frames + rng.uniform(0, 0.02) * noise
    heat = torch.zeros(len(frames), *GRID)
    if contact is not None:
        heat = _heat(len(frames), contact - start, center, clip)
    kind = TYPES.index(clip.type) if contact is not None and clip.type in TYPES else _NO_TYPE
    return Sample(frames, heat, kind)


def batch_of(samples: list[Sample]) -> Batch:
    """Shorter samples go on with their last frame, and with no heat."""
    longest = max(len(each.frames) for each in samples)
    missing = [longest - len(each.frames) for each in samples]
    return Batch(
        torch.stack([_longer(s.frames, m) for s, m in zip(samples, missing, strict=True)]),
        torch.tensor([len(each.frames) for each in samples]),
        torch.stack([F.pad(s.heat, (0, 0, 0, 0, 0, m)) for s, m in zip(samples, missing, strict=True)]),
        torch.tensor([each.type for each in samples]),
        torch.tensor([float(each.heat.sum() > 0) for each in samples]),
    )


def _longer(frames: Tensor, missing: int) -> Tensor:
    return torch.cat([frames, frames[-1:].expand(missing, -1, -1)])


def _frame_of(features: Features, time_s: float | None) -> int | None:
    return None if time_s is None else int(np.abs(features.times_s - time_s).argmin())


def _window(
    clip: TrueClip, features: Features, total: int, contact: int | None, rng: np.random.Generator
) -> tuple[int, int, int | None]:
    """First frame, end, and the contact's frame where it is inside."""
    length = min(FRAMES, total)
    if contact is None:
        start = int(rng.integers(0, total - length + 1))
        return start, start + length, None
    calm = _frame_of(features, clip.anomaly_start_s) or 0
    if calm >= _SHORTEST and rng.random() < _CALM_SHARE:
        end = int(rng.integers(_SHORTEST, calm + 1))
        return max(0, end - length), end, None
    length = int(rng.integers(max(min(length, _SHORTEST), int(0.7 * length)), length + 1))
    earliest, latest = max(0, contact - length + 2), min(contact, total - length)
    start = int(rng.integers(min(earliest, latest), latest + 1))
    return start, start + length, contact


def _zoomed(
    frames: Tensor, center: tuple[float, float], rng: np.random.Generator
) -> tuple[Tensor, tuple[float, float]]:
    """Part of the picture, at least 80 % of it, that holds the centre, in the full size."""
    if rng.random() < 0.3:
        return frames, center
    share = rng.uniform(0.8, 1.0)
    left, top = (
        rng.uniform(max(0.0, place - share + 0.05), max(0.0, min(1 - share, place - 0.05))) if share < 1 else 0.0
        for place in center
    )
    height, width = SIZE_PX
    x, y = round(left * width), round(top * height)
    wide, high = round(share * width), round(share * height)
    part = frames[:, y : y + high, x : x + wide]
    resized = F.interpolate(part[:, None], size=SIZE_PX, mode="bilinear", align_corners=False)[:, 0]
    moved = (center[0] * width - x) / part.shape[2], (center[1] * height - y) / part.shape[1]
    return resized, (min(max(moved[0], 0.0), 1.0), min(max(moved[1], 0.0), 1.0))


def _heat(frames: int, frame: int, center: tuple[float, float], clip: TrueClip) -> Tensor:
    """A bell in time and space around the contact, as wide as the crash is, that sums to 1."""
    wide = max(0.6, 0.25 * (clip.box[2] - clip.box[0]) * GRID[1]) if clip.box else 1.0
    high = max(0.6, 0.25 * (clip.box[3] - clip.box[1]) * GRID[0]) if clip.box else 1.0
    along = [
        _bell(frames, frame, _SIGMA_FRAMES),
        _bell(GRID[0], center[1] * GRID[0] - 0.5, high),
        _bell(GRID[1], center[0] * GRID[1] - 0.5, wide),
    ]
    heat = along[0][:, None, None] * along[1][None, :, None] * along[2][None, None, :]
    return torch.from_numpy((heat / heat.sum()).astype(np.float32))


def _bell(count: int, middle: float, sigma: float) -> NDArray[np.float64]:
    bell: NDArray[np.float64] = np.exp(-((np.arange(count) - middle) ** 2) / (2 * sigma**2))
    return bell + math.ulp(1.0)
