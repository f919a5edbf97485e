"""What a baseline says of a clip, and the change point of a signal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Answer:
    """Seconds from the clip's start, a point as shares of the frame, and how sure the baseline is of an accident."""

    time_s: float
    center: tuple[float, float]
    score: float


def change_point(signal: NDArray[np.float64]) -> tuple[int, float]:
    """Where a signal's mean changes most: the first sample after the change, and how much, in standard deviations.

    The largest CUSUM statistic |mean after - mean before| · sqrt(k (n - k) / n) over the split k.
    """
    count = len(signal)
    spread = float(signal.std())
    if count < 2 or spread == 0:
        return count // 2, 0.0
    splits = np.arange(1, count)
    sums = np.cumsum(signal)
    before = sums[:-1] / splits
    after = (sums[-1] - sums[:-1]) / (count - splits)
    statistic = np.abs(after - before) * np.sqrt(splits * (count - splits) / count)
    best = int(statistic.argmax())
    return int(splits[best]), float(statistic[best] / spread)
