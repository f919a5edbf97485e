"""Fewer evaluations of the network: between two that are computed, its output is predicted from those before.

First-order Taylor prediction of the network's output, as TaylorSeer does it with features (arXiv:2503.06923), here in
the logarithm of the noise level, because the levels are not evenly spread.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from torch import Tensor

FIRST_COMPUTED = 4  # at high noise the output changes most, and a prediction needs two outputs


@dataclass(frozen=True, slots=True)
class CacheSchedule:
    """Of ``evaluations`` in a row the first few, the last, and every ``interval``-th between are computed."""

    interval: int
    evaluations: int

    def computes(self, number: int) -> bool:
        between = number - FIRST_COMPUTED
        return between < 0 or between % self.interval == 0 or number == self.evaluations - 1


class StepCache:
    """The outputs of one clip, kept by text."""

    def __init__(self, schedule: CacheSchedule) -> None:
        self._schedule = schedule
        self._computed: dict[int, deque[tuple[float, Tensor]]] = {}

    def predicts(self, number: int, text: int) -> bool:
        """Whether evaluation ``number`` is predicted for this text: a text without two outputs is computed."""
        return not self._schedule.computes(number) and len(self._computed.get(text, ())) == 2

    def keep(self, text: int, sigma: float, output: Tensor) -> None:
        self._computed.setdefault(text, deque(maxlen=2)).append((math.log(sigma), output))

    def predict(self, text: int, sigma: float) -> Tensor:
        (earlier, before), (later, last) = self._computed[text]
        steps = (math.log(sigma) - later) / (later - earlier)
        return last + steps * (last - before)
