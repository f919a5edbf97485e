"""Puts a trained LoRA where a definition finds it by name, with its card and its lineage.

Below ``<models_url>/<name>/``::

    <version>/lora/                 the LoRA as PEFT writes it: what ``dit_path: model:NAME@VERSION`` loads
    <version>/lora_average/         its average over training
    <version>/clips.parquet         every clip of the training set: caption, kind, use, digest, where from
    <version>/README.md             the card
    <version>/model.json            the same for programs; written last
    latest.json                     the version that ``model:NAME@latest`` names

A version's name is a hash of its LoRA and of all that it was trained with: equal runs have equal names. Neither the
host's name nor its folders are in what is registered.
"""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from its_core import storage
from its_core.dataset.privacy import without_local_paths
from its_core.engines.cosmos.options import CosmosOptions
from its_core.engines.cosmos.registered import LATEST_FILE, LORA_FOLDER, MODEL_FILE
from its_core.engines.cosmos.weights import sha256_of, weights_of
from its_core.post_training.data import training_set
from its_core.post_training.data.training_set import TrainingSet
from its_core.post_training.registry import card
from its_core.post_training.run_folder import Orders, RunFolder
from its_core.post_training.training.checkpoints import Checkpoints
from its_core.provenance import code_version, package_versions
from its_core.redaction import without_secrets
from its_core.shards.receipts import utc_now

CLIPS_FILE = "clips.parquet"
AVERAGE_FOLDER = "lora_average"
_PACKAGES = ("torch", "peft", "diffusers", "transformers", "numpy", "safetensors")
_CLIPS = pa.schema(
    [
        ("name", pa.string()),
        ("clip_id", pa.string()),
        ("use", pa.string()),
        ("kind", pa.string()),
        ("caption", pa.string()),
        ("video_sha256", pa.string()),
        ("windows", pa.int32()),
        ("origin", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Registered:
    """``was_there``: the very same model had been registered before."""

    name: str
    version: str
    url: str
    was_there: bool


def register(
    run: RunFolder, models_url: str, description: str, checkpoints_dir: str, found: dict[str, Any]
) -> Registered:
    """Registers the last checkpoint of an ended run; ``found`` is what its evaluation and its gate came to.

    Raises StorageError.
    """
    orders = run.read_orders()
    made = Checkpoints(run, orders)
    iterations = orders.recipe.iterations
    lora, average = made.peft_path(iterations), made.peft_path(iterations, average=True)
    fingerprint = orders.fingerprint()
    content = json.dumps([sha256_of(lora), sha256_of(average), fingerprint], sort_keys=True)
    version = hashlib.sha256(content.encode()).hexdigest()[:12]
    url = storage.join(models_url, orders.name, version)
    was_there = storage.exists(storage.join(url, MODEL_FILE))
    if not was_there:
        prepared = training_set.read(orders.training_set)
        model = _model(orders, prepared, version, description, found)
        model["weights_sha256"] = {
            form: _engine_weights(orders, path, checkpoints_dir)
            for form, path in (("lora", lora), ("average", average), ("checkpoint", made.model_path(iterations)))
            if path.exists()  # whoever is short of disk may have removed the checkpoint
        }
        model["lora_sha256"] = sha256_of(lora)
        for folder, name in ((lora, LORA_FOLDER), (average, AVERAGE_FOLDER)):
            for file in sorted(folder.iterdir()):
                storage.upload(file, storage.join(url, name, file.name))
        storage.write_bytes(storage.join(url, CLIPS_FILE), _clips_table(prepared))
        storage.write_bytes(storage.join(url, "README.md"), card.render(model).encode())
        storage.write_bytes(storage.join(url, MODEL_FILE), _as_json(model))
    storage.write_bytes(storage.join(models_url, orders.name, LATEST_FILE), _as_json({"version": version}))
    return Registered(orders.name, version, url, was_there)


def read_model(registered: Registered) -> dict[str, Any]:
    """The content of a registered model's ``model.json``."""
    content: dict[str, Any] = json.loads(storage.read_bytes(storage.join(registered.url, MODEL_FILE)))
    return content


def _model(
    orders: Orders, prepared: TrainingSet, version: str, description: str, found: dict[str, Any]
) -> dict[str, Any]:
    recipe = orders.recipe
    model = {
        "name": orders.name,
        "version": version,
        "description": description,
        "created_at": utc_now(),
        "lora": {
            "rank": recipe.lora_rank,
            "alpha": recipe.lora_alpha,
            "target_modules": recipe.lora_target_modules,
        },
        "base": {
            "model_size": orders.model_size,
            "resolution": orders.resolution,
            "fps": orders.fps,
            "file": orders.base_path.name,
            "sha256": orders.base_sha256,
            "vae_sha256": orders.vae_sha256,
            "text_encoder_sha256": orders.text_encoder_sha256,
        },
        "recipe": recipe.model_dump(mode="json"),
        "training_set": {
            "sha256": prepared.sha256,
            "counts": prepared.counts(),
            "mixture": dict(orders.mixture),
            "datasets": _datasets(prepared),
        },
        "evaluation": found,
        "code": {
            "version": code_version(),
            "python": platform.python_version(),
            "packages": package_versions(_PACKAGES),
        },
    }
    kept: dict[str, Any] = without_local_paths(without_secrets(model))
    return kept | {"name": orders.name, "version": version}  # as they are, though a host may have that name


def _datasets(prepared: TrainingSet) -> list[str]:
    """The published versions among the parts."""
    origins = [clip.origin for clip in prepared.clips if "dataset" in clip.origin]
    return sorted({f"{origin['dataset']}@{origin['version']}" for origin in origins})


def _engine_weights(orders: Orders, trained: Path, checkpoints_dir: str) -> str:
    """The digest that the engine's clips have in their lineage when it makes them with this file or folder."""
    options = CosmosOptions(
        model_size=orders.model_size,
        resolution=orders.resolution,
        fps=orders.fps,
        checkpoints_dir=checkpoints_dir,
        dit_path=str(trained),
        base_path=str(orders.base_path),
        use_lora=True,
        lora_rank=orders.recipe.lora_rank,
        lora_alpha=orders.recipe.lora_alpha,
        lora_target_modules=orders.recipe.lora_target_modules,
    )
    return weights_of(options).sha256


def _clips_table(prepared: TrainingSet) -> bytes:
    rows = [
        {
            "name": clip.name,
            "clip_id": clip.origin.get("clip_id"),
            "use": clip.use,
            "kind": clip.kind,
            "caption": clip.caption,
            "video_sha256": clip.video_sha256,
            "windows": len(clip.windows),
            "origin": json.dumps(without_local_paths(without_secrets(clip.origin)), sort_keys=True),
        }
        for clip in prepared.clips
    ]
    buffer = BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, _CLIPS), buffer)
    return buffer.getvalue()


def _as_json(model: dict[str, Any]) -> bytes:
    return json.dumps(model, indent=1, sort_keys=True, allow_nan=False).encode() + b"\n"
