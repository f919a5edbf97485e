"""A staged try: who is where at frame 0, how each drives or walks, and who is meant to err."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from its_core.engines.simulator.roads.layouts import Bay, Layout
from its_core.engines.simulator.roads.signals import Programme
from its_core.engines.simulator.trace import Actor
from its_core.engines.simulator.traffic.drivers import Driver
from its_core.engines.simulator.traffic.habits import CrashManner
from its_core.engines.simulator.traffic.walkers import Walker
from its_core.taxonomy import Cause, RoadSurface


@dataclass(frozen=True, slots=True)
class StagedVehicle:
    """``driver`` is set to where the vehicle is at frame 0, its ``number`` is the actor's in the trace."""

    actor: Actor
    driver: Driver
    crash: CrashManner


@dataclass(frozen=True, slots=True)
class StagedWalker:
    actor: Actor
    walker: Walker


@dataclass(frozen=True, slots=True)
class ParkedVehicle:
    actor: Actor
    bay: Bay


@dataclass(frozen=True, slots=True)
class Roles:
    """Who the incident is about, by the numbers of the trace's actors. In traffic in which nothing goes wrong they are
    those who would have met (``errs`` False), or those whose doing the clip's word names."""

    culprit: int | None
    victims: tuple[int, ...]
    errs: bool
    cause: Cause | None = None
    contact_s: float | None = None


@dataclass(frozen=True, slots=True)
class Staging:
    """Actors are numbered vehicles first, then parked vehicles, then people. ``rolls``: of an actor, by how much of its
    weight the ground holds it when it slides sideways (it is meant to roll over)."""

    layout: Layout
    surface: RoadSurface
    programme: Programme | None
    vehicles: tuple[StagedVehicle, ...]
    parked: tuple[ParkedVehicle, ...]
    walkers: tuple[StagedWalker, ...]
    roles: Roles
    rolls: Mapping[int, float] = field(default_factory=dict)

    @property
    def actors(self) -> tuple[Actor, ...]:
        driven, people = (each.actor for each in self.vehicles), (each.actor for each in self.walkers)
        return (*driven, *(each.actor for each in self.parked), *people)
