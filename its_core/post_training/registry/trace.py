"""Which registered models were trained on a clip."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from its_core import storage
from its_core.engines.cosmos.errors import CheckpointError
from its_core.engines.cosmos.registered import LATEST_FILE, RegisteredModel, find, models_root
from its_core.engines.engine import MODEL_SCHEME
from its_core.post_training.registry.register import CLIPS_FILE


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """A model, and the clip as its training set names it."""

    model: RegisteredModel
    clip: str
    use: str


def weights_sha256_of(model: str) -> list[str]:
    """What the lineage of clips has where a registered model made them: a digest for each form of it, the registered
    LoRA, its average, and NVIDIA's checkpoint. ``model`` is NAME or NAME@VERSION. Raises CheckpointError."""
    digests: dict[str, str] = find(f"{MODEL_SCHEME}{model}").content["weights_sha256"]
    return list(digests.values())


def models(models_url: str) -> Iterator[RegisteredModel]:
    """All versions of all models that are registered at a place."""
    for name in storage.list_folder(models_url):
        for version in storage.list_folder(storage.join(models_url, name)):
            if version == LATEST_FILE:
                continue
            try:
                yield find(f"{MODEL_SCHEME}{name}@{version}", models_url)
            except CheckpointError:  # being written, or somebody else's
                continue


def trained_on(clip: str) -> Iterator[TrainedOn]:
    """Every registered model in whose training set a clip is, by its clip_id, its file's SHA-256 or its name there."""
    for model in models(models_root()):
        table = pq.read_table(pa.BufferReader(storage.read_bytes(storage.join(model.url, CLIPS_FILE))))
        for row in table.select(["name", "clip_id", "use", "video_sha256", "origin"]).to_pylist():
            if clip in (row["name"], row["clip_id"], row["video_sha256"], json.loads(row["origin"]).get("file")):
                yield TrainedOn(model, row["name"], row["use"])
