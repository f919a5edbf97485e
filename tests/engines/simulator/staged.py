"""Scenes put together by hand: a few drivers and people in a real place."""

from __future__ import annotations

from typing import Any

from its_core.clip import Geometry
from its_core.engines.simulator.physics.constants import TYRE_GRIP
from its_core.engines.simulator.roads.layouts import Layout, Point
from its_core.engines.simulator.roads.network import network
from its_core.engines.simulator.roads.signals import Programme
from its_core.engines.simulator.simulation.run import Run, simulate
from its_core.engines.simulator.simulation.staging import Roles, StagedVehicle, StagedWalker, Staging
from its_core.engines.simulator.trace import Actor
from its_core.engines.simulator.traffic.drivers import Driver, careful
from its_core.engines.simulator.traffic.habits import CrashManner, Intent, Manner, Person, Shift
from its_core.engines.simulator.traffic.walkers import Crossing, Route, Walker
from its_core.taxonomy import Colour, ParticipantType, RoadSurface, Role

CLIP = Geometry.of("480", 16)
SEDAN = ParticipantType.SEDAN


def car(
    layout: Layout,
    lane: str,
    s_m: float,
    speed: float,
    desired: float = 12.0,
    type_: ParticipantType = SEDAN,
    surface: RoadSurface = RoadSurface.DRY,
    **intent: Any,
) -> StagedVehicle:
    """``s_m``: arc length of its middle along the lane at frame 0."""
    roads, grip = network(layout), TYRE_GRIP[surface]
    driver = Driver(0, type_, roads.index[lane], careful(Manner(desired), grip), Intent(**intent), roads, grip)
    driver.s_m, driver.speed = s_m, speed
    return StagedVehicle(Actor(1, type_, Colour.GREY, Role.BYSTANDER), driver, CrashManner())


def person(
    points: tuple[Point, ...], speed: float, s_m: float = 0.0, crossing: tuple[float, float, int | None] | None = None
) -> StagedWalker:
    """``crossing``: between which arc lengths they are on the road, and by which crosswalk."""
    crossings = () if crossing is None else (Crossing(*crossing),)
    walker = Walker(0, Person(speed), Route(points, crossings), s_m)
    return StagedWalker(Actor(1, ParticipantType.PEDESTRIAN, Colour.BLUE, Role.BYSTANDER), walker)


def drive(
    layout: Layout,
    vehicles: list[StagedVehicle],
    walkers: list[StagedWalker] | None = None,
    programme: Programme | None = None,
    surface: RoadSurface = RoadSurface.DRY,
    until_touch: bool = False,
) -> Run:
    roles = Roles(None, (), errs=False)
    staging = Staging(layout, surface, programme, tuple(vehicles), (), tuple(walkers or ()), roles)
    return simulate(staging, CLIP, until_touch)


def scraping(highway: Layout) -> list[StagedVehicle]:
    """Two who drive abreast until one of them moves over into the other."""
    lane = next(lane for lane in highway.lanes if lane.left is not None)
    both = {"overlooks": frozenset({0, 1}), "reaction_s": 9.0}
    culprit = car(highway, lane.name, 200.0, 22.0, 22.0, shifts=(Shift(0.3, 3.5, 1.6),), **both)
    return [culprit, car(highway, str(lane.left), 201.0, 22.0, 22.0, **both)]


def green(phase: int, since_s: float) -> Programme:
    """A programme whose phase 0 (north and south) or 1 has shown green for that long at frame 0."""
    plain = Programme()
    return Programme(since_s + (plain.cycle_s / 2 if phase == 1 else 0.0))
