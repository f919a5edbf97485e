"""A fixed-time signal programme of two phases, one after the other."""

from __future__ import annotations

from dataclasses import dataclass

GREEN, AMBER, RED = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Programme:
    """``offset_s`` is how far into the cycle time 0 lies; the cycle begins with the green of phase 0. ``green_s`` of
    both phases."""

    offset_s: float = 0.0
    green_s: tuple[float, float] = (22.0, 22.0)
    amber_s: float = 3.0
    all_red_s: float = 1.5

    @property
    def cycle_s(self) -> float:
        return sum(self.green_s) + 2 * (self.amber_s + self.all_red_s)

    def into_s(self, phase: int, time_s: float) -> float:
        """Seconds since a phase's last green began."""
        begins = 0.0 if phase == 0 else self.green_s[0] + self.amber_s + self.all_red_s
        return (self.offset_s + time_s - begins) % self.cycle_s

    def aspect(self, phase: int, time_s: float) -> int:
        """What a phase shows at a time: green, amber or red."""
        into = self.into_s(phase, time_s)
        if into < self.green_s[phase]:
            return GREEN
        return AMBER if into < self.green_s[phase] + self.amber_s else RED

    def red_left_s(self, phase: int, time_s: float) -> float:
        """Seconds until a phase that shows red turns green; 0 where it does not show red."""
        return 0.0 if self.aspect(phase, time_s) != RED else self.cycle_s - self.into_s(phase, time_s)

    def shifted(self, by_s: float) -> Programme:
        """The programme as seen from ``by_s`` seconds later."""
        return Programme((self.offset_s + by_s) % self.cycle_s, self.green_s, self.amber_s, self.all_red_s)
