"""What the simulator can make: plain words, so that a scenario is refused without loading any physics."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from its_core.clip import Participant, Scene, Unsupported
from its_core.engines.simulator.abilities import ABILITIES, CYCLED, PEDESTRIAN, VEHICLES, WALKED, Ability
from its_core.taxonomy import IncidentType, Light, ParticipantType, RoadLayout, RoadSurface, Role, Weather

__all__ = ["ABILITIES", "LIGHTS", "SURFACES", "WEATHERS", "layout_of", "unsupported"]

WEATHERS = tuple(Weather)
LIGHTS = tuple(Light)
SURFACES = tuple(RoadSurface)
MOST_BYSTANDERS = 12
_ANYBODY = (*VEHICLES, *PEDESTRIAN)
_ROLES = tuple(Role)  # which is quicker than to ask the class each time
_WET = (RoadSurface.WET, RoadSurface.ICY)
_SHELTERED = (Weather.CLEAR, Weather.OVERCAST)  # what the sky may do over a tunnel: none of it is seen inside
_SHELTERED_SURFACES = (RoadSurface.DRY, RoadSurface.WET)
_FALLEN_ON = {Weather.RAIN: _WET, Weather.SNOW: (RoadSurface.SNOWY, *_WET)}  # what falls is seen on the road


def unsupported(scene: Scene) -> Unsupported | None:
    """Why the simulator cannot make a scene, with the words that work; None when it can."""
    if scene.incident_type is None:
        reason = f"incident_type is empty; the simulator needs one of {_words(ABILITIES)}"
        return Unsupported("incident_type", "", reason)
    ability = ABILITIES.get(scene.incident_type)
    if ability is None:
        return _unable("incident_type", "incident_type", scene.incident_type, ABILITIES)
    asked: tuple[tuple[str, str, StrEnum | None, tuple[StrEnum, ...]], ...] = (
        ("road_layout", " of ", scene.road_layout, ability.layouts),
        ("collision_type", " of ", scene.collision_type, tuple(ability.collisions)),
        ("aftermath", " of ", scene.aftermath, ability.aftermaths),
        ("weather", "", scene.weather, WEATHERS),
        ("light", "", scene.light, LIGHTS),
        ("road_surface", " in ", scene.road_surface, _surfaces(scene.weather)),
    )
    for column, joint, value, words in asked:
        if value is not None and value not in words:
            context = {"": "", " of ": scene.incident_type.value, " in ": scene.weather or "any weather"}[joint]
            return _unable(column, f"{column}{joint}{context}", value, words)
    return (
        _sheltered(scene)
        or _collided(scene, ability)
        or _error(scene, ability)
        or _averted(scene)
        or _participants(scene, ability)
    )


def layout_of(scene: Scene) -> RoadLayout | None:
    """The place at which a scene happens: the row's own, else the natural one of its incident (or of the one that is
    averted, or of its cause)."""
    if scene.road_layout is not None or scene.incident_type is None:
        return scene.road_layout
    ability = ABILITIES.get(scene.averted_incident or scene.incident_type)
    if ability is None:
        return None
    needed = ability.causes.get(scene.cause) if scene.cause is not None else None
    return needed[0] if needed else ability.layouts[0]


def _sheltered(scene: Scene) -> Unsupported | None:
    """Neither rain, snow and fog nor ice gets into a tunnel."""
    if layout_of(scene) is not RoadLayout.TUNNEL:
        return None
    asked: tuple[tuple[str, StrEnum | None, tuple[StrEnum, ...]], ...] = (
        ("weather", scene.weather, _SHELTERED),
        ("road_surface", scene.road_surface, _SHELTERED_SURFACES),
    )
    for column, value, words in asked:
        if value is not None and value not in words:
            what = f"{column} {value.value!r} cannot be simulated at road_layout tunnel, which keeps it out"
            reason = f"{what}; it can be {_words(words)}"
            return Unsupported(column, value.value, reason)
    return None


def _collided(scene: Scene, ability: Ability) -> Unsupported | None:
    """Some kinds of collision need a place of their own: ways that cross."""
    if scene.collision_type is None:
        return None
    needed, layout = ability.collisions[scene.collision_type], layout_of(scene)
    if needed is None or layout in needed:
        return None
    what = f"collision_type {scene.collision_type.value!r} of {scene.incident_type}"
    reason = f"{what} cannot be simulated at road_layout {layout}; it can be at {_words(needed)}"
    return Unsupported("collision_type", scene.collision_type.value, reason)


def _error(scene: Scene, ability: Ability) -> Unsupported | None:
    """Cause and severity: only incidents have them, and some causes need a place of their own."""
    incident = scene.incident_type
    assert incident is not None
    # A counterfactual bears its incident's words.
    if scene.averted_incident is not None and scene.averted_incident in ABILITIES:
        ability = ABILITIES[scene.averted_incident]
        incident = scene.averted_incident
    if scene.severity is not None and not (scene.averted_incident or incident).has_contact:
        reason = f"severity {scene.severity.value!r} of {incident}: nothing touches in it; leave it empty"
        return Unsupported("severity", scene.severity.value, reason)
    if scene.cause is None:
        return None
    if scene.cause not in ability.causes:
        return _unable("cause", f"cause of {incident}", scene.cause, ability.causes)
    needed, layout = ability.causes[scene.cause], layout_of(scene)
    if needed is not None and layout not in needed:
        reason = (
            f"cause {scene.cause.value!r} of {incident} cannot be simulated at road_layout {layout}; "
            f"it can be at {_words(needed)}"
        )
        return Unsupported("cause", scene.cause.value, reason)
    return None


def _averted(scene: Scene) -> Unsupported | None:
    """A counterfactual's incident must be one that could have happened there."""
    averted = scene.averted_incident
    if averted is None:
        return None
    if scene.incident_type is not IncidentType.NORMAL_TRAFFIC:
        reason = f"averted_incident {averted.value!r}: only {IncidentType.NORMAL_TRAFFIC.value} can have one"
        return Unsupported("averted_incident", averted.value, reason)
    errs = [incident for incident in ABILITIES if incident.is_anomaly]
    if averted not in errs:
        return _unable("averted_incident", "averted_incident", averted, errs)
    layout = layout_of(scene)
    if layout not in ABILITIES[averted].layouts:
        what = f"road_layout with averted_incident {averted.value}"
        assert layout is not None
        return _unable("road_layout", what, layout, ABILITIES[averted].layouts)
    return None


