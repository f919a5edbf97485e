"""The simulator engine as the factory sees it. Importing this module loads no Panda3D; ``load`` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from its_core.clip import ClipRequest, EngineIdentity, Fps, Resolution, Scene
from its_core.engines.engine import Engine, Frame
from its_core.engines.simulator.capabilities import refusal
from its_core.engines.simulator.options import VERSION, SimulatorOptions

# IPTC's digital source type of the clips.
DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia"


def parse_options(options: Mapping[str, Any], resolution: Resolution, fps: Fps) -> SimulatorOptions:  # noqa: ARG001
    """Raises pydantic's ValidationError, which names key, value and what is right. Every resolution and rate will
    do."""
    return SimulatorOptions.model_validate(dict(options))


def identity(options: SimulatorOptions) -> EngineIdentity:
    """Clips follow from the scene and the seed alone; prompt, guidance and input image are not read."""
    return EngineIdentity(
        name="simulator",
        version=VERSION,
        weights_sha256=None,
        reads=frozenset({"scene"}),
        settings=options.model_dump(mode="json"),
    )


def identity_but_weights(options: SimulatorOptions) -> EngineIdentity:
    """There are no weights."""
    return identity(options)


def missing_parts(options: SimulatorOptions) -> list[str]:  # noqa: ARG001
    """It comes with the package, and has no weights."""
    return []


def refuses(scene: Scene, has_input: bool) -> str | None:  # noqa: ARG001 — an input image is welcome, and ignored
    return refusal(scene)


def first_frame(options: SimulatorOptions, request: ClipRequest) -> Frame | None:  # noqa: ARG001
    """An input image is ignored, so no clip begins with it."""
    return None


def flags(options: SimulatorOptions) -> list[str]:  # noqa: ARG001 — the guide's command line has none for a simulator
    return []


def ranks_per_clip(options: SimulatorOptions, ranks: int, clips: int) -> int:  # noqa: ARG001
    """Each process makes its own clips."""
    return 1


def weights_at_hand(flags: Sequence[str]) -> AbstractContextManager[None]:  # noqa: ARG001
    """There are no weights."""
    return nullcontext()


def load(
    options: SimulatorOptions,
    ranks_per_clip: int = 1,  # noqa: ARG001
    weights_sha256: str | None = None,  # noqa: ARG001
) -> Engine:
    """The engine with its renderer open."""
    from its_core.engines.simulator.simulator import SimulatorEngine

    engine = SimulatorEngine(options)
    engine.digital_source_type = DIGITAL_SOURCE_TYPE
    return engine
