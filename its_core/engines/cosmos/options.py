"""What can be chosen about the Cosmos engine: the keys of ``engine.options``, and the flags of the same names."""

from __future__ import annotations

import os
import re
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from its_core.clip import LATENT_FRAMES, Fps, Geometry, Resolution
from its_core.engines.cosmos import registered
from its_core.engines.cosmos.neighbourhoods import NEIGHBOURHOODS, Neighbourhood
from its_core.engines.cosmos.shapes import SHAPES, ModelSize
from its_core.engines.engine import MODEL_SCHEME

# Counts up with every change that alters the frames made from the same request and weights.
VERSION = "2"
# Size tiny is for dry runs: fewer steps.
STEPS: dict[ModelSize, int] = {"2B": 35, "14B": 35, "tiny": 4}
DISTILLED_STEPS = 4
SHORTCUTS = ("precision", "preset", "guidance_sigma_min", "guidance_sigma_max", "step_cache", "natten")
# NVIDIA's names of base checkpoints.
_BASE_NAME = re.compile(r"model-\d+p-\d+fps(?P<natten>-natten)?\.pt")
LORA_TARGETS = "q_proj,k_proj,v_proj,output_proj,mlp.layer1,mlp.layer2"
CHECKPOINTS_ENV = "ITS_CHECKPOINTS"


