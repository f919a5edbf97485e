"""A staged try: who is where at frame 0, and how each will behave."""

from __future__ import annotations

from dataclasses import dataclass, field

from its_core.engines.simulator.roads.layouts import Lane, Layout
from its_core.engines.simulator.roads.signals import Programme
from its_core.engines.simulator.trace import Actor
from its_core.engines.simulator.traffic.drivers import Intent, Manner
from its_core.engines.simulator.traffic.walkers import Walk
from its_core.taxonomy import RoadSurface


@dataclass(frozen=True, slots=True)
class StagedVehicle:
    """``s_m``: arc length of its middle in ``lane`` at frame 0."""

    actor: Actor
    lane: Lane
    s_m: float
    speed_mps: float
    manner: Manner
    intent: Intent = field(default_factory=Intent)


@dataclass(frozen=True, slots=True)
class StagedWalker:
    actor: Actor
    walk: Walk


@dataclass(frozen=True, slots=True)
class Staging:
    """Vehicles first, then people: actor i has ``track_id`` i + 1, in this order."""

    layout: Layout
    surface: RoadSurface
    programme: Programme | None
    vehicles: tuple[StagedVehicle, ...]
    walkers: tuple[StagedWalker, ...]

    @property
    def actors(self) -> tuple[Actor, ...]:
        return tuple(staged.actor for staged in self.vehicles) + tuple(staged.actor for staged in self.walkers)
