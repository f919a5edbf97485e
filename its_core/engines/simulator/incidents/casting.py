"""Who plays: the participants a row names, exactly, and what it leaves open drawn from the seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from its_core.clip import Scene
from its_core.taxonomy import Colour, ParticipantType, RoadLayout, Role, TrafficDensity

# Shares of what drives in a European or American town today, roughly.
_TYPES = {
    ParticipantType.SEDAN: 0.46,
    ParticipantType.SUV: 0.30,
    ParticipantType.PICKUP: 0.11,
    ParticipantType.VAN: 0.13,
}
_PAINTS = {
    Colour.WHITE: 0.24,
    Colour.BLACK: 0.19,
    Colour.GREY: 0.18,
    Colour.SILVER: 0.15,
    Colour.BLUE: 0.09,
    Colour.RED: 0.08,
    Colour.GREEN: 0.02,
    Colour.BROWN: 0.02,
    Colour.BEIGE: 0.02,
    Colour.ORANGE: 0.01,
}
_CARS: dict[TrafficDensity, tuple[int, int]] = {
    TrafficDensity.LOW: (3, 5),
    TrafficDensity.MEDIUM: (8, 12),
    TrafficDensity.HIGH: (14, 19),
}
_PEOPLE: dict[TrafficDensity, tuple[int, int]] = {
    TrafficDensity.LOW: (1, 2),
    TrafficDensity.MEDIUM: (3, 5),
    TrafficDensity.HIGH: (6, 9),
}


@dataclass(frozen=True, slots=True)
class Part:
    """One who will be an actor."""

    type: ParticipantType
    colour: Colour
    role: Role


@dataclass(frozen=True, slots=True)
class Cast:
    """``at_fault`` is None in normal traffic. ``not_at_fault`` are the incident's other side, at least one where
    there is an incident. ``cars`` and ``people`` are the rest of the traffic, those that the row names first."""

    at_fault: Part | None
    not_at_fault: tuple[Part, ...]
    cars: tuple[Part, ...]
    people: tuple[Part, ...]


def cast(
    scene: Scene,
    layout: RoadLayout,
    rng: np.random.Generator,
    at_fault: ParticipantType | None,
    not_at_fault: tuple[ParticipantType, ...],
) -> Cast:
    """``at_fault`` and ``not_at_fault`` are the types that the incident takes when the row names none; ``at_fault``
    None: no incident, nobody errs."""
    named = {role: [p for p in scene.participants if p.role is role] for role in Role}
    culprit = None
    if at_fault is not None:
        given = named[Role.AT_FAULT]
        type_ = given[0].type if given else at_fault
        culprit = Part(type_, _colour(rng, type_, given[0].colour if given else None), Role.AT_FAULT)
    victims = [Part(p.type, _colour(rng, p.type, p.colour), Role.NOT_AT_FAULT) for p in named[Role.NOT_AT_FAULT]]
    if not victims:
        victims = [Part(type_, _colour(rng, type_, None), Role.NOT_AT_FAULT) for type_ in not_at_fault]
    others = [Part(p.type, _colour(rng, p.type, p.colour), Role.BYSTANDER) for p in named[Role.BYSTANDER]]
    density = scene.traffic_density or TrafficDensity.MEDIUM
    low, high = _CARS[density]
    if layout is RoadLayout.HIGHWAY:  # a longer stretch of road, and more lanes of it
        low, high = round(1.5 * low), round(1.5 * high)
    cars = [part for part in others if part.type is not ParticipantType.PEDESTRIAN]
    people = [part for part in others if part.type is ParticipantType.PEDESTRIAN]
    for _ in range(int(rng.integers(low, high + 1)) - len(cars)):
        type_ = drawn_vehicle(rng)
        cars.append(Part(type_, _colour(rng, type_, None), Role.BYSTANDER))
    for _ in range(int(rng.integers(_PEOPLE[density][0], _PEOPLE[density][1] + 1)) - len(people)):
        colour = _colour(rng, ParticipantType.PEDESTRIAN, None)
        people.append(Part(ParticipantType.PEDESTRIAN, colour, Role.BYSTANDER))
    return Cast(culprit, tuple(victims), tuple(cars), tuple(people))


def drawn_vehicle(rng: np.random.Generator) -> ParticipantType:
    return list(_TYPES)[int(rng.choice(len(_TYPES), p=list(_TYPES.values())))]


def _colour(rng: np.random.Generator, type_: ParticipantType, asked: Colour | None) -> Colour:
    if asked is not None:
        return asked
    if type_ is ParticipantType.PEDESTRIAN:
        return list(Colour)[int(rng.integers(len(Colour)))]
    return list(_PAINTS)[int(rng.choice(len(_PAINTS), p=list(_PAINTS.values())))]
