"""How much simulation one try may cost: counted in steps of road users, never in seconds, so that a seed gives the same
clip on every machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Budget:
    """``left``: so many steps of one road user on rails may still be made. Other work is counted in steps that take
    about as long. ``reserve``: so many more, for a try that came near."""

    left: float
    reserve: float = 0.0

    def spend(self, steps: float) -> None:
        self.left -= steps

    @property
    def is_spent(self) -> bool:
        return self.left + self.reserve <= 0.0
