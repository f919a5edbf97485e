"""The participants that a row names, put in the places of those whom traffic offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from its_core.clip import Participant, Scene
from its_core.engines.simulator.incidents.opportunity import Opportunity
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.simulation.population import recast
from its_core.engines.simulator.simulation.rails import Traffic
from its_core.engines.simulator.traffic.drivers import Driver
from its_core.taxonomy import Colour, ParticipantType, Role

# Cars that drive alike: one may take another's place without the traffic flowing otherwise.
LIGHT = frozenset(
    {
        ParticipantType.SEDAN,
        ParticipantType.HATCHBACK,
        ParticipantType.SUV,
        ParticipantType.PICKUP,
        ParticipantType.VAN,
    }
)
NEAR_M = 90.0  # of the incident: so near bystanders are sought


@dataclass
class Wanted:
    """Whom a row names: the one at fault, the other side, the rest. ``colours`` are those of road users, once they are
    chosen."""

    culprit: Participant | None
    victims: tuple[Participant, ...]
    others: tuple[Participant, ...]
    colours: dict[int, Colour] = field(default_factory=dict)

    def types_for(self, opportunity: Opportunity, timeline: Timeline) -> Mapping[int, ParticipantType]:
        """The types that road users must get for whose sake the traffic has to flow anew; empty when none must."""
        asked = self.asked(opportunity)
        for number, participant in zip(self._bystanders(opportunity, timeline), self._vehicles(), strict=False):
            asked[number] = participant
        changed = {}
        for number, participant in asked.items():
            track = timeline.tracks.get(number)
            if track is None or track.type is participant.type:
                continue
            if not {track.type, participant.type} <= LIGHT:
                changed[number] = participant.type
        return changed

    def asked(self, opportunity: Opportunity) -> dict[int, Participant]:
        """Who is to be what, of the opportunity's own road users."""
        asked: dict[int, Participant] = {}
        if self.culprit is not None:
            asked[opportunity.culprit] = self.culprit
        asked.update(zip(opportunity.victims, self.victims, strict=False))
        return asked

    def _vehicles(self) -> list[Participant]:
        return [each for each in self.others if each.type is not ParticipantType.PEDESTRIAN]

    def _bystanders(self, opportunity: Opportunity, timeline: Timeline) -> list[int]:
        """Vehicles near the incident that have no part in it, nearest first."""
        if not self._vehicles():
            return []
        step = round(opportunity.step)
        x, y = opportunity.where
        away = []
        for track in timeline.tracks.values():
            at = track.at(step)
            if at is not None and track.number not in (opportunity.culprit, *opportunity.victims):
                dx, dy = float(track.x[at]) - x, float(track.y[at]) - y
                away.append((dx * dx + dy * dy, track.number))
        return [number for _, number in sorted(away)]


def named(scene: Scene, errs: bool, culprit: Participant | None) -> Wanted:
    """Where nobody errs, the first participant of a fitting type takes the part of the one who acts (``culprit``: who
    that is where the row does not say); the others are bystanders."""
    by_role = {role: tuple(each for each in scene.participants if each.role is role) for role in Role}
    at_fault = by_role[Role.AT_FAULT]
    others = list(by_role[Role.BYSTANDER])
    first = at_fault[0] if at_fault else None
    if not errs and first is None and culprit is not None:
        first = next((each for each in others if each.type is culprit.type), culprit)
        others = [each for each in others if each is not first]
    return Wanted(first, by_role[Role.NOT_AT_FAULT], tuple(others))


def fitting(opportunity: Opportunity, wanted: Wanted, timeline: Timeline) -> int:
    """How many of an opportunity's road users are not of the type that the row names: 0 is best."""
    wrong = 0
    for number, participant in wanted.asked(opportunity).items():
        track = timeline.tracks.get(number)
        if track is not None and track.type is not participant.type:
            wrong += 1 if {track.type, participant.type} <= LIGHT else 2
    return wrong


def recoloured(traffic: Traffic, wanted: Wanted, opportunity: Opportunity, setting: Setting) -> None:
    """Gives the road users the types and colours that the row names, as far as the traffic need not flow anew."""
    asked = wanted.asked(opportunity)
    rest = [each for each in wanted.others if each.type is not ParticipantType.PEDESTRIAN]
    near = sorted(
        (driver for driver in traffic.drivers if driver.number not in (opportunity.culprit, *opportunity.victims)),
        key=lambda driver: _away(setting, driver, opportunity.where),
    )
    for participant in rest:
        left = [each for each in near if each.number not in asked]
        alike = [each for each in left if each.type is participant.type]
        alike = [each for each in alike if _away(setting, each, opportunity.where) < NEAR_M * NEAR_M]
        light = [each for each in left if each.type in LIGHT]
        choice = alike or (light if participant.type in LIGHT else [])
        if choice:
            asked[choice[0].number] = participant
    for i, driver in enumerate(traffic.drivers):
        own = asked.get(driver.number)
        if own is None:
            continue
        vehicle = traffic.vehicles[driver.number]
        if vehicle.type is not own.type:
            rng = setting.rng("recast", driver.number)
            vehicle = recast(vehicle, rng, own.type, driver.lane, setting.grip)
            traffic.drivers[i] = recast_driver(driver, own.type)
        traffic.vehicles[driver.number] = replace(vehicle, colour=own.colour or vehicle.colour)
    people = [each for each in wanted.others if each.type is ParticipantType.PEDESTRIAN]
    victims = (opportunity.culprit, *opportunity.victims)
    for number, participant in asked.items():
        if participant.type is ParticipantType.PEDESTRIAN and participant.colour is not None:
            wanted.colours[number] = participant.colour
    free = [walker.number for walker in traffic.walkers if walker.number not in victims]
    for number, participant in zip(free, people, strict=False):
        if participant.colour is not None:
            wanted.colours[number] = participant.colour


def recast_driver(driver: Driver, type_: ParticipantType) -> Driver:
    """The same driver in another vehicle."""
    fresh = Driver(driver.number, type_, driver.way, driver.manner, driver.intent, driver.roads, driver.grip)
    fresh.s_m, fresh.aside_m, fresh.speed = driver.s_m, driver.aside_m, driver.speed
    fresh.command, fresh.moves, fresh.brakes_hard = driver.command, driver.moves, driver.brakes_hard
    fresh.crawls = driver.crawls
    return fresh


def _away(setting: Setting, driver: Driver, where: tuple[float, float]) -> float:
    x, y, _, _ = setting.roads.place(driver.way, driver.s_m)
    return (x - where[0]) * (x - where[0]) + (y - where[1]) * (y - where[1])
