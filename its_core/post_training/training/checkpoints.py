"""Checkpoints of a run: NVIDIA's form, the LoRA alone, PEFT's form, and the state to go on from.

Below ``checkpoints/``, for each iteration::

    state/iter_000000500.safetensors      weights, moments and average, with the run's fingerprint
    lora/iter_000000500.safetensors       the LoRA alone, float32; …_ema.safetensors: its average
    peft/iter_000000500/                  the same as PEFT writes it; …_ema/ likewise
    model/iter_000000500.pt               NVIDIA's form: base and LoRA, bfloat16; the newest KEPT_MODELS of them
    latest_checkpoint.txt                 the newest of which everything is there: written last

Every file is written aside and renamed, so that a kill at any moment leaves the last whole checkpoint.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from peft import LoraConfig
from safetensors import safe_open
from torch import Tensor

from its_core import storage
from its_core.engines.cosmos.model.checkpoint import read_network
from its_core.post_training.errors import PostTrainingError
from its_core.post_training.presets import Recipe
from its_core.post_training.run_folder import Orders, RunFolder, check_same_run
from its_core.post_training.tensor_files import write_safetensors, write_torch

KEPT_MODELS = 2  # files of NVIDIA's form hold the whole base model each
_POINTER = "latest_checkpoint.txt"
_PREFIX = "net."
_PEFT_PREFIX = "base_model.model."
_NAME = re.compile(r"iter_(\d{9})\.pt")


class Checkpoints:
    """Writes and finds the checkpoints of one run."""

    def __init__(self, run: RunFolder, orders: Orders) -> None:
        self._folder, self._run, self._orders = run.checkpoints, run, orders

    def latest(self) -> int | None:
        """The iteration of the newest whole checkpoint: so many steps are done."""
        try:
            found = _NAME.fullmatch((self._folder / _POINTER).read_text(encoding="utf-8").strip())
        except FileNotFoundError:
            return None
        return int(found[1]) if found else None

    def lora_path(self, iteration: int, average: bool = False) -> Path:
        return self._folder / "lora" / f"{name_of(iteration)}{'_ema' if average else ''}.safetensors"

    def peft_path(self, iteration: int, average: bool = False) -> Path:
        return self._folder / "peft" / f"{name_of(iteration)}{'_ema' if average else ''}"

    def model_path(self, iteration: int) -> Path:
        return self._folder / "model" / f"{name_of(iteration)}.pt"

    def read_state(self, iteration: int) -> dict[str, Tensor]:
        """The optimiser's state. Raises PostTrainingError where it is of another run, or not to be read."""
        path = self._state_path(iteration)
        try:
            with safe_open(path, "pt") as file:
                saved = json.loads((file.metadata() or {})["run"])
                check_same_run(self._orders.fingerprint(), saved, path)
                return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        except PostTrainingError:
            raise
        except Exception as error:
            raise PostTrainingError(
                f"{path}: the state cannot be read ({type(error).__name__}); remove {self._folder} to begin anew",
                code="post_training.state",
            ) from None

    def write(self, iteration: int, state: Mapping[str, Tensor]) -> None:
        """Writes a checkpoint of the state after ``iteration`` steps. Raises DiskFull, and the last one stands."""
        fingerprint = json.dumps(self._orders.fingerprint(), sort_keys=True)
        write_safetensors(self._state_path(iteration), state, {"run": fingerprint})
        for average, prefix in ((False, "weight."), (True, "average.")):
            lora = _part(state, prefix)
            write_safetensors(self.lora_path(iteration, average), {f"{_PREFIX}{key}": v for key, v in lora.items()})
            _write_peft(self.peft_path(iteration, average), lora, self._orders.recipe)
        with storage.replacing(self._run.fingerprint) as part:
            part.write_text(fingerprint, encoding="utf-8")
        self._write_config()
        self._write_model(iteration, _part(state, "weight."))
        with storage.replacing(self._folder / _POINTER) as part:
            part.write_text(f"{name_of(iteration)}.pt\n", encoding="utf-8")
        self._prune()

    def _state_path(self, iteration: int) -> Path:
        return self._folder / "state" / f"{name_of(iteration)}.safetensors"

    def _write_model(self, iteration: int, lora: Mapping[str, Tensor]) -> None:
        """The base is read from its file, which maps it into memory: nothing of it passes through a GPU."""
        base = read_network(self._orders.base_path).base
        wrapped = {key.rpartition(".lora_")[0] for key in lora}
        entries: dict[str, Tensor] = {}
        for key, value in base.items():
            layer, _, last = key.rpartition(".")
            entries[f"{_PREFIX}{layer}.base_layer.{last}" if layer in wrapped else f"{_PREFIX}{key}"] = value
        dtype = next(value.dtype for key, value in base.items() if key.endswith(".weight"))
        entries |= {f"{_PREFIX}{key}": value.detach().cpu().to(dtype) for key, value in lora.items()}
        write_torch(self.model_path(iteration), entries)

    def _write_config(self) -> None:
        recipe = self._orders.recipe
        alpha = int(recipe.lora_alpha) if recipe.lora_alpha == int(recipe.lora_alpha) else recipe.lora_alpha
        text = f"name: {self._orders.name}\nlora_rank: {recipe.lora_rank}\nlora_alpha: {alpha}\n"
        text += f"lora_target_modules: {recipe.lora_target_modules}\n"
        if not self._run.config.is_file() or self._run.config.read_text(encoding="utf-8") != text:
            with storage.replacing(self._run.config) as part:
                part.write_text(text, encoding="utf-8")

    def _prune(self) -> None:
        """States but the newest two, and models but the newest KEPT_MODELS, are removed: the LoRA of each stays."""
        for folder, pattern, kept in (("state", "iter_*.safetensors", 2), ("model", "iter_*.pt", KEPT_MODELS)):
            for path in sorted((self._folder / folder).glob(pattern))[:-kept]:
                path.unlink(missing_ok=True)


def name_of(iteration: int) -> str:
    return f"iter_{iteration:09d}"


def _part(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}


def _write_peft(folder: Path, lora: Mapping[str, Tensor], recipe: Recipe) -> None:
    aside = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    with storage.room_for(str(folder), folder.parent):
        aside.mkdir(parents=True)
        named = {f"{_PEFT_PREFIX}{key.replace('.default.', '.')}": value for key, value in lora.items()}
        write_safetensors(aside / "adapter_model.safetensors", named, {"format": "pt"})
        config: Any = LoraConfig(
            r=recipe.lora_rank,
            lora_alpha=recipe.lora_alpha,  # type: ignore[arg-type]
            target_modules=sorted(recipe.targets),
        )
        content = {key: sorted(value) if isinstance(value, set) else value for key, value in config.to_dict().items()}
        text = json.dumps(content, indent=1, sort_keys=True, default=str)
        (aside / "adapter_config.json").write_text(text + "\n", encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)
