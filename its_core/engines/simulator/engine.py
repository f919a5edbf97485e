"""The simulator engine as the factory sees it. Importing this module loads no Panda3D; ``load`` does."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from its_core.clip import ClipRequest, EngineIdentity, Fps, Resolution, Scene, Unsupported
from its_core.engines import option_flags
from its_core.engines.engine import ClipCost, Engine, EngineTraits, Frame
from its_core.engines.simulator import capabilities
from its_core.engines.simulator.options import VERSION, SimulatorOptions
from its_core.taxonomy import RoadLayout

TRAITS = EngineTraits(
    needs_input=False,
    uses_gpu=False,
    has_weights=False,
    is_deterministic=True,
    writes_text=True,
    paints_weather=True,
    memory_gib=0.75,  # benchmarks/simulator.py at 720p, and the worker around it
)
OPTIONS = SimulatorOptions
# IPTC's digital source type of the clips.
DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia"


def parse_options(options: Mapping[str, Any], resolution: Resolution, fps: Fps) -> SimulatorOptions:  # noqa: ARG001
    """Raises pydantic's ValidationError, which names key, value and what is right. Every resolution and rate will
    do."""
    return SimulatorOptions.model_validate(dict(options))


def pin_models(options: Mapping[str, Any]) -> dict[str, Any]:
    """There are no models."""
    return dict(options)


def identity(options: SimulatorOptions) -> EngineIdentity:
    """Clips follow from the scene and the seed alone; prompt, guidance and input image are not read."""
    return EngineIdentity(
        name="simulator",
        version=VERSION,
        weights_sha256=None,
        reads=frozenset({"scene"}),
        settings=options.model_dump(mode="json"),
    )


def identity_without_weights(options: SimulatorOptions) -> EngineIdentity:
    """There are no weights."""
    return identity(options)


def missing_parts(options: SimulatorOptions) -> list[str]:  # noqa: ARG001
    """It comes with the package, and has no weights."""
    return []


def layout_of(scene: Scene) -> RoadLayout | None:
    return capabilities.layout_of(scene)


def unsupported(scene: Scene, has_input: bool) -> Unsupported | None:  # noqa: ARG001
    """Why there is no such clip; an input image does not matter."""
    return capabilities.unsupported(scene)


def needs_gpu(options: SimulatorOptions) -> bool:  # noqa: ARG001
    return False


def clip_cost(options: SimulatorOptions) -> ClipCost:  # noqa: ARG001
    """Processors do."""
    return ClipCost()


def is_stand_in(options: SimulatorOptions) -> bool:  # noqa: ARG001
    return False


def first_frame(options: SimulatorOptions, request: ClipRequest) -> Frame | None:  # noqa: ARG001
    """An input image is ignored, so no clip begins with it."""
    return None


def add_flags(parser: argparse.ArgumentParser) -> None:
    option_flags.add_flags(parser, SimulatorOptions, "how the simulator renders")


def options_of_flags(arguments: argparse.Namespace) -> dict[str, Any]:
    return option_flags.options_of_flags(arguments, SimulatorOptions)


def script_flags(options: SimulatorOptions) -> list[str]:  # noqa: ARG001
    """None: the guide's command line knows no simulator."""
    return []


def ranks_per_clip(options: SimulatorOptions, ranks: int, clips: int) -> int:  # noqa: ARG001
    """Each process makes its own clips."""
    return 1


def localize_weights(options: SimulatorOptions) -> AbstractContextManager[None]:  # noqa: ARG001
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


def make_stand_in_weights(folder: Path) -> None:  # noqa: ARG001
    """There are no weights."""
    return
