"""Every key of ``dataset.yaml``: its type, its default, what is allowed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from its_core import storage
from its_core.clip import Fps, Geometry, Resolution
from its_core.engines.engine import DEFAULT_ENGINE, engine_names
from its_core.quality_gates import Gates
from its_core.taxonomy import Split

Executor = Literal["local", "ray"]
DEFAULT_MAX_REJECTED_RATIO = 0.05
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class EngineChoice(BaseModel):
    """Which engine renders, and with what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(DEFAULT_ENGINE, description="simulator (any CPU) or cosmos (GPUs)")
    options: dict[str, Any] = Field(default_factory=dict, description="the engine's own options, checked by the engine")
    script: str | None = Field(
        None, description="a script with the guide's flags to run under torchrun instead of the built-in worker"
    )

    @field_validator("name")
    @classmethod
    def _is_an_engine(cls, name: str) -> str:
        if name not in engine_names():
            raise ValueError(f"must be {' or '.join(engine_names())}")
        return name


class UtilityGate(BaseModel):
    """A new version becomes the latest only if a small detector trained on it does no worse."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    against: Literal["latest"] = Field("latest", description="what a new version is compared with: latest")
    margin: float = Field(0.02, ge=0, le=1, description="how much lower the new version's score may be")
    score: Literal["auc", "total"] = Field("auc", description="auc (clips told apart) or total (when, where, what)")
    test: str | None = Field(
        None, description="a version or folder in ACCIDENT's layout to test on; empty: the latest version's test split"
    )
    epochs: int | None = Field(
        None, ge=1, le=1000, description="passes of the two trainings; empty: enough for 1,100 steps, 12 at least"
    )


class LikenessGate(BaseModel):
    """A new version becomes the latest only if its clips are like those of another one, made without shortcuts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    against: str = Field(description="a published version, or a dataset (its latest), of the same scenarios")
    psnr_db: float | None = Field(None, ge=0, le=100, description="least mean PSNR of luma; 100: equal")
    ssim: float | None = Field(None, ge=-1, le=1, description="least mean SSIM of luma; 1: equal")
    vmaf: float | None = Field(None, ge=0, le=100, description="least mean VMAF; needs an FFmpeg with libvmaf")
    clips: int = Field(100, ge=1, description="how many clips are compared, evenly from all")

    @model_validator(mode="after")
    def _has_a_floor(self) -> Self:
        if not self.floors:
            raise ValueError("likeness: set at least one of psnr_db, ssim, vmaf")
        return self

    @property
    def floors(self) -> dict[str, float]:
        floors = {"psnr_db": self.psnr_db, "ssim": self.ssim, "vmaf": self.vmaf}
        return {name: floor for name, floor in floors.items() if floor is not None}


class Annotate(BaseModel):
    """Every clip is observed by a detector and a tracker before it is published."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    detector: str = Field(
        description="folder of an object detector of the transformers library (safetensors); nothing is downloaded"
    )
    min_confidence: float = Field(0.3, ge=0, le=1, description="detections that are less sure are left out")

    @field_validator("detector")
    @classmethod
    def _is_on_this_machine(cls, detector: str) -> str:
        if not storage.can_rename(detector):
            raise ValueError("must be a folder on this machine")
        return detector


class MemoryFallback(BaseModel):
    """How a clip that ran out of memory is tried again; what is empty stays as the definition has it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    options: dict[str, Any] = Field(default_factory=dict, description="engine options in place of the definition's")
    processes_per_shard: int | None = Field(None, ge=1, le=1024, description="more GPUs a clip, or fewer CPU processes")
    shards_at_once: int | None = Field(None, ge=1, le=1024, description="fewer clips side by side")


def too_many_rejected(rejected_rows: int, rows: int, max_rejected_ratio: float) -> bool:
    """Whether a build stops before it renders. One bad row in a small manifest is not too many."""
    return rejected_rows > math.ceil(max_rejected_ratio * rows)


