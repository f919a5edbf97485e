"""A run of seconds: a tiny base, a few clips of random latents, everything that a trainer reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from its_core.engines.cosmos.model.tiny import make_tiny_checkpoint
from its_core.engines.cosmos.options import CosmosOptions
from its_core.engines.cosmos.shapes import SHAPES
from its_core.engines.cosmos.weights import sha256_of
from its_core.post_training.data import training_set
from its_core.post_training.data.artefacts import window_name
from its_core.post_training.data.training_set import TrainingClip
from its_core.post_training.presets import Recipe
from its_core.post_training.run_folder import Orders, RunFolder
from its_core.post_training.tensor_files import write_safetensors

LATENT = (16, 16, 4, 6)  # C T H W: 61 frames at 10 fps, of 48×32 pixels


def make_run(folder: Path, checkpoints: Path, clips: int = 4, **changes: Any) -> RunFolder:
    """Orders for a run below ``folder``; ``changes`` are of the recipe, or else of the orders."""
    run = RunFolder(folder / "run")
    options = CosmosOptions(model_size="tiny", resolution="480", fps=10, checkpoints_dir=str(checkpoints))
    if not options.folders.base.is_file():
        make_tiny_checkpoint(checkpoints)
    prepared = training_set.assemble(
        [_clip(folder, number) for number in range(clips)], [], _text(folder, "negative", 99)
    )
    training_set.write(run.path / training_set.FILE_NAME, prepared)
    numbers = {
        "iterations": 6,
        "clips_a_step": 2,
        "lora_rank": 4,
        "lora_alpha": 4,
        "learning_rate": 1e-2,
        "save_every": 2,
        "validate_every": 3,
        "validation_clips": 2,
        "sample_every": 0,
    }
    recipe = {key: value for key, value in changes.items() if key in Recipe.model_fields}
    orders = {
        "name": "small",
        "recipe": Recipe.model_validate(numbers | recipe),
        "mixture": {"incident": 1.0, "normal": 1.0},
        "model_size": "tiny",
        "resolution": "480",
        "fps": 10,
        "base_path": options.folders.base,
        "base_sha256": sha256_of(options.folders.base),
        "vae_path": options.folders.vae,
        "vae_sha256": "0" * 64,
        "text_encoder_sha256": "0" * 64,
        "training_set": run.path / training_set.FILE_NAME,
        "training_set_sha256": prepared.sha256,
    }
    run.write_orders(Orders.model_validate(orders | {key: changes[key] for key in changes if key not in recipe}))
    return run


def _clip(folder: Path, number: int) -> TrainingClip:
    """Clip 0 is for validation, the others are for training: odd ones of incidents, even ones of normal traffic."""
    latents = folder / "latents" / f"{number}.safetensors"
    window = torch.randn(LATENT, generator=torch.Generator().manual_seed(number)).half() * 0.5
    write_safetensors(latents, {window_name(start): window.roll(start, 1) for start in (0, 7)})
    return TrainingClip(
        name=f"clip-{number}",
        kind="incident" if number % 2 else "normal",
        use="train" if number else "validate",
        caption=f"caption {number}",
        video_sha256=f"{number:064x}",
        event_s=None,
        windows=(0, 7),
        latents=latents,
        text=_text(folder, f"text-{number}", number),
        origin={"folder": str(folder), "file": f"{number}.mp4"},
    )


def _text(folder: Path, name: str, seed: int) -> Path:
    path = folder / "texts" / f"{name}.safetensors"
    generator = torch.Generator().manual_seed(1000 + seed)
    write_safetensors(path, {"text": torch.randn(5, SHAPES["tiny"].text_width, generator=generator)})
    return path
