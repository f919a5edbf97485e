"""The one seam between the factory and whatever makes pixels: ``generate(request) -> Clip``."""

from __future__ import annotations

import argparse
import importlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from its_core.annotations import Annotations
from its_core.clip import ClipRequest, EngineIdentity, Fps, Outcome, Resolution, Scene, Unsupported
from its_core.taxonomy import RoadLayout

DEFAULT_ENGINE = "simulator"
MODEL_SCHEME = "model:"  # of a path option that names a registered model, and is no path
Frame = NDArray[np.uint8]  # H×W×3, RGB


@dataclass(slots=True)
class Clip:
    """A clip on its way to disk.

    ``frames`` yields exactly ``request.geometry.frames`` RGB frames, each H×W×3 uint8, and may compute them lazily, so
    that encoding overlaps rendering. ``record`` holds JSON values that say what really ran (model, weights, guardrail,
    precision, seed, attempts); an engine may add to it until the last frame is out. ``annotations`` likewise is
    complete once the frames are, and stays None for an engine without ground truth. ``beside`` are further files by the
    suffix that takes the place of the clip's (``.depth.mp4``), complete once the frames are; whoever takes them moves
    them away before the next clip is made.
    """

    frames: Iterator[Frame]
    record: dict[str, Any] = field(default_factory=dict)
    annotations: Annotations | None = None
    beside: dict[str, Path] = field(default_factory=dict)


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
        """Called once with all requests, before the first ``generate``, so that work for all clips can be done
        together."""
        return

    @abstractmethod
    def generate(self, request: ClipRequest) -> Clip: ...

    def weights_sha256(self) -> str | None:
        """The hash of the weights that were really loaded, None for an engine without. May wait for it."""
        return None

    def close(self) -> None:
        """Frees what the engine holds; called once, also after a failure."""
        return


@dataclass(frozen=True, slots=True)
class EngineTraits:
    """What the factory must know of an engine, whatever its options.

    Attributes:
        needs_input: every clip starts from an image or a video.
        uses_gpu: it renders on GPUs where there are some.
        has_weights: it reads checkpoints, which are hashed before clips are named and may lie on S3.
        is_deterministic: an equal request gives an equal clip, on any machine. A clip that turned out wrong would turn
            out wrong again.
        paints_weather: it paints the weather by rules, and its record says which. The gates that look for rain, snow
            and a blue sky are for engines that may not do what they are asked.
        writes_text: its cameras burn their names and clocks into the pictures.
        path_options: the options that are paths or ``s3://`` URLs. A relative one in ``dataset.yaml`` counts from its
            folder.
        memory_gib: the main memory that a process takes on processors alone, 0 where nothing is known.
    """

    needs_input: bool
    uses_gpu: bool
    has_weights: bool
    is_deterministic: bool
    paints_weather: bool = False
    writes_text: bool = False
    path_options: frozenset[str] = frozenset()
    memory_gib: float = 0.0


@dataclass(frozen=True, slots=True)
class ClipCost:
    """What one clip takes of a GPU, estimated before anything is loaded.

    Attributes:
        gpu_gib: the most memory in use at a time; None where no GPU is needed.
        savings: keys that lower it, and to what, each together with those before it.
        gpu_s: seconds on one GPU, None where nothing is known.
        source: where the seconds are from.
    """

    gpu_gib: float | None = None
    savings: tuple[tuple[str, float], ...] = ()
    gpu_s: float | None = None
    source: str = ""


class EngineModule(Protocol):
    """What ``its_core.engines.<name>.engine`` offers; importing it must stay cheap (no torch, no panda3d).

    ``options`` are what ``parse_options`` returned, but where a mapping is asked for. ``DIGITAL_SOURCE_TYPE`` is IPTC's
    term for how the pictures came about, a URL: published clips are marked with it. ``OPTIONS`` has a field for each
    option.
    """

    TRAITS: EngineTraits
    DIGITAL_SOURCE_TYPE: str
    OPTIONS: type[BaseModel]

    def parse_options(self, options: Mapping[str, Any], resolution: Resolution, fps: Fps) -> Any:
        """Checks ``engine.options``; pydantic's ValidationError names key, value and what is right."""

    def pin_models(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """``engine.options`` with registered models by the versions that they are now. One that is not there is left
        to ``parse_options``, which says so."""

    def identity(self, options: Any) -> EngineIdentity:
        """What names the clips of these options. May read the weights' files once, to hash them."""

    def identity_without_weights(self, options: Any) -> EngineIdentity:
        """The same with ``weights_sha256`` None, at no cost."""

    def missing_parts(self, options: Any) -> list[str]:
        """Packages and weights that these options need and that are not there, a line each; a look at names alone."""

    def layout_of(self, scene: Scene) -> RoadLayout | None:
        """The place at which this engine lets a scene happen; None where it does not decide that."""

    def unsupported(self, scene: Scene, has_input: bool) -> Unsupported | None:
        """Why this engine cannot make such a scene, for ``rejected_input``; None when it can."""

    def needs_gpu(self, options: Any) -> bool:
        """Whether clips cannot be made on processors alone."""

    def clip_cost(self, options: Any) -> ClipCost:
        """What a clip takes of a GPU; on a machine with one, seconds are measured, which takes some."""

    def is_stand_in(self, options: Any) -> bool:
        """Whether these options are for dry runs: the pictures of random weights show nothing."""

    def first_frame(self, options: Any, request: ClipRequest) -> Frame | None:
        """The picture that the clip must begin with, None where the engine promises none. Raises EngineFailure where
        the input cannot be read."""

    def add_flags(self, parser: argparse.ArgumentParser) -> None:
        """Adds a flag for each option to the worker's command line, for commands typed by hand."""

    def options_of_flags(self, arguments: argparse.Namespace) -> dict[str, Any]:
        """The options that were given as flags, unchecked; empty where none was."""

    def script_flags(self, options: Any) -> list[str]:
        """The options as the guide's command-line flags, for ``engine.script``."""

    def ranks_per_clip(self, options: Any, ranks: int, clips: int) -> int:
        """How many ranks make one clip together; it divides ``ranks``. Raises ValueError where sizes do not divide."""

    def localize_weights(self, options: Any) -> AbstractContextManager[object]:
        """Brings weights that lie on S3 onto this machine, however long that takes, and keeps them there while the
        block runs."""

    def load(self, options: Any, ranks_per_clip: int = 1, weights_sha256: str | None = None) -> Engine:
        """The engine, ready to generate (weights loaded, renderer open), in a group of ``ranks_per_clip``. Where the
        weights turn out not to be those of ``weights_sha256``, its clips fail."""

    def make_stand_in_weights(self, folder: Path) -> Path | None:
        """Makes small random weights in ``folder``, for dry runs, and returns the checkpoint to name; None for an
        engine without weights."""


def engine_names() -> list[str]:
    """The engines that there are: the folders beside this file that have an ``engine.py``."""
    return sorted(file.parent.name for file in Path(__file__).parent.glob("*/engine.py"))


def engine_module(name: str) -> EngineModule:
    """The module of an engine. Raises ModuleNotFoundError for a name that ``engine_names`` does not list."""
    return cast(EngineModule, importlib.import_module(f"its_core.engines.{name}.engine"))
