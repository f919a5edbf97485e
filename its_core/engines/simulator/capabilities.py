"""What the simulator can make: plain words, so that a scenario is refused without loading any physics."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from its_core.clip import Participant, Scene, Unsupported
from its_core.taxonomy import (
    Aftermath,
    CollisionType,
    IncidentType,
    Light,
    ParticipantType,
    RoadLayout,
    RoadSurface,
    Role,
    Weather,
)

VEHICLE_TYPES = (ParticipantType.SEDAN, ParticipantType.SUV, ParticipantType.PICKUP, ParticipantType.VAN)
PARTICIPANT_TYPES = (*VEHICLE_TYPES, ParticipantType.PEDESTRIAN)
WEATHERS = tuple(Weather)
LIGHTS = tuple(Light)
SURFACES = tuple(RoadSurface)
MOST_BYSTANDERS = 12
_WET = (RoadSurface.WET, RoadSurface.ICY)
_FALLEN_ON = {Weather.RAIN: _WET, Weather.SNOW: (RoadSurface.SNOWY, *_WET)}  # what falls is seen on the road


@dataclass(frozen=True, slots=True)
class Ability:
    """``layouts``: the first is the incident's natural one. ``others``: how many not_at_fault participants it takes
    at most, of the types ``other_types``; 0 where nobody errs."""

    layouts: tuple[RoadLayout, ...]
    collision: CollisionType | None
    aftermaths: tuple[Aftermath, ...]
    other_types: tuple[ParticipantType, ...]
    others: int


_STREETS = (RoadLayout.URBAN_STREET, RoadLayout.FOUR_WAY_INTERSECTION)
ABILITIES: dict[IncidentType, Ability] = {
    IncidentType.INTERSECTION_COLLISION: Ability(
        (RoadLayout.FOUR_WAY_INTERSECTION,),
        CollisionType.T_BONE,
        (Aftermath.VEHICLES_BLOCK_TRAFFIC, Aftermath.VEHICLES_STOP, Aftermath.SPINS_OUT),
        VEHICLE_TYPES,
        1,
    ),
    IncidentType.REAR_END_COLLISION: Ability(
        (RoadLayout.HIGHWAY, *_STREETS),
        CollisionType.REAR_END,
        (Aftermath.PUSHED_FORWARD, Aftermath.VEHICLES_STOP, Aftermath.VEHICLES_BLOCK_TRAFFIC),
        VEHICLE_TYPES,
        1,
    ),
    IncidentType.PEDESTRIAN_NEAR_MISS: Ability(
        _STREETS,
        None,
        (Aftermath.PEDESTRIANS_RETREAT, Aftermath.DRIVES_ON),
        (ParticipantType.PEDESTRIAN,),
        4,
    ),
    IncidentType.NORMAL_TRAFFIC: Ability(
        (RoadLayout.FOUR_WAY_INTERSECTION, RoadLayout.HIGHWAY, RoadLayout.URBAN_STREET),
        None,
        (Aftermath.TRAFFIC_FLOWS,),
        (),
        0,
    ),
}


def unsupported(scene: Scene) -> Unsupported | None:
    """Why the simulator cannot make a scene, with the words that work; None when it can."""
    if scene.incident_type is None:
        reason = f"incident_type is empty; the simulator needs one of {_words(ABILITIES)}"
        return Unsupported("incident_type", "", reason)
    ability = ABILITIES.get(scene.incident_type)
    if ability is None:
        return _unable("incident_type", "incident_type", scene.incident_type, ABILITIES)
    incident = scene.incident_type.value
    collisions = () if ability.collision is None else (ability.collision,)
    asked: list[tuple[str, str, StrEnum | None, Iterable[StrEnum]]] = [
        ("road_layout", f"road_layout of {incident}", scene.road_layout, ability.layouts),
        ("collision_type", f"collision_type of {incident}", scene.collision_type, collisions),
        ("aftermath", f"aftermath of {incident}", scene.aftermath, ability.aftermaths),
        ("weather", "weather", scene.weather, WEATHERS),
        ("light", "light", scene.light, LIGHTS),
        (
            "road_surface",
            f"road_surface in {scene.weather or 'any weather'}",
            scene.road_surface,
            _surfaces(scene.weather),
        ),
    ]
    for column, what, value, words in asked:
        if value is not None and value not in tuple(words):
            return _unable(column, what, value, words)
    return _participants(incident, ability, scene.participants, layout_of(scene))


def layout_of(scene: Scene) -> RoadLayout | None:
    """The place at which a scene happens: the row's own, else the incident's natural one."""
    ability = ABILITIES.get(scene.incident_type) if scene.incident_type else None
    return scene.road_layout or (ability.layouts[0] if ability else None)


def _participants(
    incident: str, ability: Ability, participants: tuple[Participant, ...], layout: RoadLayout | None
) -> Unsupported | None:
    for participant in participants:
        if participant.type not in PARTICIPANT_TYPES:
            return _unable("participants", "participant", participant.type, PARTICIPANT_TYPES)
    by_role = {role: [p for p in participants if p.role is role] for role in Role}
    at_fault, others = by_role[Role.AT_FAULT], by_role[Role.NOT_AT_FAULT]
    if ability.others == 0 and (at_fault or others):
        role = (at_fault + others)[0].role.value
        return _miscast(role, f"{incident} has no participant {role}: give them the role bystander")
    if len(at_fault) > 1:
        most = f"{incident} takes one participant at_fault, the row names {len(at_fault)}"
        return _miscast(Role.AT_FAULT.value, most)
    if at_fault and at_fault[0].type not in VEHICLE_TYPES:
        return _unable("participants", f"at_fault participant of {incident}", at_fault[0].type, VEHICLE_TYPES)
    if len(others) > ability.others:
        most = f"{incident} takes at most {ability.others} not_at_fault, the row names {len(others)}"
        return _miscast(Role.NOT_AT_FAULT.value, most)
    for participant in others:
        if participant.type not in ability.other_types:
            what = f"not_at_fault participant of {incident}"
            return _unable("participants", what, participant.type, ability.other_types)
    return _bystanders(by_role[Role.BYSTANDER], layout)


def _bystanders(bystanders: list[Participant], layout: RoadLayout | None) -> Unsupported | None:
    if len(bystanders) > MOST_BYSTANDERS:
        most = f"the simulator places at most {MOST_BYSTANDERS} bystanders, the row names {len(bystanders)}"
        return _miscast(Role.BYSTANDER.value, most)
    if layout is RoadLayout.HIGHWAY and any(p.type is ParticipantType.PEDESTRIAN for p in bystanders):
        reason = "a pedestrian bystander cannot walk on a highway; leave it out or choose another road_layout"
        return _miscast(ParticipantType.PEDESTRIAN.value, reason)
    return None


def _miscast(value: str, reason: str) -> Unsupported:
    return Unsupported("participants", value, reason)


def _unable(column: str, what: str, value: StrEnum, words: Iterable[StrEnum]) -> Unsupported:
    can = _words(words)
    reason = f"{what} {value.value!r} cannot be simulated; " + (f"it can be {can}" if can else "leave it empty")
    return Unsupported(column, value.value, reason)


def _words(words: Iterable[StrEnum]) -> str:
    return ", ".join(word.value for word in words)


def _surfaces(weather: Weather | None) -> tuple[RoadSurface, ...]:
    return SURFACES if weather is None else _FALLEN_ON.get(weather, SURFACES)
