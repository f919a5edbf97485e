"""Models that post-training registered, by name: ``model:NAME@VERSION``, ``model:NAME@latest``.

Below the folder or ``s3://`` prefix that ``ITS_MODELS`` names (default: ``models``)::

    NAME/latest.json              {"version": …}
    NAME/<version>/model.json     what the model is, rank and alpha of its LoRA among it; written last
    NAME/<version>/lora/          the LoRA as PEFT writes it
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from its_core import storage
from its_core.engines.cosmos.errors import CheckpointError

ROOT_ENV = "ITS_MODELS"
LATEST_FILE, MODEL_FILE, LORA_FOLDER = "latest.json", "model.json", "lora"
_NAME = re.compile(r"model:(?P<name>[A-Za-z0-9][A-Za-z0-9._-]{0,63})(?:@(?P<version>[A-Za-z0-9][A-Za-z0-9._-]{0,63}))?")


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """``url`` is the version's folder, ``content`` the content of its ``model.json``."""

    name: str
    version: str
    url: str
    content: dict[str, Any]

    @property
    def lora_url(self) -> str:
        return storage.join(self.url, LORA_FOLDER)

    @property
    def engine_options(self) -> dict[str, Any]:
        """The engine's options that load the model's LoRA."""
        lora = self.content["lora"]
        return {
            "dit_path": self.lora_url,
            "use_lora": True,
            "lora_rank": lora["rank"],
            "lora_alpha": lora["alpha"],
            "lora_target_modules": lora["target_modules"],
        }


def models_root() -> str:
    return storage.resolve(os.environ.get(ROOT_ENV, "models"), Path.cwd())


def find(place: str, root: str | None = None) -> RegisteredModel:
    """The model of ``model:NAME@VERSION``; without a version the latest. Raises CheckpointError."""
    named = _NAME.fullmatch(place)
    if not named:
        raise CheckpointError(f"{place}: must be model:NAME@VERSION or model:NAME@latest", code="checkpoint.model_name")
    home = storage.join(root or models_root(), named["name"])
    version = named["version"] or "latest"
    try:
        if version == "latest":
            version = orjson.loads(storage.read_bytes(storage.join(home, LATEST_FILE)))["version"]
        url = storage.join(home, str(version))
        content = orjson.loads(storage.read_bytes(storage.join(url, MODEL_FILE)))
        return RegisteredModel(named["name"], str(content["version"]), url, content)
    except (FileNotFoundError, NotADirectoryError):
        raise CheckpointError(
            f"{place}: no such model is registered at {storage.shown(home)}; {ROOT_ENV} names where models are",
            code="checkpoint.model_missing",
        ) from None
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise CheckpointError(f"{storage.shown(home)}: is not a registered model", code="checkpoint.model") from None
