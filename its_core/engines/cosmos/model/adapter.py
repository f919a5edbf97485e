"""What a LoRA's own files say about it beside its weights: how strong it is, and what kind."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from its_core.engines.cosmos.errors import CheckpointError

PEFT_CONFIG = "adapter_config.json"

# Keys of PEFT's configuration that decide what was trained and how, which the weights themselves show.
_NO_EFFECT = {
    "peft_type", "task_type", "auto_mapping", "peft_version", "base_model_name_or_path", "revision", "inference_mode",
    "target_modules", "exclude_modules", "layers_to_transform", "layers_pattern", "lora_dropout", "megatron_core",
    "loftq_config", "eva_config", "corda_config", "lora_ga_config", "qalora_group_size", "runtime_config",
}  # fmt: skip
_APPLIED = {"r", "lora_alpha", "use_rslora", "rank_pattern", "alpha_pattern"}
# Initialisations that leave the base weights as they are; the others (pissa, olora, corda, loftq …) change them.
_INIT = (True, False, None, "gaussian", "eva", "orthogonal")
_ABSENT: tuple[Any, ...] = (None, False, "none", [], {}, "")


@dataclass(frozen=True, slots=True)
class AdapterSettings:
    """Rank and alpha are None where no file says them. ``rank_pattern`` and ``alpha_pattern`` map a layer's name, or
    a regular expression for its end, to a value of its own; with ``rslora`` the strength is alpha / √rank."""

    rank: int | None = None
    alpha: float | None = None
    rslora: bool = False
    rank_pattern: Mapping[str, int] = field(default_factory=dict)
    alpha_pattern: Mapping[str, float] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """What is not at its default, as JSON values."""
        said = {
            "rslora": self.rslora,
            "rank_pattern": dict(self.rank_pattern),
            "alpha_pattern": dict(self.alpha_pattern),
        }
        return {name: value for name, value in said.items() if value}


def adapter_settings(path: Path) -> AdapterSettings:
    """The settings beside the weights at ``path``: PEFT's in a folder, or the trainer's above ``iter_*.pt``.

    Raises CheckpointError for a setting that cannot be applied.
    """
    return _peft_settings(path) if path.is_dir() else _training_settings(path)


def _peft_settings(folder: Path) -> AdapterSettings:
    file = folder / PEFT_CONFIG
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"{folder}: a folder without {PEFT_CONFIG} is not a PEFT adapter") from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{file}: not readable as JSON: {' '.join(str(error).split())[:200]}") from None
    if not isinstance(config, dict):
        raise CheckpointError(f"{file}: not the configuration of a PEFT adapter")
    _refuse_what_cannot_be_applied(config, file)
    try:
        return AdapterSettings(
            rank=_whole(config["r"]),
            alpha=_strength(config["lora_alpha"]),
            rslora=config.get("use_rslora") is True,
            rank_pattern={_pattern(k): _whole(v) for k, v in (config.get("rank_pattern") or {}).items()},
            alpha_pattern={_pattern(k): _strength(v) for k, v in (config.get("alpha_pattern") or {}).items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{file}: not the configuration of a LoRA: {type(error).__name__} {error}") from None


def _refuse_what_cannot_be_applied(config: dict[str, Any], file: Path) -> None:
    problems = []
    if str(config.get("peft_type", "LORA")).upper() != "LORA":
        problems.append(f"peft_type is {config['peft_type']!r}, only LORA is supported")
    if config.get("init_lora_weights") not in _INIT:
        problems.append(f"init_lora_weights is {config['init_lora_weights']!r}, which changes the base weights")
    for key in sorted(config.keys() - _NO_EFFECT - _APPLIED - {"init_lora_weights"}):
        if config[key] not in _ABSENT:
            problems.append(f"{key} is {json.dumps(config[key])[:60]}, which is not supported")
    if problems:
        raise CheckpointError(
            f"{file}: {'; '.join(problems)}; merge the adapter into its base checkpoint with PEFT and give that",
            code="checkpoint.adapter_setting",
        )


def _whole(value: Any) -> int:
    if isinstance(value, bool) or int(value) != value or value < 1:
        raise ValueError(f"rank {value!r}: a whole number from 1 on is needed")
    return int(value)


def _strength(value: Any) -> float:
    if isinstance(value, bool) or not math.isfinite(value) or value <= 0:
        raise ValueError(f"alpha {value!r}: a number above 0 is needed")
    return float(value)


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is not a regular expression: {error}") from None
    return text


def _training_settings(path: Path) -> AdapterSettings:
    """Rank and alpha from the ``config.yaml`` that NVIDIA's trainer leaves above ``checkpoints/model/iter_*.pt``."""
    file = path.parent.parent.parent / "config.yaml"
    if path.parent.name != "model" or path.parent.parent.name != "checkpoints" or not file.is_file():
        return AdapterSettings()
    text = file.read_text(encoding="utf-8", errors="replace")
    rank, alpha = (re.search(rf"^\s*lora_{name}:\s*(\d+(?:\.\d*)?)\s*$", text, re.M) for name in ("rank", "alpha"))
    return AdapterSettings(
        rank=int(float(rank[1])) if rank else None,
        alpha=float(alpha[1]) if alpha else None,
    )
