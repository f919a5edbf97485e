"""Bootstrap intervals over cameras: clips of one camera resemble each other, so cameras are drawn, not clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

REPLICATES = 1000
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A score, and the 95 % percentile interval over cameras; None where it cannot be computed."""

    value: float | None
    low: float | None
    high: float | None


def camera_weights(cameras: Sequence[str], replicates: int = REPLICATES, seed: int = 0) -> NDArray[np.float64]:
    """[1 + replicates, clips]: ones first, then how often each clip's camera was drawn."""
    names, codes = np.unique(np.asarray(cameras, dtype=object).astype(str), return_inverse=True)
    drawn = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=replicates)
    return np.vstack([np.ones((1, len(codes))), drawn[:, codes]]).astype(np.float64)


def estimate(values: NDArray[np.float64]) -> Estimate:
    """From a score under ``camera_weights``. Replicates in which it cannot be computed are left out; when more than
    half are, there is no interval."""
    value = float(values[0])
    if not np.isfinite(value):
        return Estimate(None, None, None)
    replicates = values[1:][np.isfinite(values[1:])]
    if len(replicates) * 2 <= len(values) - 1:
        return Estimate(value, None, None)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(replicates, [tail, 1 - tail])
    return Estimate(value, float(low), float(high))


def mean(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighted means [replicates] of values [n] under weights [replicates, n]."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((weights @ values) / weights.sum(axis=1))
