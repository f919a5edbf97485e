"""What the program that prepares clips is to do, as a file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from its_core.clip import Fps, Geometry, Resolution
from its_core.engines.cosmos.options import CosmosOptions
from its_core.engines.cosmos.shapes import ModelSize
from its_core.post_training.data.artefacts import ArtefactStore
from its_core.post_training.data.clips import SourceClip


class PrepareOrders(BaseModel):
    """Paths are absolute."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model_size: ModelSize
    resolution: Resolution
    fps: Fps
    checkpoints_dir: str
    artefacts: Path
    receipts: Path
    vae_sha256: str
    text_encoder_sha256: str
    negative_prompt: str
    clips: tuple[dict[str, Any], ...]

    @property
    def options(self) -> CosmosOptions:
        return CosmosOptions(
            model_size=self.model_size,
            resolution=self.resolution,
            fps=self.fps,
            checkpoints_dir=self.checkpoints_dir,
        )

    def store(self) -> ArtefactStore:
        from its_core.engines.cosmos.generator import working_size

        geometry = Geometry.of(self.resolution, self.fps)
        size_px = working_size(self.options)
        return ArtefactStore(self.artefacts, geometry, size_px, self.vae_sha256, self.text_encoder_sha256)

    def source_clips(self) -> list[SourceClip]:
        return [SourceClip(**clip) for clip in self.clips]


def clip_as_json(clip: SourceClip) -> dict[str, Any]:
    return asdict(clip)
