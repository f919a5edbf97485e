"""The one seam between the factory and whatever makes pixels: ``generate(request) -> Clip``."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from its_core.annotations import Annotations
from its_core.clip import ClipRequest, EngineIdentity, Fps, Outcome, Resolution, Scene

EngineName = Literal["simulator", "cosmos"]
Frame = NDArray[np.uint8]  # H×W×3, RGB


@dataclass(slots=True)
class Clip:
    """A clip on its way to disk.

    ``frames`` yields exactly ``request.geometry.frames`` RGB frames, each H×W×3 uint8, and may compute them lazily, so
    that encoding overlaps rendering. ``record`` holds JSON values that say what really ran (model, weights, guardrail,
    precision, seed, attempts); an engine may add to it until the last frame is out. ``annotations`` likewise is
    complete once the frames are, and stays None for an engine without ground truth.
    """

    frames: Iterator[Frame]
    record: dict[str, Any] = field(default_factory=dict)
    annotations: Annotations | None = None


class EngineFailure(Exception):
    """A clip that could not be made, with the outcome it ends in and a reason that a person understands."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason


class Engine(ABC):
    """Makes clips one after another in one process (one rank).

    ``generate`` may raise ``EngineFailure``, also while the frames are being taken; any other exception is recorded as
    ``engine_error`` by the worker, which goes on with the next clip. ``digital_source_type`` is set by the module's
    ``load``; clips are signed with it where a key is configured.
    """

    digital_source_type: str = ""

    def prepare(self, requests: Sequence[ClipRequest]) -> None:  # noqa: ARG002
        """Told once what is coming, before the first ``generate``, so that work for all clips can be done together."""
        return

    @abstractmethod
    def generate(self, request: ClipRequest) -> Clip: ...

    def close(self) -> None:
        """Frees what the engine holds; called once, also after a failure."""
        return


class EngineModule(Protocol):
    """What ``its_core.engines.<name>.engine`` offers; importing it must stay cheap (no torch, no panda3d).

    ``DIGITAL_SOURCE_TYPE`` is IPTC's term for how the pictures came about, a URL: published clips are marked with it.
    """

    DIGITAL_SOURCE_TYPE: str

    def parse_options(self, options: Mapping[str, Any], resolution: Resolution, fps: Fps) -> Any:
        """Checks the definition's ``engine.options``; pydantic's ValidationError names key, value and what is right."""

    def identity(self, options: Any) -> EngineIdentity:
        """What names the clips of these options. May read the weights' files once, to hash them."""

    def identity_but_weights(self, options: Any) -> EngineIdentity:
        """The same with ``weights_sha256`` None, at no cost."""

    def missing_parts(self, options: Any) -> list[str]:
        """Packages and weights that these options need and that are not there, a line each; a look at names alone."""

    def refuses(self, scene: Scene, has_input: bool) -> str | None:
        """Why this engine cannot make such a scene, for ``rejected_input``; None when it can."""

    def first_frame(self, options: Any, request: ClipRequest) -> Frame | None:
        """The picture that the clip must begin with, None where the engine promises none."""

    def flags(self, options: Any) -> list[str]:
        """The options as the guide's command-line flags, for the worker or NVIDIA's own script."""

    def ranks_per_clip(self, options: Any, ranks: int, clips: int) -> int:
        """How many ranks make one clip together; it divides ``ranks``. Raises ValueError where sizes do not divide."""

    def weights_at_hand(self, flags: Sequence[str]) -> AbstractContextManager[None]:
        """Brings weights that lie on S3 onto this machine, however long that takes, and keeps them there while the
        block runs; ``flags`` are those of a launch."""

    def load(self, options: Any, ranks_per_clip: int = 1, weights_sha256: str | None = None) -> Engine:
        """The engine, ready to generate (weights loaded, renderer open), in a group of ``ranks_per_clip``. Where the
        weights turn out not to be those of ``weights_sha256``, its clips fail."""


def engine_module(name: EngineName) -> EngineModule:
    return cast(EngineModule, importlib.import_module(f"its_core.engines.{name}.engine"))
