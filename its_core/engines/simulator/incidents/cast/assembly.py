"""From traffic and a plan to the actors of a clip: everybody near enough to matter, numbered so that numbers say
nothing."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from its_core.engines.simulator.incidents.cast.casting import Wanted
from its_core.engines.simulator.incidents.opportunity import Plan
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.roads.layouts import Point
from its_core.engines.simulator.simulation.population import drawn_colour, drawn_vehicle
from its_core.engines.simulator.simulation.rails import Traffic
from its_core.engines.simulator.simulation.staging import ParkedVehicle, Roles, StagedVehicle, StagedWalker, Staging
from its_core.engines.simulator.trace import Actor
from its_core.engines.simulator.traffic.drivers import Driver
from its_core.engines.simulator.traffic.habits import Intent
from its_core.errors import FactoryError
from its_core.taxonomy import Colour, ParticipantType, RoadLayout, Role

_NEAR_M = {
    RoadLayout.HIGHWAY: 190.0, RoadLayout.HIGHWAY_RAMP: 190.0, RoadLayout.WORK_ZONE: 190.0, RoadLayout.BRIDGE: 150.0,
    RoadLayout.RURAL_ROAD: 150.0,
}  # fmt: skip
_BAYS_TAKEN = 0.72
_WORKS = (ParticipantType.VAN, ParticipantType.PICKUP, ParticipantType.TRUCK)  # what stands at road works
_VESTS = (Colour.YELLOW, Colour.ORANGE)
_WORKS_PAINTS = (Colour.WHITE, Colour.ORANGE, Colour.YELLOW)
_PARKS = (ParticipantType.SEDAN, ParticipantType.HATCHBACK, ParticipantType.SUV, ParticipantType.VAN)


class PlanError(FactoryError, ValueError):
    """A kind's plan that no clip can be staged from: a fault of the kind, not of the row."""

    default_code = "simulator.plan"


@dataclass(frozen=True, slots=True)
class _Numbered:
    """Whose actor has which number, and the track ids of all actors in a random order."""

    index: Mapping[int, int]
    ids: list[int]


def assembled(setting: Setting, traffic: Traffic, plan: Plan, wanted: Wanted, errs: bool, acts: bool) -> Staging:
    """``errs``: somebody errs in it. ``acts``: the plan is carried out (otherwise it is traffic without it)."""
    rng = setting.rng("staging")
    involved = {plan.culprit, *plan.victims, *plan.struck}
    near = near_m(setting.layout.name)
    about = (plan.where, setting.layout.focus_m)
    drivers = [each for each in traffic.drivers if each.number in involved or _near(setting, each, about, near)]
    parked = parked_vehicles(setting)
    first_walker = len(drivers) + len(parked)
    index = {each.number: i for i, each in enumerate(drivers)}
    index.update((each.number, i) for i, each in enumerate(traffic.walkers, start=first_walker))
    absent = sorted({plan.culprit, *plan.victims} - index.keys())
    if absent:
        there = ", ".join(str(number) for number in sorted(index)) or "nobody"
        raise PlanError(
            f"the plan of {setting.scene.incident_type} names road users {absent}, at frame 0 there are {there}: "
            "a kind's search may name only those whom its timeline holds at that time"
        )
    ids = (rng.permutation(first_walker + len(traffic.walkers)) + 1).tolist()
    numbered = _Numbered(index, ids)
    vehicles = tuple(_vehicle(each, traffic, plan, errs, numbered, rng) for each in drivers)
    still = tuple(
        ParkedVehicle(replace(each.actor, track_id=ids[i]), each.bay)
        for i, each in enumerate(parked, start=len(drivers))
    )
    people = []
    for i, walker in enumerate(traffic.walkers, start=first_walker):
        colour = wanted.colours.get(walker.number) or drawn_colour(rng, ParticipantType.PEDESTRIAN)
        role, works = _role(walker.number, plan, errs), setting.layout.name is RoadLayout.WORK_ZONE
        if works:
            colour = _VESTS[int(rng.integers(len(_VESTS)))]
        actor = Actor(ids[i], ParticipantType.PEDESTRIAN, colour, role, int(rng.integers(1 << 20)), works=works)
        people.append(StagedWalker(actor, copy.copy(walker)))
    others = tuple(index[number] for number in (*plan.victims, *plan.struck) if number in index)
    cause = plan.cause if errs else None
    roles = Roles(index[plan.culprit], others, errs, cause, plan.contact_s)
    rolls = {index[number]: share for number, share in plan.rolls.items()} if acts else {}
    return Staging(setting.layout, setting.surface, setting.programme, vehicles, still, tuple(people), roles, rolls)


def _vehicle(
    driver: Driver, traffic: Traffic, plan: Plan, errs: bool, numbered: _Numbered, rng: np.random.Generator
) -> StagedVehicle:
    vehicle = traffic.vehicles[driver.number]
    own = copy.copy(driver)
    own.intent = _renumbered(driver.intent, numbered.index)
    number = numbered.index[driver.number]
    role = _role(driver.number, plan, errs)
    look = int(rng.integers(1 << 20))
    actor = Actor(numbered.ids[number], vehicle.type, vehicle.colour, role, look, driver.intent.beacon)
    return StagedVehicle(actor, own, vehicle.crash)


def _role(number: int, plan: Plan, errs: bool) -> Role:
    if not errs:
        return Role.BYSTANDER
    if number == plan.culprit:
        return Role.AT_FAULT
    return Role.NOT_AT_FAULT if number in (*plan.victims, *plan.struck) else Role.BYSTANDER


def _renumbered(intent: Intent, index: Mapping[int, int]) -> Intent:
    """The intent in the trace's numbers."""
    chase = intent.chase
    if chase is not None:
        chase = replace(chase, other=index.get(chase.other, -1))
    overlooks = frozenset(index[number] for number in intent.overlooks if number in index)
    return replace(intent, chase=chase, overlooks=overlooks)


def near_m(layout: RoadLayout) -> float:
    """Vehicles farther than this from the focus and from the incident are not in the clip."""
    return _NEAR_M.get(layout, 120.0)


def _near(setting: Setting, driver: Driver, about: tuple[Point, Point], near_m: float) -> bool:
    """Whether a driver is near enough to one of two points to matter there."""
    x, y, _, _ = setting.roads.place(driver.way, driver.s_m)
    return any((x - ax) * (x - ax) + (y - ay) * (y - ay) < near_m * near_m for ax, ay in about)


def parked_vehicles(setting: Setting) -> list[ParkedVehicle]:
    """What stands in the bays; track ids are given later."""
    rng = setting.rng("parked")
    found: list[ParkedVehicle] = []
    lane = setting.roads.lanes[0]
    for bay in setting.layout.bays:
        vehicle = drawn_vehicle(rng, setting.layout.name, lane, setting.grip)
        look, taken = int(rng.integers(1 << 20)), rng.random() < _BAYS_TAKEN
        if taken:
            works = setting.layout.name is RoadLayout.WORK_ZONE
            type_ = vehicle.type if vehicle.type in _PARKS else _PARKS[look % len(_PARKS)]
            colour = vehicle.colour
            if works:  # no two neighbours alike
                type_ = _WORKS[(setting.seed + len(found)) % len(_WORKS)]
                colour = _WORKS_PAINTS[(setting.seed // 3 + len(found)) % len(_WORKS_PAINTS)]
            actor = Actor(0, type_, colour, Role.BYSTANDER, look, parked=True, works=works)
            found.append(ParkedVehicle(actor, bay))
    return found
