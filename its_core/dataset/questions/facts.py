"""What is known of a clip, and nothing that was merely asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from its_core.annotations import Annotations
from its_core.clip import Participant, Scene
from its_core.scenarios.prompts.compose import compose_parts
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


@dataclass(frozen=True, slots=True)
class Facts:
    """A clip's label row and annotations, seen through where each label comes from."""

    row: Mapping[str, Any]
    annotations: Annotations | None

    def known(self, name: str) -> Any:
        """A label that was simulated, detected or given by a person; None where it was only asked for."""
        source = (self.row.get("sources") or {}).get(name)
        return self.row.get(name) if source and source["source"] != "requested" else None

    @property
    def incident(self) -> IncidentType | None:
        word = self.known("incident_type")
        return None if word is None else IncidentType(word)

    @property
    def culprit(self) -> str | None:
        """Who errs, in words: "the red sedan"."""
        return self._who(Role.AT_FAULT)

    @property
    def other(self) -> str | None:
        return self._who(Role.NOT_AT_FAULT)

    @property
    def window_s(self) -> tuple[float, float] | None:
        """From when the incident can be seen coming until it is over."""
        start, end = self.known("anomaly_start_time"), self.known("anomaly_end_time")
        return None if start is None or end is None else (float(start), float(end))

    def _who(self, role: Role) -> str | None:
        for each in self.known("participants") or ():
            if each["role"] == role.value:
                kind = str(each["type"]).replace("_", " ")
                # The colour of a person's clothes is no colour of the person.
                coloured = each["colour"] and each["type"] != ParticipantType.PEDESTRIAN.value
                return f"the {each['colour']} {kind}" if coloured else f"the {kind}"
        return None

    def scene(self) -> Scene | None:
        """What is known as a scene; None where the incident is not."""
        incident = self.incident
        if incident is None:
            return None

        def word(name: str, kind: Any) -> Any:
            value = self.known(name)
            return None if value is None or value not in set(kind) else kind(value)

        participants = tuple(
            Participant(
                ParticipantType(each["type"]), Colour(each["colour"]) if each["colour"] else None, Role(each["role"])
            )
            for each in self.known("participants") or ()
        )
        aftermaths = self.known("aftermaths") or ()
        return Scene(
            camera_id=str(self.row["camera_id"]),
            incident_type=incident,
            collision_type=word("type", CollisionType),
            participants=participants,
            weather=word("weather_condition", Weather),
            light=word("light", Light),
            road_layout=word("road_layout", RoadLayout),
            road_surface=word("road_surface", RoadSurface),
            traffic_density=word("traffic_density", TrafficDensity),
            aftermath=Aftermath(aftermaths[0]) if aftermaths else None,
        )

    def caption(self) -> dict[str, str] | None:
        """The guide's four parts, camera, scene, incident and aftermath, as far as they were observed."""
        scene = self.scene()
        if scene is None:
            return None
        names = ("camera", "scene", "incident", "aftermath")
        parts = dict(zip(names, compose_parts(scene, int(self.row["seed"])), strict=True))
        if scene.aftermath is None:  # the template would say what may have followed
            parts.pop("aftermath")
        return {name: text for name, text in parts.items() if text}