class Definition(BaseModel):
    """A dataset's definition. Paths are absolute: ``its_core.definition.load`` makes them so."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)

    folder: Path = Field(description="the definition's folder; set when it is loaded", exclude=True)
    name: Name = Field(description="the dataset's name: letters, digits, '.', '_' and '-'")
    description: str = Field("", description="a sentence or two for the dataset card")
    license: str = Field("other", description="the published data's licence, an SPDX id where there is one")
    manifest: str = Field("scenarios.parquet", description="Parquet file, folder or glob; a path or an s3:// URL")
    allowed_inputs: tuple[str, ...] = Field(
        (".",), description="folders and s3:// prefixes that input_image may name; anything else is rejected"
    )
    engine: EngineChoice = Field(default_factory=EngineChoice, description="engine.name, engine.options, engine.script")
    resolution: Resolution = Field("720", description="720 (1280×704) or 480 (768×432)")
    fps: Fps = Field(16, description="16 (93 frames) or 10 (61 frames)")
    executor: Executor = Field("local", description="local (this machine) or ray (shards over a Ray cluster)")
    ray_address: str = Field(
        "auto", description="the cluster of executor ray: host:port, or auto: this machine's, else this machine alone"
    )
    shard_size: int = Field(8, ge=1, le=10_000, description="clips a torchrun launch")
    processes_per_shard: int = Field(1, ge=1, le=1024, description="GPUs (cosmos) or CPU processes (simulator) a shard")
    shards_at_once: int | None = Field(None, ge=1, le=1024, description="shards side by side; empty: as many as fit")
    clip_timeout_s: float = Field(900.0, gt=0, description="a clip that takes longer is ended as timed_out")
    shard_timeout_s: float | None = Field(None, gt=0, description="a shard's limit; empty: start-up plus its clips'")
    retries: int = Field(2, ge=0, le=20, description="further attempts for clips that failed in a way that may pass")
    retry_delay_s: float = Field(
        1.0, ge=0, le=3600, description="wait before the first further attempt; doubles, up to five minutes"
    )
    out_of_memory_fallbacks: tuple[MemoryFallback, ...] = Field(
        (), description="for clips that ran out of memory, in turn: options, processes_per_shard, shards_at_once"
    )
    min_success_ratio: float = Field(
        0.95, ge=0, le=1, description="clips made ÷ clips asked below which nothing is published"
    )
    max_rejected_ratio: float = Field(
        DEFAULT_MAX_REJECTED_RATIO,
        ge=0,
        le=1,
        description="rejected rows ÷ rows of the manifest, rounded up to whole rows, above which nothing is rendered",
    )
    gates: Gates = Field(default_factory=Gates, description="thresholds of the quality gates; null switches one off")
    annotate: Annotate | None = Field(
        None, description="annotate.detector, min_confidence: what a detector and a tracker see, beside every clip"
    )
    splits: dict[Split, float] = Field(
        {Split.TRAIN: 0.8, Split.VAL: 0.1, Split.TEST: 0.1}, description="share of cameras a split; sums to 1"
    )
    utility: UtilityGate | None = Field(
        None, description="utility.against, margin, score, test, epochs: a version that trains worse is not made latest"
    )
    likeness: LikenessGate | None = Field(
        None,
        description="likeness.against, psnr_db, ssim, vmaf, clips: a version less like that one is not made latest",
    )
    publish_url: str = Field("published", description="where versions are published: a folder or an s3:// prefix")
    publish_machine_names: bool = Field(False, description="publish host name, login and local paths in the lineage")
    work_dir: str = Field(".its", description="clips and receipts of unfinished and past builds; a local folder")

    @field_validator("resolution", mode="before")
    @classmethod
    def _unquoted(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) else value  # YAML reads a bare 720 as a number

    @field_validator("fps", mode="before")
    @classmethod
    def _quoted(cls, value: Any) -> Any:
        return int(value) if isinstance(value, str) and value.isdecimal() else value  # the environment knows only text

    @field_validator("splits")
    @classmethod
    def _shares_of_one(cls, splits: dict[Split, float]) -> dict[Split, float]:
        if not (all(share >= 0 for share in splits.values()) and abs(sum(splits.values()) - 1) <= 1e-6):
            raise ValueError(f"shares must be ≥ 0 and sum to 1, they sum to {sum(splits.values()):g}")
        return splits

    @model_validator(mode="after")
    def _outputs_are_no_rows(self) -> Self:
        if not storage.can_rename(self.work_dir):
            raise ValueError(f"work_dir {self.work_dir!r}: must be a folder on this machine")
        for key in ("publish_url", "work_dir"):
            if _read_as_rows(Path(self.manifest), Path(getattr(self, key))):
                raise ValueError(f"{key} {getattr(self, key)!r}: is in the manifest's folder; it would be read as rows")
        return self

    @property
    def geometry(self) -> Geometry:
        return Geometry.of(self.resolution, self.fps)

    @property
    def work_path(self) -> Path:
        """The dataset's own work folder: ``work_dir``, or where that is outside the dataset's folder and others may
        use it too, a folder of the dataset's name in it."""
        path = storage.local_path(self.work_dir)
        return path if path.is_relative_to(self.folder) else path / self.name

    def under_fallback(self, number: int) -> Definition:
        """This definition as it is for clips that ran out of memory ``number`` times; the last fallback goes on."""
        if number == 0 or not self.out_of_memory_fallbacks:
            return self
        fallback = self.out_of_memory_fallbacks[:number][-1]
        engine = self.engine.model_copy(update={"options": self.engine.options | fallback.options})
        chosen = fallback.model_dump(include={"processes_per_shard", "shards_at_once"}, exclude_none=True)
        return self.model_copy(update={"engine": engine, **chosen})


def _read_as_rows(manifest: Path, folder: Path) -> bool:
    """Whether ``folder`` is in a manifest that is a folder, under no name that its reader skips."""
    return folder.is_relative_to(manifest) and not any(
        part.startswith((".", "_")) for part in folder.relative_to(manifest).parts
    )
