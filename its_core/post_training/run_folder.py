"""A training run on disk: what it was asked to do, and where it keeps what it makes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from its_core import storage
from its_core.clip import Fps, Geometry, Resolution
from its_core.engines.cosmos.shapes import ModelSize
from its_core.post_training.data.clips import Kind, Use
from its_core.post_training.errors import PostTrainingError
from its_core.post_training.presets import Recipe

# What may differ between a run and its resumption: none of it changes what the weights become, but for rounding.
_MAY_CHANGE = {"save_every", "validate_every", "validation_clips", "sample_every", "sample_clips"}


class Orders(BaseModel):
    """What a run is to do: everything that its processes need to know. Paths are absolute."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    name: str
    recipe: Recipe
    mixture: dict[Kind, float]
    model_size: ModelSize
    resolution: Resolution
    fps: Fps
    base_path: Path
    base_sha256: str
    vae_path: Path
    vae_sha256: str
    text_encoder_sha256: str
    training_set: Path
    training_set_sha256: str
    validate_on: Use = "validate"
    context_parallel: int = 1
    shard_network: bool = False
    activations: Literal["keep", "offload"] = "keep"

    @property
    def geometry(self) -> Geometry:
        return Geometry.of(self.resolution, self.fps)

    def fingerprint(self) -> dict[str, Any]:
        """What must be the same for a state to be taken up again, as JSON values."""
        settings = self.model_dump(mode="json")
        kept = {key: settings[key] for key in ("mixture", "model_size", "resolution", "fps")}
        kept |= {key: settings[key] for key in settings if key.endswith("_sha256")}
        return kept | {key: value for key, value in settings["recipe"].items() if key not in _MAY_CHANGE}


def check_same_run(ours: dict[str, Any], theirs: dict[str, Any], where: Path) -> None:
    """Raises PostTrainingError that names what differs between an order's fingerprint and a state's."""
    differing = [
        f"{key} is {theirs.get(key)!r} there and {ours.get(key)!r} here"
        for key in sorted(ours.keys() | theirs.keys())
        if ours.get(key) != theirs.get(key)
    ]
    if differing:
        raise PostTrainingError(
            f"{where}: belongs to another run: {'; '.join(differing)}; give the run another name, or remove its folder",
            code="post_training.other_run",
        )


class RunFolder:
    """The files of a run below ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.orders = path / "run.json"
        self.config = path / "config.yaml"  # where the engine looks for rank and alpha beside NVIDIA's checkpoints
        self.metrics = path / "metrics.jsonl"
        self.tensorboard = path / "tensorboard"
        self.samples = path / "samples"
        self.logs = path / "logs"
        self.result = path / "result.json"
        self.checkpoints = path / "checkpoints"
        self.fingerprint = self.checkpoints / "fingerprint.json"  # of the run that the checkpoints belong to

    def write_orders(self, orders: Orders) -> None:
        """Raises DiskFull."""
        with storage.replacing(self.orders) as part:
            part.write_text(orders.model_dump_json(indent=1), encoding="utf-8")

    def read_orders(self) -> Orders:
        """Raises PostTrainingError."""
        try:
            return Orders.model_validate_json(self.orders.read_bytes())
        except (FileNotFoundError, ValidationError) as error:
            raise PostTrainingError(f"{self.orders}: no orders of a run ({type(error).__name__})") from None

    def read_result(self) -> dict[str, Any] | None:
        """What the run came to, None while it has not ended."""
        try:
            result: dict[str, Any] = json.loads(self.result.read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        return result
