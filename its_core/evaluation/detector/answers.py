"""What a trained detector says of whole clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from its_core.evaluation.detector import looks, peaks
from its_core.evaluation.detector.features import Features
from its_core.evaluation.detector.looks import Maps
from its_core.evaluation.detector.network import TYPES, Network
from its_core.evaluation.ground_truth import TrueClip
from its_core.evaluation.scoring.predictions import Prediction

_AROUND = 2  # frames and cells on each side of a peak over which an answer is a mean


def predict(network: Network, clips: Sequence[TrueClip], features: Mapping[str, Features]) -> dict[str, Prediction]:
    """Whole clips of any length, one at a time: of four looks' mean heat, the peak that is the likeliest contact."""
    return {clip.clip_id: _predict(network, clip, features[clip.clip_id]) for clip in clips}


def _predict(network: Network, clip: TrueClip, features: Features) -> Prediction:
    maps = looks.look_at(network, features, looks.ALL)
    found = peaks.find(maps, features)
    logits = network.peaks(torch.from_numpy(found.cues))
    likeliest = int(logits.argmax())
    time_s, x, y, kind = _around(maps, features, found.at[likeliest].tolist())
    return Prediction(
        accident_time_s=min(max(time_s, 0.0), clip.duration_s),
        center=(x, y),
        type=kind,
        scores={"score": float(logits[likeliest].sigmoid())},
    )


def _around(maps: Maps, features: Features, peak: Sequence[int]) -> tuple[float, float, float, str]:
    """Seconds, x, y and type: the means around a peak, by the heat's shares there."""
    near = [
        torch.arange(max(0, middle - _AROUND), min(size, middle + _AROUND + 1))
        for middle, size in zip(peak, maps.heat.shape, strict=True)
    ]
    heat = maps.heat[near[0][:, None, None], near[1][:, None], near[2]].cpu().double()
    shares = heat.flatten().softmax(dim=0).view_as(heat)
    places = [(each + 0.5) / size for each, size in zip(near[1:], maps.heat.shape[1:], strict=True)]
    rows, columns = ((each * size).long() for each, size in zip(places, maps.types.shape[2:], strict=True))
    types = maps.types[near[0][:, None, None], :, rows[:, None], columns].cpu().double()  # frame, row, column, type
    time_s = (shares.sum(dim=(1, 2)) * torch.from_numpy(features.times_s)[near[0]]).sum()
    y, x = (shares.sum(dim=others) @ each.double() for others, each in zip(((0, 2), (0, 1)), places, strict=True))
    kind = TYPES[int((types * shares[..., None]).sum(dim=(0, 1, 2)).argmax())]
    return float(time_s), float(x), float(y), kind
