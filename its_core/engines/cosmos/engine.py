"""The Cosmos engine as the factory sees it. Importing this module loads no torch; ``load`` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Final, Literal

from its_core.clip import ClipRequest, EngineIdentity, Fps, Resolution, Scene
from its_core.engines.cosmos.flags import flags_of
from its_core.engines.cosmos.options import VERSION, CosmosOptions
from its_core.engines.engine import Engine, Frame

# IPTC's digital source type of the clips.
DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
_READS: Final[frozenset[Literal["prompt", "negative_prompt", "guidance", "scene", "input"]]] = frozenset(
    {"prompt", "negative_prompt", "guidance", "input"}
)


def parse_options(options: Mapping[str, Any], resolution: Resolution, fps: Fps) -> CosmosOptions:
    """Raises pydantic's ValidationError, which names key, value and what is right."""
    return CosmosOptions.model_validate({**options, "resolution": resolution, "fps": fps})


def identity(options: CosmosOptions) -> EngineIdentity:
    """What names the clips of these options. Reads the weights once to hash them, wherever they lie.

    Raises CheckpointError, and StorageError for weights that S3 does not give.
    """
    from its_core.engines.cosmos.remote import at_hand
    from its_core.engines.cosmos.weights import weights_of

    with at_hand(options) as local:
        return replace(identity_but_weights(options), weights_sha256=weights_of(local).sha256)


def identity_but_weights(options: CosmosOptions) -> EngineIdentity:
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


def refuses(scene: Scene, has_input: bool) -> str | None:  # noqa: ARG001
    return None if has_input else "the cosmos engine starts from an image or a video: input_image is missing"


def first_frame(options: CosmosOptions, request: ClipRequest) -> Frame | None:
    """The input's frame that the clip begins with; None for size tiny, which shows it too coarsely to compare."""
    if options.model_size == "tiny":
        return None
    from its_core.engines.cosmos.conditioning import read_conditioning

    first: Frame = read_conditioning(request.input_path, options.num_conditional_frames, request.geometry)[0]
    return first


def flags(options: CosmosOptions) -> list[str]:
    return flags_of(options)


def ranks_per_clip(options: CosmosOptions, ranks: int, clips: int) -> int:
    """How many of the launch's ``ranks`` make each clip together. Raises ValueError where sizes do not divide."""
    return options.ranks_per_clip(ranks, clips)


def weights_at_hand(flags: Sequence[str]) -> AbstractContextManager[None]:
    """Fetches weights from S3. Raises CheckpointError for a part that is not there, StorageError as S3 says."""
    from its_core.engines.cosmos.remote import at_hand_for_flags

    return at_hand_for_flags(flags)


def load(options: CosmosOptions, ranks_per_clip: int = 1, weights_sha256: str | None = None) -> Engine:
    """The engine with its weights on this rank's device, in a group of ``ranks_per_clip``.

    Clips fail as ``engine_error`` where the weights are not those of ``weights_sha256``.

    Raises CheckpointError (a ValueError) for weights that do not fit, and ValueError where no GPU is there for them.
    """
    from its_core.engines.cosmos.generator import CosmosEngine

    engine = CosmosEngine(options, ranks_per_clip, weights_sha256)
    engine.digital_source_type = DIGITAL_SOURCE_TYPE
    return engine
