"""Models of transformers from local folders: whole, or not at all, and never from the hub."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch

from its_core.engines.cosmos.errors import CheckpointError

CPU = torch.device("cpu")


def check_folder(folder: Path, what: str) -> dict[str, Any]:
    """The model's ``config.json``. Raises CheckpointError unless ``folder`` is a local folder with one: transformers
    takes any other name for a model to download."""
    if not folder.is_dir():
        raise CheckpointError(f"{folder}: no folder with the {what}")
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{folder}: no readable config.json, so no {what}: {error}") from None
    if not isinstance(config, dict):
        raise CheckpointError(f"{folder}/config.json: not the configuration of a {what}")
    return config


def load_part(kind: Any, folder: Path, what: str) -> Any:
    """A tokenizer or an image processor of class ``kind``. Raises CheckpointError."""
    try:
        return kind.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        raise CheckpointError(f"{folder}: the {what} cannot be loaded: {_one_line(error)}") from None


def load_model(kind: Any, folder: Path, what: str, dtype: torch.dtype, device: torch.device = CPU) -> Any:
    """A model of class ``kind`` for inference; its weights go straight to ``device``. Raises CheckpointError also for
    weights that are missing, of which transformers only warns."""
    placed = {} if device == CPU else {"device_map": {"": device}}
    try:
        model, info = kind.from_pretrained(
            folder, local_files_only=True, dtype=dtype, output_loading_info=True, **placed
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{folder}: the {what} cannot be loaded: {_one_line(error)}") from None
    missing = sorted(set(info["missing_keys"]) - {"encoder.embed_tokens.weight"})  # T5 ties it to shared.weight
    if missing or info["mismatched_keys"]:
        raise CheckpointError(
            f"{folder}: not a whole {what}: {len(missing)} weights are missing ({', '.join(missing[:5])}), "
            f"{len(info['mismatched_keys'])} have another shape"
        )
    return model.eval().requires_grad_(False)


def without_markers(text: str) -> str:
    """The text without Qwen's control tokens, so that it cannot open or close a turn of the conversation."""
    return re.sub(r"<\|[^|]*\|>", " ", text)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
