"""A staged try: who is where at frame 0, how each will behave, and what counts as the incident."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from its_core.engines.simulator.roads.layouts import Lane, Layout
from its_core.engines.simulator.roads.signals import Programme
from its_core.engines.simulator.trace import Actor
from its_core.engines.simulator.traffic.drivers import Intent, Manner
from its_core.engines.simulator.traffic.walkers import Walk
from its_core.taxonomy import RoadSurface

if TYPE_CHECKING:
    from its_core.engines.simulator.simulation.run import Run


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
class Verdict:
    """What became of a try. Frames as in ``trace.Trace``; ``why`` is empty when it happened; ``where_m`` is the spot
    that the camera must show."""

    happened: bool
    why: str
    anomaly_start: int | None = None
    anomaly_end: int | None = None
    where_m: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Staging:
    """Vehicles first, then people: actor i has ``track_id`` i + 1, in this order."""

    layout: Layout
    surface: RoadSurface
    programme: Programme | None
    vehicles: tuple[StagedVehicle, ...]
    walkers: tuple[StagedWalker, ...]
    judge: Callable[[Run], Verdict]

    @property
    def actors(self) -> tuple[Actor, ...]:
        return tuple(staged.actor for staged in self.vehicles) + tuple(staged.actor for staged in self.walkers)
