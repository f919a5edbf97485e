"""The role of each participant where a row or a prompt names none."""

from __future__ import annotations

from its_core.taxonomy import IncidentType, ParticipantType, Role

PEDESTRIAN_INCIDENTS = frozenset({IncidentType.PEDESTRIAN_COLLISION, IncidentType.PEDESTRIAN_NEAR_MISS})

# Who is struck where the incident's word says it.
RIDERS = {
    IncidentType.CYCLIST_COLLISION: ParticipantType.BICYCLE,
    IncidentType.MOTORCYCLIST_COLLISION: ParticipantType.MOTORCYCLE,
}


def fill_roles(types: list[ParticipantType], given: list[Role | None], incident: IncidentType | None) -> list[Role]:
    """Roles where none are given: the first vehicle errs, the next one bears it, the rest look on.

    Where a cyclist or motorcyclist is struck, that is the one who bears it. In a pedestrian incident every pedestrian
    bears it, in a pileup every vehicle. Where nothing goes wrong, or without an incident, all are bystanders.
    """
    roles = list(given)
    if incident and incident.is_anomaly:
        vehicles = [i for i, kind in enumerate(types) if kind is not ParticipantType.PEDESTRIAN and roles[i] is None]
        rider = next((i for i in vehicles if types[i] is RIDERS.get(incident)), None)
        if rider is not None and Role.NOT_AT_FAULT not in roles:
            roles[rider] = Role.NOT_AT_FAULT
            vehicles.remove(rider)
        if vehicles and Role.AT_FAULT not in roles:
            roles[vehicles[0]] = Role.AT_FAULT
            vehicles = vehicles[1:]
        if incident in PEDESTRIAN_INCIDENTS:
            for i, kind in enumerate(types):
                if kind is ParticipantType.PEDESTRIAN and roles[i] is None:
                    roles[i] = Role.NOT_AT_FAULT
        elif incident is IncidentType.MULTI_VEHICLE_PILEUP:
            for i in vehicles:
                roles[i] = Role.NOT_AT_FAULT
        elif vehicles and Role.NOT_AT_FAULT not in roles and incident is not IncidentType.SINGLE_VEHICLE_CRASH:
            roles[vehicles[0]] = Role.NOT_AT_FAULT
    return [role or Role.BYSTANDER for role in roles]
