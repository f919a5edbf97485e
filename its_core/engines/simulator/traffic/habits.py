"""How a driver drives: lasting habits, and what one moment makes them do whatever the rules say."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Manner:
    """A driver's habits. The Intelligent Driver Model's (Treiber, Hennecke and Helbing, 2000): ``desired_mps``,
    ``headway_s``, ``gap_m``, ``pulls_mps2``, ``brakes_mps2`` (a high value brakes late and hard). ``bend_mps2``: how
    much sideways pull suits them; ``amber_mps2``: how hard they brake for an amber light; ``reaction_s``: from seeing
    a danger to the brake; ``aside_m``: left of the lane's middle."""

    desired_mps: float
    headway_s: float = 1.3
    gap_m: float = 2.2
    pulls_mps2: float = 1.9
    brakes_mps2: float = 2.6
    bend_mps2: float = 2.4
    amber_mps2: float = 3.5
    reaction_s: float = 0.7
    aside_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Shift:
    """A move to the side: from ``start_s`` on, over ``over_s`` seconds, by ``by_m`` to the left (negative: right)."""

    start_s: float
    by_m: float
    over_s: float = 2.5

    def at(self, time_s: float) -> float:
        share = min(max((time_s - self.start_s) / self.over_s, 0.0), 1.0)
        return self.by_m * share * share * (3.0 - 2.0 * share)


@dataclass(frozen=True, slots=True)
class Brake:
    """The brake pressed from one time to another, whatever is ahead."""

    from_s: float
    to_s: float
    mps2: float


@dataclass(frozen=True, slots=True)
class Chase:
    """A driver who does not brake for what comes across holds a speed that takes them there when the other is there:
    to arc length ``own_s_m`` of the own way when road user ``other`` (a track's number) reaches ``other_s_m`` of
    theirs, from ``from_s`` to ``to_s``. The speed changes by at most ``mps2``."""

    other: int
    own_s_m: float
    other_s_m: float
    from_s: float
    to_s: float
    mps2: float = 2.0


@dataclass(frozen=True, slots=True)
class Intent:
    """What goes wrong with a driver, or is planned for one. Times in seconds from frame 0.

    ``blind_s``: neither cars nor people nor lights are seen between these times; ``ignores_signal``, ``ignores_others``
    (no yielding at junctions and crosswalks) and ``overlooks`` (numbers of road users who are not seen at all) hold
    from ``errs_s[0]`` to ``errs_s[1]``. ``skids_s``: from then on the tyres have ``skid_share`` of their grip left, the
    vehicle turns at ``skid_radps`` (counter-clockwise) and goes where it was going. ``goes_on``: drives on after a
    crash. ``reaction_s`` replaces the manner's reaction to dangers. ``hazards_s``: hazard lights from then on.
    ``beacon``: an emergency vehicle on its way.
    """

    blind_s: tuple[float, float] = (math.inf, math.inf)
    ignores_signal: bool = False
    ignores_others: bool = False
    overlooks: frozenset[int] = frozenset()
    errs_s: tuple[float, float] = (-math.inf, math.inf)
    brakes: tuple[Brake, ...] = ()
    shifts: tuple[Shift, ...] = ()
    chase: Chase | None = None
    reaction_s: float | None = None
    skids_s: float = math.inf
    skid_share: float = 1.0
    skid_radps: float = 0.0
    goes_on: bool = False
    hazards_s: float = math.inf
    beacon: bool = False

    def is_blind(self, time_s: float) -> bool:
        return self.blind_s[0] <= time_s < self.blind_s[1]

    def errs(self, time_s: float) -> bool:
        return self.errs_s[0] <= time_s < self.errs_s[1]


NORMAL = Intent()


@dataclass(frozen=True, slots=True)
class CrashManner:
    """What a driver does once their vehicle has been struck: ``stunned_s`` nothing, then brakes with ``brake_share`` of
    the grip (0: rolls on), wheels locked where it is 1."""

    stunned_s: float = 0.4
    brake_share: float = 1.0


@dataclass(frozen=True, slots=True)
class Person:
    """How someone walks: ``speed_mps``, and what they do when a crash happens near them: ``curious`` people stop and
    look, ``helpful`` ones go there, ``afraid`` ones run away; the rest go on."""

    speed_mps: float
    reaction: str = "go_on"  # curious, helpful, afraid, go_on
    retreats: bool = True  # jumps back from a car that does not stop; otherwise hurries on
