"""A clip's geometry, what is asked of an engine to make one, and the identity that follows from it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from functools import lru_cache
from typing import Any, Literal

import orjson

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

Resolution = Literal["720", "480"]
Fps = Literal[10, 16]

# Width × height at 16:9, the one aspect the LoRA script renders. "720" is 704 high: the network wants multiples of 16.
SIZE_PX: dict[Resolution, tuple[int, int]] = {"720": (1280, 704), "480": (768, 432)}
# The frame rate fixes the length: the video VAE packs 4 frames in a latent after a first one of its own.
LATENT_FRAMES: dict[Fps, int] = {16: 24, 10: 16}


@dataclass(frozen=True, slots=True)
class Geometry:
    width_px: int
    height_px: int
    fps: int
    frames: int

    @classmethod
    def of(cls, resolution: Resolution, fps: Fps) -> Geometry:
        width_px, height_px = SIZE_PX[resolution]
        return cls(width_px, height_px, fps, frames=4 * (LATENT_FRAMES[fps] - 1) + 1)

    @property
    def duration_s(self) -> float:
        return self.frames / self.fps


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
class ClipRequest:
    """One clip to make: everything an engine may read.

    ``seed`` is the clip's own (scenario seed and variant mixed). ``input_path`` is a local image or video that
    conditions the first frames, or None where the engine needs none; ``input_sha256`` is what it held when the clip was
    named, None where nobody looked.
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


@dataclass(frozen=True, slots=True)
class EngineIdentity:
    """What must be the same for two engines to make the same clip from the same request.

    ``settings`` are JSON values (sampler, steps, LoRA …); ``reads`` names the request fields that the engine looks at,
    so that a change it cannot see renders nothing again.
    """

    name: str
    version: str
    weights_sha256: str | None
    reads: frozenset[Literal["prompt", "negative_prompt", "guidance", "scene", "input"]]
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def made_by(self) -> str:
        """Engine, version and a digest of the settings, weights aside: the same wherever the same code would run."""
        told = json.dumps([self.name, self.version, self.settings, sorted(self.reads)], sort_keys=True)
        return f"{self.name} {self.version} ({hashlib.sha256(told.encode()).hexdigest()[:12]})"


def clip_seed(scenario_seed: int, scenario_id: str, variant: int) -> int:
    """A 31-bit seed of a variant's own (NumPy's legacy generator and torch both take it)."""
    if variant == 0:
        return scenario_seed
    digest = hashlib.sha256(f"{scenario_seed}/{scenario_id}/{variant}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


# Fields that came later: they stand in the JSON only where they say something, so that older clips keep their names.
_LATER_FIELDS = ("cause", "severity", "averted_incident", "camera")


@lru_cache(maxsize=1 << 16)
def scene_json(scene: Scene) -> str:
    """A scene as one line of JSON, always the same for equal scenes."""
    words = {each.name: getattr(scene, each.name) for each in fields(scene)}
    said = {name: value for name, value in words.items() if name not in _LATER_FIELDS or value}
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()


class ClipNamer:
    """Names clips by what makes them: change what the engine reads and the name changes, change the rest and it stays.

    A name is 24 hex digits of a SHA-256 over engine, version, weights, settings, geometry, seed and what the engine
    reads of prompt, negative prompt, guidance, scene and input file.
    """

    def __init__(self, engine: EngineIdentity, geometry: Geometry) -> None:
        made_by = [engine.name, engine.version, engine.weights_sha256, engine.settings, asdict(geometry)]
        self._made_by = hashlib.sha256(json.dumps(made_by, sort_keys=True).encode())
        self._reads = engine.reads

    def name(
        self,
        *,
        seed: int,
        prompt: str,
        negative_prompt: str,
        guidance: float,
        scene: Scene,
        input_sha256: str | None,
    ) -> str:
        reads = self._reads
        read = (
            seed,
            prompt if "prompt" in reads else None,
            negative_prompt if "negative_prompt" in reads else None,
            float(guidance) if "guidance" in reads else None,
            scene_json(scene) if "scene" in reads else None,
            input_sha256 if "input" in reads else None,
        )
        digest = self._made_by.copy()
        digest.update(orjson.dumps(read))
        return digest.hexdigest()[:24]


class Outcome(StrEnum):
    """How a scenario's clip ended: exactly one a clip."""

    GENERATED = "generated"
    REUSED = "reused"
    REJECTED_INPUT = "rejected_input"
    GUARDRAIL_TEXT = "guardrail_text"
    GUARDRAIL_VIDEO = "guardrail_video"
    OUT_OF_MEMORY = "out_of_memory"
    ENGINE_ERROR = "engine_error"
    INVALID_OUTPUT = "invalid_output"
    TIMED_OUT = "timed_out"

    @property
    def made_a_clip(self) -> bool:
        return self in {self.GENERATED, self.REUSED}

    @property
    def can_be_retried(self) -> bool:
        """Whether another try may end otherwise; bad input and guardrail verdicts are final."""
        return self in {self.OUT_OF_MEMORY, self.ENGINE_ERROR, self.INVALID_OUTPUT, self.TIMED_OUT}
