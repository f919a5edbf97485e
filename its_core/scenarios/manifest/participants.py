"""Who takes part in an incident: the row's list turned into participants, and what an incident needs of them."""

from __future__ import annotations

from functools import lru_cache

from its_core.clip import Participant
from its_core.scenarios.manifest.faults import Fault
from its_core.scenarios.manifest.suggestions import advice
from its_core.scenarios.roles import PEDESTRIAN_INCIDENTS, RIDERS, fill_roles
from its_core.taxonomy import Aftermath, CollisionType, Colour, IncidentType, ParticipantType, Role

Triple = tuple[str | None, str | None, str | None]  # type, colour, role as the manifest has them
_COLLISIONS: dict[IncidentType, set[CollisionType]] = {
    IncidentType.INTERSECTION_COLLISION: set(CollisionType) - {CollisionType.SINGLE},
    IncidentType.REAR_END_COLLISION: {CollisionType.REAR_END},
    IncidentType.HEAD_ON_COLLISION: {CollisionType.HEAD_ON},
    IncidentType.SIDESWIPE_COLLISION: {CollisionType.SIDESWIPE},
    IncidentType.SINGLE_VEHICLE_CRASH: {CollisionType.SINGLE},
    IncidentType.MULTI_VEHICLE_PILEUP: set(CollisionType) - {CollisionType.SINGLE},
    IncidentType.CYCLIST_COLLISION: set(CollisionType) - {CollisionType.SINGLE},
    IncidentType.MOTORCYCLIST_COLLISION: set(CollisionType) - {CollisionType.SINGLE},
}
_VALUES: dict[type, frozenset[str]] = {v: frozenset(m.value for m in v) for v in (ParticipantType, Colour, Role)}
_SPARED = set(Aftermath) - {Aftermath.PUSHED_FORWARD, Aftermath.ROLLS_OVER, Aftermath.SECONDARY_COLLISION}
_CALM = {Aftermath.TRAFFIC_FLOWS, Aftermath.DRIVES_ON, Aftermath.VEHICLES_STOP}


@lru_cache(maxsize=65_536)
def parse(triples: tuple[Triple, ...], incident: IncidentType | None) -> tuple[Participant, ...] | Fault:
    """Participants in the row's order, roles filled in where the row leaves them out; or the first fault."""
    for number, (kind, colour, role) in enumerate(triples, start=1):
        if kind is None:
            return Fault("row.participants", "participants", "", f"participant {number} has no type")
        for word, vocabulary, name in (
            (kind, ParticipantType, "type"),
            (colour, Colour, "colour"),
            (role, Role, "role"),
        ):
            if word is not None and word not in _VALUES[vocabulary]:
                reason = f"{name} of participant {number}: {advice(word, vocabulary)}"
                return Fault("value.unknown_word", "participants", word, reason)
    types = [ParticipantType(kind) for kind, _, _ in triples if kind is not None]
    roles = fill_roles(types, [None if role is None else Role(role) for _, _, role in triples], incident)
    colours = [None if colour is None else Colour(colour) for _, colour, _ in triples]
    return tuple(Participant(*each) for each in zip(types, colours, roles, strict=True))


@lru_cache(maxsize=65_536)
def contradiction(
    incident: IncidentType | None,
    collision: CollisionType | None,
    participants: tuple[Participant, ...],
    aftermath: Aftermath | None,
) -> Fault | None:
    """What in the row cannot be true together, None when all of it can."""
    if incident is None:
        return None
    allowed = _COLLISIONS.get(incident, set())
    if collision and collision not in allowed:
        may = ", ".join(sorted(allowed)) or "nothing (leave it null)"
        return _contradiction("collision_type", collision, f"{incident} cannot be '{collision}'; it may be {may}")
    endings = set(Aftermath) if incident.has_contact else _SPARED if incident.is_anomaly else _CALM
    if aftermath and aftermath not in endings:
        may = ", ".join(sorted(endings))
        return _contradiction("aftermath", aftermath, f"{incident} cannot end in '{aftermath}'; it may end in {may}")
    return _miscast(incident, participants) if participants else None


def _contradiction(column: str, value: str, reason: str) -> Fault:
    return Fault("row.contradiction", column, value, reason)


def _miscast(incident: IncidentType, participants: tuple[Participant, ...]) -> Fault | None:
    involved = [p for p in participants if p.role is not Role.BYSTANDER]
    if found := _missing_part(incident, involved):
        return Fault("row.participants", "participants", *found)
    return None


def _missing_part(incident: IncidentType, involved: list[Participant]) -> tuple[str, str] | None:
    """A value and the reason, where the parts do not make up the incident."""
    on_foot = [p for p in involved if p.type is ParticipantType.PEDESTRIAN]
    if incident in PEDESTRIAN_INCIDENTS:
        if not on_foot:
            return "", f"{incident} needs a participant of type 'pedestrian' who is no bystander"
        if len(on_foot) == len(involved):
            return "", f"{incident} needs a vehicle that is no bystander, beside the pedestrians"
        return None
    if on_foot:
        return "pedestrian", f"in {incident} a pedestrian can only be a bystander"
    if not incident.is_anomaly and involved:
        return involved[0].role, f"in {incident} every participant is a bystander"
    rider = RIDERS.get(incident)
    if rider and not any(p.type is rider for p in involved):
        return "", f"{incident} needs a participant of type '{rider}' who is no bystander"
    if incident is IncidentType.SINGLE_VEHICLE_CRASH and len(involved) > 1:
        return f"{len(involved)} of them", "single_vehicle_crash has one participant besides bystanders"
    if incident.is_anomaly and not involved:
        return Role.BYSTANDER, f"{incident} needs a participant who is no bystander"
    return None
