"""A moving average of the LoRA's weights whose memory grows with training: the power function EMA of Karras et al.,
arXiv:2312.02696, eq. 127."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

RATE = 0.1  # the average's standard deviation, as a share of the training so far


def exponent(rate: float = RATE) -> float:
    """The power whose average has the relative standard deviation ``rate`` (6.94 for 0.1)."""
    inverse_variance = rate**-2
    return float(np.roots([1, 7, 16 - inverse_variance, 12 - inverse_variance]).real.max())


def beta(iteration: int, rate: float = RATE) -> float:
    """The share of the old average that stays after the step of ``iteration``, counted from 0."""
    kept: float = (1 - 1 / (iteration + 1)) ** (exponent(rate) + 1)
    return kept


class WeightAverage:
    """The average of named weights, float32, on their devices."""

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        self.weights = {name: weight.detach().float().clone() for name, weight in weights.items()}

    @torch.no_grad()
    def update(self, weights: Mapping[str, Tensor], iteration: int) -> None:
        names = list(self.weights)
        averages = [self.weights[name] for name in names]
        torch._foreach_lerp_(averages, [weights[name].detach().float() for name in names], 1 - beta(iteration))
