"""What is asked of an engine to make one clip."""

from __future__ import annotations

from dataclasses import dataclass

from its_core.clip.geometry import Geometry
from its_core.taxonomy import (
    Aftermath,
    CameraWord,
    Cause,
    CollisionType,
    Colour,
    IncidentType,
    Light,
    ParticipantType,
    RoadLayout,
    RoadSurface,
    Role,
    Severity,
    TrafficDensity,
    Weather,
)

# What a manifest row or a batch entry may ask for.
MAX_SEED = 2**31 - 1  # NumPy's legacy generator and torch both take it
MAX_GUIDANCE = 20
# T5 reads 512 tokens and drops the rest unseen; English comes at about 4.5 characters a token, more when it is plain.
MAX_PROMPT_CHARS = 3000


@dataclass(frozen=True, slots=True)
class Participant:
    type: ParticipantType
    colour: Colour | None = None
    role: Role = Role.BYSTANDER


@dataclass(frozen=True, slots=True)
class Scene:
    """What a manifest row asks for, in structured words; None where the row leaves the choice to the engine.

    ``averted_incident``: the traffic of a clip in which nothing goes wrong is that of this incident, up to the moment
    in which somebody would have erred. With the same camera, seed and words it is the incident's counterfactual.
    """

    camera_id: str
    incident_type: IncidentType | None = None
    collision_type: CollisionType | None = None
    participants: tuple[Participant, ...] = ()
    weather: Weather | None = None
    light: Light | None = None
    road_layout: RoadLayout | None = None
    road_surface: RoadSurface | None = None
    traffic_density: TrafficDensity | None = None
    aftermath: Aftermath | None = None
    cause: Cause | None = None
    severity: Severity | None = None
    averted_incident: IncidentType | None = None
    camera: tuple[CameraWord, ...] = ()


@dataclass(frozen=True, slots=True)
class Unsupported:
    """Why an engine cannot make a scene: the manifest's column, its value, and what would be right. Column and value
    are empty where the scene as a whole is at fault."""

    column: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class FrameOrigin:
    """Where a picture that a clip starts from came from, if an engine made it: the first frame of the clip that this
    engine makes of ``scene`` and ``seed``. ``fingerprint`` is ``EngineIdentity.fingerprint``."""

    engine: str
    fingerprint: str
    scene: Scene
    seed: int


@dataclass(frozen=True, slots=True)
class ClipRequest:
    """One clip to make: everything an engine may read.

    ``seed`` is the clip's own (scenario seed and variant mixed). ``input_path`` is a local image or video that
    conditions the first frames, or None where the engine needs none; ``input_sha256`` is what it held when the clip was
    named, None where that is not known. ``input_origin`` says how that picture was made, None for a file that the
    manifest names.
    """

    clip_id: str
    scenario_id: str
    variant: int
    seed: int
    prompt: str
    negative_prompt: str
    guidance: float
    geometry: Geometry
    scene: Scene
    input_path: str | None = None
    input_sha256: str | None = None
    input_origin: FrameOrigin | None = None