def _participants(scene: Scene, ability: Ability) -> Unsupported | None:
    incident, participants = scene.incident_type, scene.participants
    if scene.averted_incident is not None:
        ability = ABILITIES[scene.averted_incident]
    for participant in participants:
        if participant.type not in _ANYBODY:
            return _unable("participants", "participant", participant.type, _ANYBODY)
    by_role: dict[Role, list[Participant]] = {role: [] for role in _ROLES}
    for participant in participants:
        by_role[participant.role].append(participant)
    at_fault, others = by_role[Role.AT_FAULT], by_role[Role.NOT_AT_FAULT]
    if not ability.at_fault and (at_fault or others):
        role = (at_fault + others)[0].role.value
        return _miscast(role, f"{incident} has no participant {role}: give them the role bystander")
    if len(at_fault) > 1:
        most = f"{incident} takes one participant at_fault, the row names {len(at_fault)}"
        return _miscast(Role.AT_FAULT.value, most)
    if at_fault and at_fault[0].type not in ability.at_fault:
        return _unable("participants", f"at_fault participant of {incident}", at_fault[0].type, ability.at_fault)
    if len(others) > ability.most_others:
        most = f"{incident} takes at most {ability.most_others} not_at_fault, the row names {len(others)}"
        return _miscast(Role.NOT_AT_FAULT.value, most)
    for participant in others:
        if participant.type not in ability.others:
            what = f"not_at_fault participant of {incident}"
            return _unable("participants", what, participant.type, ability.others)
    return _sides(scene, at_fault, others) or _placed(by_role, layout_of(scene))


_ON_FOOT = (IncidentType.PEDESTRIAN_COLLISION, IncidentType.PEDESTRIAN_NEAR_MISS)
_RIDDEN = {
    IncidentType.CYCLIST_COLLISION: ParticipantType.BICYCLE,
    IncidentType.MOTORCYCLIST_COLLISION: ParticipantType.MOTORCYCLE,
}


def _sides(scene: Scene, at_fault: list[Participant], others: list[Participant]) -> Unsupported | None:
    """Where one side is on foot or rides, it is one side and not both or neither."""
    incident = scene.averted_incident or scene.incident_type
    assert incident is not None
    soft = ParticipantType.PEDESTRIAN if incident in _ON_FOOT else _RIDDEN.get(incident)
    if soft is None or not at_fault or not others:
        return None
    sides = (at_fault[0].type is soft, others[0].type is soft)
    if sides[0] == sides[1] or any((other.type is soft) != sides[1] for other in others):
        reason = (
            f"{incident.value} is between a {soft.value} and another vehicle: name one {soft.value} and one vehicle"
        )
        return _miscast(others[0].type.value, reason)
    if sides[0] and len(others) > 1:
        return _miscast(
            Role.NOT_AT_FAULT.value, f"a {soft.value} at fault meets one vehicle, the row names {len(others)}"
        )
    return None


def _placed(by_role: dict[Role, list[Participant]], layout: RoadLayout | None) -> Unsupported | None:
    bystanders = by_role[Role.BYSTANDER]
    if len(bystanders) > MOST_BYSTANDERS:
        most = f"the simulator places at most {MOST_BYSTANDERS} bystanders, the row names {len(bystanders)}"
        return _miscast(Role.BYSTANDER.value, most)
    walks = any(p.type is ParticipantType.PEDESTRIAN for p in bystanders)
    rides = any(p.type is ParticipantType.BICYCLE for role in _ROLES for p in by_role[role])
    if layout is not None and ((walks and layout not in WALKED) or (rides and layout not in CYCLED)):
        on_foot = walks and layout not in WALKED
        word = (ParticipantType.PEDESTRIAN if on_foot else ParticipantType.BICYCLE).value
        where = layout.value.replace("_", " ")
        there = _words(sorted(WALKED if on_foot else CYCLED))
        reason = f"a {word} has no place on a {where}; leave it out, or choose a road_layout of {there}"
        return _miscast(word, reason)
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
