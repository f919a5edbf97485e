"""Reading weights: strict, never unpickling anything but tensors, and saying what is wrong by name."""

from __future__ import annotations

import pickle
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from its_core.engines.cosmos.errors import CheckpointError
from its_core.engines.cosmos.model.adapter import PEFT_CONFIG, AdapterSettings, adapter_settings
from its_core.engines.cosmos.options import CosmosOptions

Weights = dict[str, Tensor]

# What training keeps beside the weights: Transformer Engine's extra state, and counters.
_BOOKKEEPING = re.compile(r"(^|\.)(_extra_state$|accum_\w+$)")
_LORA = re.compile(r"^(?P<layer>.+)\.lora_(?P<part>[AB])(?:\.(?P<adapter>[^.]+))?\.weight$")
# Low-rank layers of other kinds, or in other tools' naming.
_OTHER_LORA = re.compile(r"lora_(?:up|down|mid|magnitude|embedding|[AB]\.)|\.(?:hada|lokr|oft|boft|ia3|vera)_", re.I)
_PEFT_PREFIX = "base_model.model."
_PEFT_WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class NetworkWeights:
    """A network checkpoint, its keys as in ``Video2WorldNetwork``.

    ``base`` is empty for a LoRA alone, ``lora`` maps a layer's name to its A (rank × in) and B (out × rank).
    ``adapter`` holds what the files themselves say about the LoRA.
    """

    path: Path
    base: Weights
    lora: dict[str, tuple[Tensor, Tensor]]
    adapter: AdapterSettings


class _Dropped:
    """Stands in for the byte streams that Transformer Engine saves as extra state: takes anything, keeps nothing."""

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


def read_tensors(path: Path) -> dict[str, Any]:
    """The entries of a ``.pt``, ``.pth`` or ``.safetensors`` file, in memory only as far as they are touched.

    Raises CheckpointError for a missing file, for one that is no checkpoint, and for one that would run code.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no such checkpoint file")
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        with torch.serialization.safe_globals([(_Dropped, "_io.BytesIO")]):
            entries = torch.load(path, map_location="cpu", weights_only=True, mmap=_is_zip(path))
    except pickle.UnpicklingError as error:
        name = re.search(r"(?:GLOBAL|Unsupported (?:class|global)[: ]+(?:GLOBAL )?)\s*'?([\w.]+)", str(error))
        if "weights_only" in str(error).lower() and name:
            raise CheckpointError(
                f"{path}: refused, because it would run {name[1]!r} when loaded; a checkpoint holds tensors only"
            ) from None
        raise CheckpointError(f"{path}: not a checkpoint (no tensors saved by torch or safetensors)") from None
    except (
        SafetensorError,
        RuntimeError,
        EOFError,
        OSError,
        ValueError,
        KeyError,
        AttributeError,
        IndexError,
    ) as error:
        raise CheckpointError(f"{path}: not a readable checkpoint: {_one_line(error)}") from None
    if not isinstance(entries, dict) or not all(isinstance(key, str) for key in entries):
        raise CheckpointError(f"{path}: holds a {type(entries).__name__}, not named tensors")
    return entries


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def read_network(path: Path) -> NetworkWeights:
    """Reads NVIDIA's ``iter_*.pt``, a base checkpoint, a LoRA alone, or a PEFT adapter folder.

    Raises CheckpointError.
    """
    file = _weights_file(path)
    adapter = adapter_settings(path)
    lora_parts: dict[str, dict[str, Tensor]] = {}
    base: Weights = {}
    adapters: set[str] = set()
    for key, value in _select_network(read_tensors(file)).items():
        if _BOOKKEEPING.search(key):
            continue
        if not isinstance(value, Tensor):
            raise CheckpointError(f"{file}: {key} is a {type(value).__name__}, not a tensor")
        if found := _LORA.match(key):
            lora_parts.setdefault(found["layer"], {})[found["part"]] = value
            adapters.add(found["adapter"] or "default")
        elif _OTHER_LORA.search(key):
            raise CheckpointError(
                f"{file}: {key} is of another kind of adapter or another tool's naming (kohya, LyCORIS, DoRA …); "
                "what is read are PEFT's keys: <layer>.lora_A.weight and <layer>.lora_B.weight",
                code="checkpoint.adapter_keys",
            )
        else:
            base[key.replace(".base_layer.", ".")] = value
    if len(adapters) > 1:
        named = ", ".join(sorted(adapters))
        raise CheckpointError(f"{file}: holds several adapters ({named}); save the one that is wanted alone")
    halves = sorted(layer for layer, parts in lora_parts.items() if len(parts) < 2)
    if halves:
        raise CheckpointError(f"{file}: LoRA layers with only one of lora_A and lora_B: {_some(halves)}")
    if not base and not lora_parts:
        raise CheckpointError(f"{file}: holds no weights of the network")
    return NetworkWeights(path, base, {layer: (p["A"], p["B"]) for layer, p in lora_parts.items()}, adapter)


def _weights_file(path: Path) -> Path:
    """The file of a checkpoint that may be a PEFT adapter's folder. Raises CheckpointError for any other folder."""
    if not path.is_dir():
        return path
    for folder in (path, path / "model"):
        if (folder / ".metadata").is_file():
            raise CheckpointError(
                f"{folder}: a distributed checkpoint (DCP); convert it into one file first: "
                f"python -m torch.distributed.checkpoint.format_utils dcp_to_torch {folder} model.pt",
                code="checkpoint.distributed",
            )
    if not (path / PEFT_CONFIG).is_file():
        raise CheckpointError(f"{path}: a folder without {PEFT_CONFIG} is not a PEFT adapter")
    for name in _PEFT_WEIGHTS:
        if (path / name).is_file():
            return path / name
    raise CheckpointError(f"{path}: a PEFT adapter without weights ({' or '.join(_PEFT_WEIGHTS)})")


