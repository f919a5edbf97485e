"""A post-training's definition: the folder with ``post_train.yaml``.

A key is taken from the first of: the command line (``--set key=value``), the environment (``ITS_POST_TRAIN_KEY``,
nested ``ITS_POST_TRAIN_TRAINING__SEED``), ``post_train.yaml``, the default. A relative path in the file counts from its
folder, one on the command line or in the environment from the current directory.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from its_core import storage
from its_core.clip import Fps, Geometry, Resolution
from its_core.definition import DefinitionError, Executor, Name, nested
from its_core.engines.cosmos.options import CHECKPOINTS_ENV, CosmosOptions
from its_core.engines.cosmos.registered import ROOT_ENV
from its_core.engines.cosmos.shapes import ModelSize
from its_core.explanation import explain
from its_core.post_training.data.clips import Kind
from its_core.post_training.data.part_models import Part
from its_core.post_training.presets import PresetName, Recipe, recipe

FILE_NAME = "post_train.yaml"


class OverfitGate(BaseModel):
    """A short run on a few clips before the long one: a pipeline that cannot learn them by heart learns nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    skip: bool = Field(False, description="train without it")
    clips: int = Field(4, ge=1, le=64, description="clips to learn by heart")
    loss_ratio: float = Field(
        0.5, gt=0, lt=1, description="the loss on them must fall below this share of the base model's"
    )
    training: dict[str, Any] = Field(default_factory=dict, description="numbers of the preset overfit to change")


class PostTraining(BaseSettings):
    """Every key of ``post_train.yaml``."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix="ITS_POST_TRAIN_",
        env_nested_delimiter="__",
        validate_default=True,
        protected_namespaces=(),
    )

    folder: Path = Field(description="the definition's folder; set when it is loaded", exclude=True)
    name: Name = Field(description="the model's name: letters, digits, '.', '_' and '-'")
    description: str = Field("", description="a sentence or two for the model card")
    parts: tuple[Part, ...] = Field(min_length=1, description="the training set: dataset, folder or manifest each")
    mixture: dict[Kind, float] = Field(
        {"incident": 1.0, "normal": 1.0}, description="weights by which clips are drawn, incident and normal"
    )
    validation_share: float = Field(
        0.05, ge=0, lt=1, description="share of a folder's or manifest's clips kept for validation"
    )
    preset: PresetName = Field("its", description="its (NVIDIA's recipe), quick (1,000 iterations) or overfit")
    training: dict[str, Any] = Field(default_factory=dict, description="numbers of the preset to change")
    overfit_gate: OverfitGate = Field(default_factory=OverfitGate, description="a short run before the long one")
    model_size: ModelSize = Field("2B", description="size of the network: 2B, 14B, or tiny for dry runs")
    resolution: Resolution = Field("720", description="720 (1280×704) or 480 (768×432)")
    fps: Fps = Field(16, description="16 (93 frames) or 10 (61 frames): the rate of the base checkpoint")
    checkpoints_dir: str = Field(
        description=f"folder of the base weights; default: {CHECKPOINTS_ENV}, else checkpoints"
    )
    base_path: str = Field("", description="base checkpoint; empty: the one in checkpoints_dir")
    executor: Executor = Field("local", description="local (this machine) or ray (a machine of a Ray cluster)")
    ray_address: str = Field("auto", description="the cluster of executor ray: host:port, or auto")
    processes: int | None = Field(None, ge=1, le=1024, description="GPUs; empty: all of this machine, one without any")
    context_parallel: int = Field(1, ge=1, le=64, description="GPUs that share each clip")
    shard_network: bool = Field(False, description="spread the frozen network over the GPUs (FSDP2), as 14B needs")
    activations: Literal["keep", "offload"] = Field(
        "keep", description="keep (on the GPU) or offload (in the host's memory, for cards of 24 GB)"
    )
    publish_url: str = Field("published", description="where the datasets of parts are published")
    models_url: str = Field(description=f"where models are registered; default: {ROOT_ENV}, else models")
    work_dir: str = Field(".its", description="latents, texts and runs; a local folder")

    @field_validator("resolution", mode="before")
    @classmethod
    def _unquoted(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) else value  # YAML reads a bare 720 as a number

    @field_validator("mixture")
    @classmethod
    def _draws_something(cls, mixture: dict[Kind, float]) -> dict[Kind, float]:
        if any(weight < 0 for weight in mixture.values()) or not any(mixture.values()):
            raise ValueError("weights must be ≥ 0, and one of them above 0")
        return mixture

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if not storage.can_rename(self.work_dir) or not storage.can_rename(self.checkpoints_dir):
            raise ValueError("work_dir and checkpoints_dir must be folders on this machine")
        for preset, changes in ((self.preset, self.training), ("overfit", self.overfit_gate.training)):
            recipe(preset, self.model_size, changes)
        return self

    @cached_property
    def recipe(self) -> Recipe:
        return recipe(self.preset, self.model_size, self.training)

    @cached_property
    def gate_recipe(self) -> Recipe:
        kept = {key: getattr(self.recipe, key) for key in ("lora_rank", "lora_alpha", "lora_target_modules")}
        return recipe("overfit", self.model_size, kept | self.overfit_gate.training)

    @property
    def geometry(self) -> Geometry:
        return Geometry.of(self.resolution, self.fps)

    @property
    def base_options(self) -> CosmosOptions:
        """The engine's options for the base model that is trained on."""
        return CosmosOptions(
            model_size=self.model_size,
            resolution=self.resolution,
            fps=self.fps,
            dit_path=self.base_path,
            checkpoints_dir=self.checkpoints_dir,
        )

    @property
    def work_path(self) -> Path:
        return storage.local_path(self.work_dir) / "post_training" / self.name

    @property
    def artefacts_path(self) -> Path:
        """Latents and texts, by content: shared by all post-trainings of the work folder."""
        return storage.local_path(self.work_dir) / "post_training" / ".artefacts"


