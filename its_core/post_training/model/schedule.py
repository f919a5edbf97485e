"""The learning rate's way: a linear warm-up, then a linear decay."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Schedule:
    """The factor on ``rate`` goes from ``start`` to ``peak`` over ``warm_up`` iterations, then to ``end`` at iteration
    ``cycle``, where it stays. Iterations count from 0."""

    rate: float
    warm_up: int
    cycle: int
    peak: float
    end: float
    start: float = 1e-6

    def at(self, iteration: int) -> float:
        if iteration < self.warm_up:
            return self.rate * (self.start + (self.peak - self.start) * iteration / self.warm_up)
        left = max(0, self.cycle - iteration) / (self.cycle - self.warm_up)
        return self.rate * (self.end + (self.peak - self.end) * left)