def _select_network(entries: dict[str, Any]) -> dict[str, Any]:
    """The plain weights where training kept an average (``net_ema.``) beside them; keys without their prefix."""
    if isinstance(entries.get("model"), dict):
        entries = entries["model"]
    for prefix in ("net.", "net_ema.", _PEFT_PREFIX):
        chosen = {key.removeprefix(prefix): value for key, value in entries.items() if key.startswith(prefix)}
        if chosen:
            strangers = [key for key in entries if not key.startswith((prefix, "net_ema."))]
            return chosen | {key: entries[key] for key in strangers}
    return entries


def check_lora_settings(options: CosmosOptions, weights: NetworkWeights) -> None:
    """Raises CheckpointError where rank or alpha are not those that the LoRA was trained with."""
    ranks = {a.shape[0] for a, _ in weights.lora.values()} | {b.shape[-1] for _, b in weights.lora.values()}
    if not weights.adapter.rank_pattern and ranks != {options.lora_rank}:
        raise CheckpointError(
            f"{weights.path}: LoRA weights of rank {', '.join(map(str, sorted(ranks)))}, but --lora_rank says "
            f"{options.lora_rank}"
        )
    trained_with = (
        ("rank", weights.adapter.rank, options.lora_rank),
        ("alpha", weights.adapter.alpha, options.lora_alpha),
    )
    for name, trained, asked in trained_with:
        if trained is not None and trained != asked:
            raise CheckpointError(
                f"{weights.path}: was trained with lora_{name} {trained:g}, but --lora_{name} says {asked:g}"
            )


def check_keys(where: Path, expected: dict[str, tuple[int, ...]], given: Weights) -> None:
    """Raises CheckpointError unless ``given`` has exactly the ``expected`` keys and shapes."""
    problems = []
    if missing := sorted(expected.keys() - given.keys()):
        problems.append(f"{len(missing)} of {len(expected)} keys are missing: {_some(missing)}")
    if strangers := sorted(given.keys() - expected.keys()):
        problems.append(f"{len(strangers)} keys belong to no layer: {_some(strangers)}")
    bent = [
        f"{key} is {_by(given[key].shape)} instead of {_by(expected[key])}"
        for key in sorted(expected.keys() & given.keys())
        if tuple(given[key].shape) != tuple(expected[key])
    ]
    if bent:
        problems.append(f"{len(bent)} shapes differ: {_some(bent)}")
    if problems:
        raise CheckpointError(f"{where}: does not fit the network: {'; '.join(problems)}")


def check_finite(where: Path, module: nn.Module) -> None:
    """Raises CheckpointError that names the weights holding a NaN or an infinity."""
    broken = [name for name, value in module.named_parameters() if not bool(torch.isfinite(value).all())]
    if broken:
        raise CheckpointError(f"{where}: NaN or infinite values in {len(broken)} weights: {_some(broken)}")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _by(shape: tuple[int, ...] | torch.Size) -> str:
    return "×".join(str(n) for n in shape)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