class CosmosOptions(BaseModel):
    """The engine's options, named like the guide's flags.

    ``dit_path`` is a LoRA checkpoint (``iter_*.pt``), a LoRA alone (file or PEFT folder) or a base checkpoint; empty,
    the base checkpoint under ``checkpoints_dir`` is taken. Each of the three places may be an ``s3://`` URL. Relative
    paths count from the current directory, as in the guide.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model_size: ModelSize = Field("2B", description="size of the network; tiny is for tests and dry runs")
    resolution: Resolution = Field("720", description="the resolution that the weights are for")
    fps: Fps = Field(16, description="the frame rate that the weights are for")
    dit_path: str = Field(
        "", description="checkpoint of the network: with LoRA, a LoRA alone, a base one, or model:NAME@VERSION"
    )
    base_path: str = Field("", description="base checkpoint under a LoRA alone; empty: the one in checkpoints_dir")
    use_lora: bool = Field(False, description="load LoRA weights and merge them into the network")
    lora_rank: int = Field(16, ge=1, le=1024, description="rank that the LoRA was trained with")
    lora_alpha: float = Field(
        16, gt=0, le=4096, allow_inf_nan=False, description="alpha that the LoRA was trained with"
    )
    lora_target_modules: str = Field(LORA_TARGETS, description="comma-separated names of the layers with LoRA")
    init_lora_weights: Literal[True] = Field(True, description="PEFT's own start; loading replaces every value")
    num_conditional_frames: Literal[1, 5] = Field(1, description="frames of the input that start the clip; 5: a video")
    precision: Literal["bf16", "fp8"] = Field(
        "bf16", description="fp8: products and self-attention in 8 bits where a measurement allows, other layers in 16"
    )
    preset: Literal["base", "distilled"] = Field(
        "base", description="distilled: 4 steps without guidance, for checkpoints distilled to few steps"
    )
    steps: int | None = Field(None, ge=1, le=1000, description="sampling steps; default: the preset's")
    guidance_sigma_min: float = Field(
        0, ge=0, le=1000, allow_inf_nan=False, description="lowest noise level at which the prompt is guided"
    )
    guidance_sigma_max: float = Field(
        1000, ge=0, le=1000, allow_inf_nan=False, description="highest noise level at which the prompt is guided"
    )
    step_cache: int = Field(
        1, ge=1, le=10, description="of so many evaluations one is computed, the others are predicted; 1: all computed"
    )
    natten: bool = Field(
        False, description="sparse attention, for checkpoints trained with NVIDIA's: model-720p-…fps-natten.pt"
    )
    num_gpus: int | None = Field(
        None,
        ge=1,
        le=1024,
        description="GPUs of the launch, on all its machines; above the number of clips they share one; "
        "as many as torchrun started",
    )
    context_parallel_size: int | None = Field(None, ge=1, le=1024, description="GPUs that make each clip together")
    disable_guardrail: bool = Field(False, description="neither prompts nor videos are checked")
    offload_guardrail: bool = Field(False, description="keep the guardrail on the CPU while it is not needed")
    disable_prompt_refiner: bool = Field(False, description="prompts are used as they are written")
    offload_prompt_refiner: bool = Field(False, description="keep the prompt refiner on the CPU while not needed")
    benchmark: bool = Field(False, description="print the seconds that each stage of a clip takes")
    checkpoints_dir: str = Field(
        default_factory=lambda: os.environ.get(CHECKPOINTS_ENV, "checkpoints"),
        description=f"folder or s3:// prefix of all other weights; default: {CHECKPOINTS_ENV}, else checkpoints",
    )

    @model_validator(mode="before")
    @classmethod
    def _look_up_model(cls, given: Any) -> Any:
        """``dit_path: model:NAME@VERSION`` is the LoRA that post-training registered, with its own settings."""
        if not isinstance(given, dict) or not str(given.get("dit_path", "")).startswith(MODEL_SCHEME):
            return given
        options = registered.find(given["dit_path"]).engine_options
        return options | given | {"dit_path": options["dit_path"]}

    @field_validator("lora_target_modules")
    @classmethod
    def _names_targets(cls, value: str) -> str:
        if not all(part.strip() for part in value.split(",")):
            raise ValueError(f"must be layer names separated by commas, like {LORA_TARGETS}")
        return value

    @model_validator(mode="after")
    def _group_divides(self) -> Self:
        if self.context_parallel_size is not None:
            self.check_group(self.context_parallel_size)
        return self

    @model_validator(mode="after")
    def _guides_somewhere(self) -> Self:
        if self.guidance_sigma_min >= self.guidance_sigma_max:
            raise ValueError(
                f"guidance_sigma_min {self.guidance_sigma_min:g} must be below guidance_sigma_max "
                f"{self.guidance_sigma_max:g}"
            )
        return self

    @model_validator(mode="after")
    def _is_sparse_as_trained(self) -> Self:
        if self.natten and self.resolution != "720":
            raise ValueError(f"natten: NVIDIA's sparse checkpoints are for resolution 720, not {self.resolution}")
        for name in ("dit_path", "base_path"):
            known = _BASE_NAME.fullmatch(getattr(self, name).rpartition("/")[2])
            if known and bool(known["natten"]) != self.natten:
                trained, change = ("sparse", "add") if known["natten"] else ("dense", "drop")
                raise ValueError(f"{name} {known[0]} was trained with {trained} attention: {change} natten")
        return self

    @property
    def neighbourhoods(self) -> tuple[Neighbourhood | None, ...]:
        """What each block's tokens attend to; empty: all blocks to all tokens."""
        return NEIGHBOURHOODS[self.model_size] if self.natten else ()

    @property
    def sampling_steps(self) -> int:
        if self.steps is not None:
            return self.steps
        return DISTILLED_STEPS if self.preset == "distilled" else STEPS[self.model_size]

    @property
    def shortcuts(self) -> dict[str, Any]:
        """What differs from the exact sampler, as JSON values; empty when nothing does. Each makes other clips."""
        fields = {name: CosmosOptions.model_fields[name] for name in SHORTCUTS}
        return {name: value for name, field in fields.items() if (value := getattr(self, name)) != field.default}

    @property
    def targets(self) -> list[str]:
        return [part.strip() for part in self.lora_target_modules.split(",")]

    @property
    def geometry(self) -> Geometry:
        return Geometry.of(self.resolution, self.fps)

    @property
    def folders(self) -> CheckpointFolders:
        return CheckpointFolders(Path(self.checkpoints_dir), self)

    @property
    def relative_folders(self) -> CheckpointFolders:
        """The same folders, counted from ``checkpoints_dir``, which may be a URL."""
        return CheckpointFolders(Path(), self)

    def can_share(self, ranks: int) -> bool:
        """Whether ``ranks`` processes can make one clip together: frames and heads must divide evenly.

        An even number splits guidance in two first; what is left of it shares the sequence.
        """
        sequence = ranks // 2 if ranks % 2 == 0 else ranks
        return LATENT_FRAMES[self.fps] % sequence == 0 and SHAPES[self.model_size].heads % sequence == 0

    def check_group(self, ranks: int) -> None:
        """Raises ValueError where ``ranks`` processes cannot make a clip together, and names the numbers that can."""
        if not self.can_share(ranks):
            possible = [str(n) for n in range(1, 129) if self.can_share(n)]
            raise ValueError(
                f"{ranks} GPUs cannot share one clip: {LATENT_FRAMES[self.fps]} latent frames and "
                f"{SHAPES[self.model_size].heads} heads must divide evenly (guidance takes two halves first); "
                f"use {', '.join(possible[:-1])} or {possible[-1]}"
            )

    def ranks_per_clip(self, ranks: int, clips: int) -> int:
        """How many of ``ranks`` processes make one clip together when ``clips`` are to be made.

        Raises ValueError when sizes do not divide.
        """
        num_gpus = self.num_gpus or ranks
        if num_gpus > ranks:
            raise ValueError(
                f"--num_gpus {num_gpus}, but torchrun started {ranks} "
                f"process{'es' if ranks > 1 else ''}: give --nproc_per_node={num_gpus}, or as many over --nnodes"
            )
        if self.context_parallel_size is not None:
            if ranks % self.context_parallel_size:
                raise ValueError(
                    f"--context_parallel_size {self.context_parallel_size} does not divide the {ranks} processes"
                )
            return self.context_parallel_size
        if num_gpus <= max(clips, 1):
            return 1
        if clips <= 1:
            self.check_group(ranks)
            return ranks
        return max(n for n in range(1, ranks // clips + 1) if ranks % n == 0 and self.can_share(n))


class CheckpointFolders:
    """Where each model lies under ``checkpoints_dir``, as NVIDIA's downloads leave it."""

    def __init__(self, root: Path, options: CosmosOptions) -> None:
        size = options.model_size
        self.model = root / "nvidia" / f"Cosmos-Predict2-{size}-Video2World"
        sparse = "-natten" if options.natten else ""
        self.base = self.model / f"model-{options.resolution}p-{options.fps}fps{sparse}.pt"
        self.text_encoder = root / "google-t5" / "t5-11b"
        self.guardrail = root / "nvidia" / "Cosmos-Guardrail1"
        self.text_guard = root / "Qwen" / "Qwen3Guard-Gen-0.6B"
        self.refiner = root / "nvidia" / "Cosmos-Reason1-7B"

    @cached_property
    def vae(self) -> Path:
        """NVIDIA's ``tokenizer/tokenizer.pth``, or a diffusers folder ``vae`` in its place."""
        folder = self.model / "vae"
        return folder if folder.is_dir() else self.model / "tokenizer" / "tokenizer.pth"