_PATHS = ("checkpoints_dir", "base_path", "publish_url", "models_url", "work_dir")


def _located(values: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """The same values with relative paths made absolute from ``base``; values of a wrong type are left to pydantic."""
    located = dict(values)
    for key in _PATHS:
        if isinstance(path := located.get(key), str) and path:
            located[key] = storage.resolve(path, base)
    if isinstance(parts := located.get("parts"), list | tuple):
        located["parts"] = [_part_located(part, base) for part in parts]
    return located


def _part_located(part: Any, base: Path) -> Any:
    if not isinstance(part, Mapping):
        return part
    located = dict(part)
    for key in ("folder", "manifest"):
        if isinstance(path := located.get(key), str):
            located[key] = storage.resolve(path, base)
    if isinstance(allowed := located.get("allowed_inputs"), list | tuple):
        located["allowed_inputs"] = [storage.resolve(path, base) for path in allowed if isinstance(path, str)]
    return located


class _Source(PydanticBaseSettingsSource):
    """Another source, its relative paths counted from ``base``."""

    def __init__(self, settings: type[BaseSettings], values: Any, base: Path) -> None:
        super().__init__(settings)
        self._values, self._base = values, base

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        raise AssertionError("values come from __call__")

    def __call__(self) -> dict[str, Any]:
        return _located(self._values() if callable(self._values) else self._values, self._base)


def load(folder: str | Path, overrides: Mapping[str, Any] | None = None) -> PostTraining:
    """Reads ``folder/post_train.yaml`` under environment and ``overrides`` (dotted keys). Raises DefinitionError."""
    file = Path(folder)
    file = file if file.suffix in {".yaml", ".yml"} else file / FILE_NAME
    base = file.parent.resolve()
    written = _read_yaml(file)

    class Sources(PostTraining):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            here = Path.cwd()
            beside_it = {"publish_url": "published", "work_dir": ".its"}
            shared = {
                "checkpoints_dir": os.environ.get(CHECKPOINTS_ENV, "checkpoints"),
                "models_url": os.environ.get(ROOT_ENV, "models"),
            }
            return (
                _Source(settings_cls, init_settings, here),
                _Source(settings_cls, env_settings, here),
                _Source(settings_cls, written, base),
                _Source(settings_cls, beside_it, base),
                _Source(settings_cls, shared, here),
            )

    try:
        return Sources(**{**nested(overrides or {}), "folder": base})
    except ValidationError as error:
        raise DefinitionError(explain(error, str(file), PostTraining)) from None
    except SettingsError as error:
        raise DefinitionError(f"environment: {error}; lists and keys with parts are written as JSON there") from None


def _read_yaml(file: Path) -> dict[str, Any]:
    try:
        written = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DefinitionError(f"{file}: no such file; a post-training is a folder with a {FILE_NAME}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DefinitionError(f"{file}: cannot be read as YAML: {' '.join(str(error).split())}") from None
    if not isinstance(written, dict) or "folder" in written:
        raise DefinitionError(f"{file}: must hold keys and values, like 'name: my-model'")
    return written
