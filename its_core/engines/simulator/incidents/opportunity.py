"""A moment of ordinary traffic in which one error would lead to an incident."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from its_core.engines.simulator.roads.layouts import Point
from its_core.engines.simulator.traffic.habits import Intent
from its_core.engines.simulator.traffic.walkers import Route
from its_core.taxonomy import Cause, CollisionType


@dataclass(frozen=True, slots=True)
class Opportunity:
    """``step``: when it would come to its point, in steps of the timeline; ``where``: at which spot of the road.
    ``culprit`` errs, ``victims`` suffer it (numbers of road users, people among them). ``onset_s``: how long before the
    point the error begins. ``speed_mps`` is the relative speed to be expected, ``details`` what the kind needs to
    stage it."""

    step: float
    where: Point
    culprit: int
    victims: tuple[int, ...]
    cause: Cause
    collision: CollisionType | None
    onset_s: float
    speed_mps: float
    details: Mapping[str, float] = field(default_factory=dict)
    variant: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What makes an opportunity come true: who errs how, in seconds from frame 0. Road users go by their numbers.
    ``struck``: further ones who shall be struck too, in order. ``calm``: what road users do in the same traffic when
    nobody errs. ``routes``: people who go another way, when they step onto the road and how fast they are. ``unaware``
    people do not see vehicles coming. ``ways``: drivers who take another of the ways that part from their lane.
    ``rolls``: vehicles that shall roll over, and how hard the ground holds them."""

    culprit: int
    victims: tuple[int, ...]
    intents: Mapping[int, Intent]
    cause: Cause
    contact_s: float
    where: Point
    struck: tuple[int, ...] = ()
    calm: Mapping[int, Intent] = field(default_factory=dict)
    routes: Mapping[int, tuple[Route, float, float]] = field(default_factory=dict)
    unaware: frozenset[int] = frozenset()
    ways: Mapping[int, int] = field(default_factory=dict)
    rolls: Mapping[int, float] = field(default_factory=dict)
