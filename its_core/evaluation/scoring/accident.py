"""ACCIDENT's scores (Picek et al., CVPR 2026): when, where, what, and their harmonic mean.

Of the clips in which something touches. When: exp(-dt² / 2σ²) with σ = 1 s. Where: exp(-(dx² / 2σx² + dy² / 2σy²)) with
σx and σy the mean width and height of the labelled boxes. What: the share of right types. Each is averaged over clips.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SIGMA_S = 1.0


def when(predicted_s: Floats, true_s: Floats) -> Floats:
    """Each clip's score, 0 to 1, from seconds."""
    return np.asarray(np.exp(-((predicted_s - true_s) ** 2) / (2 * SIGMA_S**2)))


def best_constant(true_s: Floats, longest_s: float) -> tuple[float, float]:
    """The best mean score that one time can have for all clips, and that time in seconds, from 0 to ``longest_s``."""
    guesses = np.linspace(0.0, longest_s, 200)
    scores = [float(when(np.full(len(true_s), guess), true_s).mean()) for guess in guesses]
    best = int(np.argmax(scores))
    return scores[best], float(guesses[best])


def where(predicted: Floats, true: Floats, sigma: Floats) -> Floats:
    """Each clip's score, 0 to 1, from impact points [n, 2] and ``sigma`` [2], all shares of the frame."""
    return np.asarray(np.exp(-(((predicted - true) / sigma) ** 2 / 2).sum(axis=1)))


def sigma_of(boxes: Floats) -> Floats:
    """Mean width and height, [2], of boxes [n, 4] (x1, y1, x2, y2)."""
    return np.asarray((boxes[:, 2:] - boxes[:, :2]).mean(axis=0))


def total(*scores: Floats) -> Floats:
    """The harmonic mean; 0 where one of them is 0, NaN where one is NaN."""
    stacked = np.stack(scores)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = len(stacked) / (1 / stacked).sum(axis=0)
    return np.asarray(np.where((stacked == 0).any(axis=0), 0.0, mean))
