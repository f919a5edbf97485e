"""The places and moments of a clip that look most like a first contact, and what speaks for each."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from its_core.evaluation.detector.features import FLOW_PX, SIZE_PX, Features
from its_core.evaluation.detector.looks import Maps
from its_core.evaluation.detector.peak_classifier import CUES
from its_core.evaluation.ground_truth import TrueClip

Floats = NDArray[np.floating]

COUNT = 5
_APART = (7, 2, 2)  # two peaks are further apart than this in frames, or in cells
_AROUND_PEAK = ((-9, -2), (-1, 1), (2, 9))  # first and last frame of the windows before, at and after it
_END_FRAMES = 8
_NEAR_PX = 28
_SCENE_QUANTILE = 0.99
_LEAST_CHANGE, _LEAST_SPEED_PX = 0.003, 0.05  # added before the logarithm
_CONTACT_S, _CONTACT_HEIGHTS = 0.8, 0.15


@dataclass(frozen=True, slots=True)
class Peaks:
    """Up to ``COUNT`` maxima of a clip's heat, the hottest first.

    Attributes:
        at: [P, 3], frame, row and column of the heat's grid.
        points: [P, 2], x and y, shares of the frame.
        cues: [P, len(CUES)], float64.
    """

    at: NDArray[np.int64]
    points: NDArray[np.float64]
    cues: NDArray[np.float64]

    def are_contact(self, clip: TrueClip, features: Features) -> NDArray[np.bool_]:
        """Which lie within 0.8 s and 0.15 of the frame's height of the clip's first contact. [P]"""
        if clip.accident_time_s is None:
            return np.zeros(len(self.at), bool)
        late_s = np.abs(features.times_s[self.at[:, 0]] - clip.accident_time_s)
        if clip.center is None:
            return np.asarray(late_s < _CONTACT_S)
        x, y = (self.points - clip.center).T
        off = np.hypot(x * SIZE_PX[1] / SIZE_PX[0], y)
        return np.asarray((late_s < _CONTACT_S) & (off < _CONTACT_HEIGHTS))


def find(maps: Maps, features: Features) -> Peaks:
    """The hottest maxima that lie apart, and the cues of each.

    The first two cues are the heat, and how hot the clip's hottest hundredth is: where all is hot, heat says less. The
    others are means over the frames before, at and after the peak and at the clip's end: whether what is there has
    collided and is being struck, as the network says, the change of the pixels, the speed, and its change (``jolt``).
    The peak's place and time in the clip are no cues: they would be learnt from how clips are made.
    """
    heat = maps.heat
    highest = F.max_pool3d(heat[None], [2 * apart + 1 for apart in _APART], stride=1, padding=_APART)[0]
    top = heat.masked_fill(heat < highest, -math.inf).flatten().topk(min(COUNT, heat.numel()))
    hottest = top.values[top.values.isfinite()].double().cpu().numpy()
    at = np.stack(np.unravel_index(top.indices[: len(hottest)].cpu().numpy(), heat.shape), axis=1)
    points = (at[:, :0:-1] + 0.5) / np.array(heat.shape[:0:-1])
    scene = float(heat.flatten().kthvalue(math.ceil(_SCENE_QUANTILE * heat.numel())).values)
    cues = np.empty((len(at), len(CUES)))
    for peak, (frame, point) in enumerate(zip(at[:, 0].tolist(), points, strict=True)):
        series = np.concatenate([_collisions(maps.collisions, point), _motion(features, point)])
        cues[peak] = [hottest[peak], scene, *_in_windows(series, frame).ravel()]
    return Peaks(at, points, cues)


def _collisions(maps: Tensor, point: NDArray[np.float64]) -> Floats:
    """[4, T] at a point."""
    column, row = (int(share * size) for share, size in zip(point, maps.shape[:1:-1], strict=True))
    return maps[:, :, row, column].T.double().cpu().numpy()


def _motion(features: Features, point: NDArray[np.float64]) -> Floats:
    """Change, speed and jolt around a point, logarithms. What differs most from the background counts most. [3, T]"""
    rows, columns = (
        slice(max(0, middle - _NEAR_PX) // FLOW_PX, (middle + _NEAR_PX) // FLOW_PX)
        for middle in (int(point[1] * SIZE_PX[0]), int(point[0] * SIZE_PX[1]))
    )
    flow = features.flow[:, :, rows, columns].astype(np.float64)
    pixels = tuple(slice(each.start * FLOW_PX, each.stop * FLOW_PX) for each in (rows, columns))
    frames = features.frames[:, *pixels].astype(np.float64) / 255
    high, wide = (size // FLOW_PX for size in frames.shape[1:])
    differs = np.abs(frames - features.background[pixels] / 255)
    weight = differs.reshape(-1, high, FLOW_PX, wide, FLOW_PX).mean(axis=(2, 4)) + 1 / 255
    weight /= weight.sum(axis=(1, 2), keepdims=True)
    change = np.append(np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2)), 0)
    speed_px = (np.hypot(flow[:, 0], flow[:, 1]) * weight).sum(axis=(1, 2))
    jolt_px = _jolt((flow * weight[:, None]).sum(axis=(2, 3)))
    return np.log([change + _LEAST_CHANGE, speed_px + _LEAST_SPEED_PX, jolt_px + _LEAST_SPEED_PX])


def _jolt(velocity: Floats) -> Floats:
    """How the mean over the three frames from each differs from that over the three up to it. [T, 2] to [T]"""
    found = np.zeros(len(velocity))
    if len(velocity) >= 5:
        means = (velocity[:-2] + velocity[1:-1] + velocity[2:]) / 3
        found[2:-2] = np.hypot(*(means[2:] - means[:-2]).T)
    return found


def _in_windows(series: Floats, frame: int) -> Floats:
    """[C, T] to the means over ``WINDOWS``, [C, 4]; the frame alone where a window has none."""
    total = series.shape[1]
    spans = [(frame + first, frame + last + 1) for first, last in _AROUND_PEAK] + [(total - _END_FRAMES, total)]
    means = []
    for start, end in spans:
        shown = series[:, max(0, start) : max(0, end)]
        means.append(shown.mean(axis=1) if shown.shape[1] else series[:, frame])
    return np.stack(means, axis=1)
