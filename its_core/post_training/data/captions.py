"""Captions of published clips, from what was observed in them and never from what was asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

from its_core.annotations import Annotations, Track
from its_core.clip import Participant, Scene
from its_core.errors import FactoryError
from its_core.scenarios.prompts.compose import compose
from its_core.taxonomy import (
    Aftermath,
    CollisionType,
    Colour,
    IncidentType,
    Light,
    ParticipantType,
    RoadLayout,
    RoadSurface,
    Role,
    TrafficDensity,
    Weather,
)

STANDS_MPS, DRIVES_MPS = 0.5, 2.0

Word = TypeVar("Word", bound=StrEnum)


class NotObserved(FactoryError, ValueError):
    """Nobody knows what can be seen in the clip; it was only asked for."""

    default_code = "post_training.clip.not_observed"


def observed_scene(row: Mapping[str, Any], annotations: Annotations | None) -> Scene:
    """The scene of a row of ``metadata.parquet``: its labels, but for those whose source is ``requested``.

    Raises NotObserved where not even the incident was observed.
    """

    def observed(label: str) -> Any:
        source = (row.get("sources") or {}).get(label)
        return row.get(label) if source and source["source"] != "requested" else None

    incident = _word(IncidentType, observed("incident_type"))
    if incident is None:
        raise NotObserved("its incident was asked for and not observed; a caption would teach what may not be there")
    return Scene(
        camera_id=str(row["camera_id"]),
        incident_type=incident,
        collision_type=_word(CollisionType, observed("type")),
        participants=tuple(_participant(each) for each in observed("participants") or ()),
        weather=_word(Weather, observed("weather_condition")),
        light=_word(Light, observed("light")),
        road_layout=_word(RoadLayout, observed("road_layout")),
        road_surface=_word(RoadSurface, observed("road_surface")),
        traffic_density=_word(TrafficDensity, observed("traffic_density")),
        aftermath=_word(Aftermath, observed("aftermath")) or observed_aftermath(incident, annotations),
    )


def caption_of(scene: Scene, clip_id: str) -> str:
    """The scene in the guide's four parts: camera, scene, incident, aftermath. The clip's name chooses the wording."""
    seed = int.from_bytes(hashlib.sha256(clip_id.encode()).digest()[:4], "big")
    try:
        return compose(scene, seed)
    except ValueError:  # an aftermath for which the incident has no words
        from dataclasses import replace

        return compose(replace(scene, aftermath=None), seed)


def observed_aftermath(incident: IncidentType, annotations: Annotations | None) -> Aftermath | None:
    """How the incident ended: in the engine's own words, else read off the speeds of those involved in the last frame.

    None where neither says it clearly.
    """
    if annotations is None:
        return None
    if annotations.aftermaths:
        return _word(Aftermath, annotations.aftermaths[0])
    if not incident.is_anomaly:
        return None
    involved = [track for track in annotations.tracks if track.role != Role.BYSTANDER and track.frames]
    driving = [track for track in involved if track.type != ParticipantType.PEDESTRIAN]
    if not driving:
        return None
    if all(_last_speed_mps(track) < STANDS_MPS for track in driving):
        return Aftermath.VEHICLES_STOP
    at_fault = [track for track in driving if track.role == Role.AT_FAULT]
    if at_fault and all(_last_speed_mps(track) > DRIVES_MPS for track in at_fault):
        return Aftermath.DRIVES_ON
    return None


def _last_speed_mps(track: Track) -> float:
    return track.frames[-1].speed_mps


def _participant(participant: Mapping[str, Any]) -> Participant:
    colour = participant.get("colour")
    return Participant(
        ParticipantType(participant["type"]), Colour(colour) if colour else None, Role(participant["role"])
    )


def _word(kind: type[Word], value: Any) -> Word | None:
    """The value as one of our words; None for none, and for a word of a later version's."""
    try:
        return None if value is None else kind(value)
    except ValueError:
        return None
