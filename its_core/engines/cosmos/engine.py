"""The Cosmos engine as the factory sees it. Importing this module loads no torch; ``load`` does."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal

from its_core.clip import ClipRequest, EngineIdentity, Fps, Resolution, Scene, Unsupported
from its_core.engines import option_flags
from its_core.engines.cosmos import registered
from its_core.engines.cosmos.errors import CheckpointError
from its_core.engines.cosmos.options import VERSION, CosmosOptions
from its_core.engines.engine import MODEL_SCHEME, ClipCost, Engine, EngineTraits, Frame
from its_core.taxonomy import RoadLayout

TRAITS = EngineTraits(
    needs_input=True,
    uses_gpu=True,
    has_weights=True,
    is_deterministic=False,  # GPUs of another kind, or more of them, round differently
    path_options=frozenset({"dit_path", "base_path", "checkpoints_dir"}),
)
OPTIONS = CosmosOptions
# IPTC's digital source type of the clips.
DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
_READS: Final[frozenset[Literal["prompt", "negative_prompt", "guidance", "scene", "input"]]] = frozenset(
    {"prompt", "negative_prompt", "guidance", "input"}
)
# What a clip is rather than how it is made: the worker has these flags of its own.
_WORKERS_FLAGS = {"resolution", "fps"}


def parse_options(options: Mapping[str, Any], resolution: Resolution, fps: Fps) -> CosmosOptions:
    """Raises pydantic's ValidationError, which names key, value and what is right."""
    return CosmosOptions.model_validate({**options, "resolution": resolution, "fps": fps})


def pin_models(options: Mapping[str, Any]) -> dict[str, Any]:
    try:
        model = registered.find(str(options.get("dit_path", "")))
    except CheckpointError:
        return dict(options)
    return {**options, "dit_path": f"{MODEL_SCHEME}{model.name}@{model.version}"}


def identity(options: CosmosOptions) -> EngineIdentity:
    """What names the clips of these options. Reads the weights once to hash them, wherever they lie.

    Raises CheckpointError, and StorageError for weights that S3 does not give.
    """
    from its_core.engines.cosmos.remote import localized
    from its_core.engines.cosmos.weights import weights_of

    with localized(options) as local:
        return replace(identity_without_weights(options), weights_sha256=weights_of(local).sha256)


def identity_without_weights(options: CosmosOptions) -> EngineIdentity:
    """The same without a look at the weights."""
    return EngineIdentity(
        name="cosmos",
        version=VERSION,
        weights_sha256=None,
        reads=_READS - {"negative_prompt", "guidance"} if options.preset == "distilled" else _READS,
        settings={
            "model_size": options.model_size,
            "steps": options.sampling_steps,
            "num_conditional_frames": options.num_conditional_frames,
            "lora": [options.lora_rank, options.lora_alpha, options.targets] if options.use_lora else None,
            "guardrail": not options.disable_guardrail,
            "prompt_refiner": not options.disable_prompt_refiner,
            **options.shortcuts,
        },
    )


def missing_parts(options: CosmosOptions) -> list[str]:
    """Packages and weights that are not there. Raises StorageError as S3 says."""
    from its_core.engines.cosmos.requirements import missing_parts as look

    return look(options)


def layout_of(scene: Scene) -> RoadLayout | None:
    """The picture shows the place; the row may name it."""
    return scene.road_layout


def unsupported(scene: Scene, has_input: bool) -> Unsupported | None:  # noqa: ARG001
    if has_input:
        return None
    reason = "the cosmos engine starts from an image or a video: input_image is missing"
    return Unsupported("input_image", "", reason)


def needs_gpu(options: CosmosOptions) -> bool:
    return options.model_size != "tiny"


def clip_cost(options: CosmosOptions) -> ClipCost:
    from its_core.engines.cosmos import cost

    return cost.clip_cost(options)


def is_stand_in(options: CosmosOptions) -> bool:
    return options.model_size == "tiny"


def first_frame(options: CosmosOptions, request: ClipRequest) -> Frame | None:
    """The input's frame that the clip begins with; None for size tiny, which shows it too coarsely to compare. Raises
    EngineFailure where the input is not any more the one that the clip was named for."""
    if options.model_size == "tiny":
        return None
    from its_core.engines.cosmos.conditioning import read_planned

    first: Frame = read_planned(request, options.num_conditional_frames)[0]
    return first


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The guide's flags, one for each option except ``--resolution`` and ``--fps``, which the parser must have."""
    option_flags.add_flags(parser, CosmosOptions, "how the cosmos engine renders", without=_WORKERS_FLAGS)


def options_of_flags(arguments: argparse.Namespace) -> dict[str, Any]:
    given = option_flags.options_of_flags(arguments, CosmosOptions)
    return {name: value for name, value in given.items() if name not in _WORKERS_FLAGS}


def script_flags(options: CosmosOptions) -> list[str]:
    return option_flags.flags_of(options, without=_WORKERS_FLAGS)


def ranks_per_clip(options: CosmosOptions, ranks: int, clips: int) -> int:
    """How many of the launch's ``ranks`` make each clip together. Raises ValueError where sizes do not divide."""
    return options.ranks_per_clip(ranks, clips)


def localize_weights(options: CosmosOptions) -> AbstractContextManager[CosmosOptions]:
    """Fetches weights from S3. Raises CheckpointError for a part that is not there, StorageError as S3 says."""
    from its_core.engines.cosmos.remote import localized

    return localized(options)


def load(options: CosmosOptions, ranks_per_clip: int = 1, weights_sha256: str | None = None) -> Engine:
    """The engine with its weights on this rank's device, in a group of ``ranks_per_clip``.

    Clips fail as ``engine_error`` where the weights are not those of ``weights_sha256``.

    Raises CheckpointError (a ValueError) for weights that do not fit, and ValueError where no GPU is there for them.
    """
    from its_core.engines.cosmos.requirements import refuse_missing_packages

    refuse_missing_packages()
    from its_core.engines.cosmos.generator import CosmosEngine

    engine = CosmosEngine(options, ranks_per_clip, weights_sha256)
    engine.digital_source_type = DIGITAL_SOURCE_TYPE
    return engine


def make_stand_in_weights(folder: Path) -> Path:
    """Small random weights of every part, for size tiny; returns the LoRA checkpoint."""
    from its_core.engines.cosmos.model.tiny import make_tiny_checkpoint

    return Path(make_tiny_checkpoint(folder))
