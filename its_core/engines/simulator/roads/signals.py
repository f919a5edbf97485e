"""A fixed-time signal programme of two phases: north–south, then east–west."""

from __future__ import annotations

from dataclasses import dataclass

GREEN, AMBER, RED = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Programme:
    """``offset_s`` is how far into the cycle frame 0 lies; the cycle begins with the north–south green."""

    offset_s: float
    green_s: float = 22.0
    amber_s: float = 3.0
    all_red_s: float = 1.5

    @property
    def cycle_s(self) -> float:
        return 2 * (self.green_s + self.amber_s + self.all_red_s)

    def aspect(self, north_south: bool, time_s: float) -> int:
        """What a phase shows at a time: green, amber or red."""
        into = (self.offset_s + time_s - (0.0 if north_south else self.cycle_s / 2)) % self.cycle_s
        if into < self.green_s:
            return GREEN
        return AMBER if into < self.green_s + self.amber_s else RED

    @classmethod
    def with_green(cls, north_south: bool, since_s: float) -> Programme:
        """The programme in which a phase has been green for ``since_s`` seconds at frame 0."""
        plain = cls(0.0)
        return cls(since_s + (0.0 if north_south else plain.cycle_s / 2))
