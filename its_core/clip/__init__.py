"""A clip's geometry, the request for it, its identity and how it ended."""

from its_core.clip.geometry import LATENT_FRAMES, SIZE_PX, Fps, Geometry, Resolution
from its_core.clip.identity import ClipNamer, EngineIdentity, clip_seed, scene_json
from its_core.clip.outcome import Outcome
from its_core.clip.request import (
    MAX_GUIDANCE,
    MAX_PROMPT_CHARS,
    MAX_SEED,
    ClipRequest,
    FrameOrigin,
    Participant,
    Scene,
    Unsupported,
)

__all__ = [
    "LATENT_FRAMES",
    "MAX_GUIDANCE",
    "MAX_PROMPT_CHARS",
    "MAX_SEED",
    "SIZE_PX",
    "ClipNamer",
    "ClipRequest",
    "EngineIdentity",
    "Fps",
    "FrameOrigin",
    "Geometry",
    "Outcome",
    "Participant",
    "Resolution",
    "Scene",
    "Unsupported",
    "clip_seed",
    "scene_json",
]
