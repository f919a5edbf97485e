"""What a trained detector says of whole clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from its_core.evaluation.detector.features import Features
from its_core.evaluation.detector.network import TYPES, Network, Output
from its_core.evaluation.ground_truth import TrueClip
from its_core.evaluation.scoring.predictions import Prediction

_SCALES = (1.0, 1.5)  # up to the largest crops of a training


def predict(network: Network, clips: Sequence[TrueClip], features: Mapping[str, Features]) -> dict[str, Prediction]:
    """Whole clips of any length, one at a time: of the mean heat of four looks, in two sizes, as it is and mirrored.

    A small crash is seen better enlarged. What looks like a crash in one look only is seldom one.
    """
    return {clip.clip_id: _predict(network, clip, features[clip.clip_id]) for clip in clips}


@torch.no_grad()
def outputs(network: Network, features: Features, *, mirrored: bool = False, enlarged: float = 1.0) -> Output:
    """Of a whole clip, as it is or mirrored, in its size or ``enlarged``, where the network lies."""
    device = next(network.parameters()).device
    pictures = np.concatenate([features.frames, features.background[None]])
    seen = torch.from_numpy(pictures).to(device).float() / 255
    flow = torch.from_numpy(np.array(features.flow)).to(device).float()
    if enlarged != 1:
        seen, flow = _enlarged(seen[:, None], enlarged)[:, 0], _enlarged(flow, enlarged) * enlarged
    if mirrored:
        seen = seen.flip(2)
        flow = torch.stack([-flow[:, 0], flow[:, 1]], dim=1).flip(3)
    out: Output = network(seen[None, :-1], flow[None], seen[-1:], torch.tensor([len(seen) - 1], device=device))
    return out


def _enlarged(pictures: Tensor, by: float) -> Tensor:
    return F.interpolate(pictures, scale_factor=by, mode="bilinear", align_corners=False)


def _predict(network: Network, clip: TrueClip, features: Features) -> Prediction:
    heats: list[Tensor] = []
    types = torch.zeros(len(TYPES))
    for enlarged in _SCALES:
        for mirrored in (False, True):
            out = outputs(network, features, mirrored=mirrored, enlarged=enlarged)
            heats.append(out.heat[0].flip(2) if mirrored else out.heat[0])
            types += _type_at_heat(out)
    heat = _mean(heats).cpu().double()
    shares = heat.flatten().softmax(dim=0).view_as(heat).numpy()
    in_time = np.convolve(shares.sum(axis=(1, 2)), np.ones(3), "same")
    peak = int(in_time.argmax())
    near = slice(max(0, peak - 2), peak + 3)
    weights = shares[near].sum(axis=(1, 2))
    time_s = float((features.times_s[near] * weights).sum() / weights.sum())
    cells = shares[near].sum(axis=0)
    return Prediction(
        accident_time_s=min(max(time_s, 0.0), clip.duration_s),
        center=(_middle(cells.sum(axis=0)), _middle(cells.sum(axis=1))),
        type=TYPES[int(types.argmax())],
        scores={"score": float(torch.sigmoid(heat.max()))},
    )


def _mean(heats: Sequence[Tensor]) -> Tensor:
    """[T, H, W], on the finest grid."""
    size = heats[-1].shape[1:]
    fine = [F.interpolate(each[:, None], size=size, mode="bilinear", align_corners=False)[:, 0] for each in heats]
    return torch.stack(fine).mean(dim=0)


def _type_at_heat(out: Output) -> Tensor:
    share = out.heat[0].flatten().softmax(dim=0).view_as(out.heat[0])
    return (out.types[0] * share[:, None]).sum(dim=(0, 2, 3)).cpu()


def _middle(shares: NDArray[np.float64]) -> float:
    """The mean place near the peak, as a share of the axis."""
    peak = int(shares.argmax())
    near = np.arange(max(0, peak - 2), min(len(shares), peak + 3))
    return float(((near + 0.5) * shares[near]).sum() / shares[near].sum() / len(shares))
