"""What makes a clip, as one name: equal requests to equal engines have equal names."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from functools import lru_cache
from operator import attrgetter
from typing import Any, Literal

import orjson

from its_core.clip.geometry import Geometry
from its_core.clip.request import ClipRequest, Scene


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
    def fingerprint(self) -> str:
        """Engine, version and a digest of the settings, without the weights: equal wherever the same code would run."""
        parts = json.dumps([self.name, self.version, self.settings, sorted(self.reads)], sort_keys=True)
        return f"{self.name} {self.version} ({hashlib.sha256(parts.encode()).hexdigest()[:12]})"


def clip_seed(scenario_seed: int, scenario_id: str, variant: int) -> int:
    """A 31-bit seed of a variant's own (NumPy's legacy generator and torch both take it)."""
    if variant == 0:
        return scenario_seed
    digest = hashlib.sha256(f"{scenario_seed}/{scenario_id}/{variant}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


# Fields that came later: they stand in the JSON only where they say something, so that older clips keep their names.
_LATER_FIELDS = ("cause", "severity", "averted_incident", "camera")
_FIELDS = tuple(each.name for each in fields(Scene))  # in the order of their declaration
_values = attrgetter(*_FIELDS)


@lru_cache(maxsize=1 << 16)
def scene_json(scene: Scene) -> str:
    """A scene as one line of JSON, always the same for equal scenes."""
    words = dict(zip(_FIELDS, _values(scene), strict=True))
    for name in _LATER_FIELDS:
        if not words[name]:
            del words[name]
    return orjson.dumps(words).decode()


class ClipNamer:
    """Names clips by what makes them: change what the engine reads and the name changes, change the rest and it stays.

    A name is 24 hex digits of a SHA-256 over engine, version, weights, settings, geometry, seed and what the engine
    reads of prompt, negative prompt, guidance, scene and input file.
    """

    def __init__(self, engine: EngineIdentity, geometry: Geometry) -> None:
        makers = [engine.name, engine.version, engine.weights_sha256, engine.settings, asdict(geometry)]
        self._makers = hashlib.sha256(json.dumps(makers, sort_keys=True).encode())
        self._reads = engine.reads

    def name(self, request: ClipRequest) -> str:
        """The id that a request's clip has; the request's own ``clip_id`` is not read."""
        reads = self._reads
        read = (
            request.seed,
            request.prompt if "prompt" in reads else None,
            request.negative_prompt if "negative_prompt" in reads else None,
            float(request.guidance) if "guidance" in reads else None,
            scene_json(request.scene) if "scene" in reads else None,
            request.input_sha256 if "input" in reads else None,
        )
        digest = self._makers.copy()
        digest.update(orjson.dumps(read))
        return digest.hexdigest()[:24]
