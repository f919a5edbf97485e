"""LoRA: injected by PEFT as training did, loaded strictly, proved to do something, then merged into the weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor, nn

from its_core.engines.cosmos.errors import CheckpointError
from its_core.engines.cosmos.model.adapter import AdapterSettings, adapter_settings
from its_core.engines.cosmos.model.checkpoint import (
    NetworkWeights,
    Weights,
    check_finite,
    check_keys,
    check_lora_settings,
    read_network,
)
from its_core.engines.cosmos.model.network import LATENT_CHANNELS, Video2WorldNetwork, network_on_meta
from its_core.engines.cosmos.shapes import NetworkShape

if TYPE_CHECKING:
    from its_core.engines.cosmos.options import CosmosOptions

PROBE_TOKENS = 8


def load_network(
    options: CosmosOptions, shape: NetworkShape, device: torch.device, dtype: torch.dtype
) -> Video2WorldNetwork:
    """The network that ``options`` name, ready for inference; LoRA weights are merged in. Raises CheckpointError."""
    path = Path(options.dit_path) if options.dit_path else options.folders.base
    weights = read_network(path)
    if not options.use_lora:
        if weights.lora:
            raise CheckpointError(f"{path}: holds LoRA weights of {len(weights.lora)} layers; add --use_lora")
        network = network_on_meta(shape)
        assign(network, weights.base, path)
        network.to(device, dtype)
    else:
        if not weights.lora:
            raise CheckpointError(f"{path}: holds no LoRA weights; drop --use_lora to render with a base checkpoint")
        network = load_unmerged(options, shape, weights).to(device)
        prove_lora_acts(network, path)
        merge_lora(network, dtype, path)
    check_finite(path, network)
    return network.eval().requires_grad_(False)


def lora_record(options: CosmosOptions) -> dict[str, Any]:
    """The LoRA's settings as they are applied, as JSON values."""
    asked = {"rank": options.lora_rank, "alpha": options.lora_alpha, "targets": options.targets}
    return asked | adapter_settings(Path(options.dit_path)).record()


def load_unmerged(options: CosmosOptions, shape: NetworkShape, weights: NetworkWeights) -> Video2WorldNetwork:
    """The network with PEFT's LoRA layers beside the base weights, in the files' own precision, on the CPU."""
    check_lora_settings(options, weights)
    base = weights.base
    if not base:
        base_path = Path(options.base_path) if options.base_path else options.folders.base
        under = read_network(base_path)
        if under.lora:
            raise CheckpointError(f"{base_path}: a base checkpoint is wanted, this one holds LoRA weights itself")
        base = under.base
    network = network_on_meta(shape)
    inject_lora(network, options.lora_rank, options.lora_alpha, options.targets, weights.adapter)
    wrapped = {name for name, module in network.named_modules() if isinstance(module, BaseTunerLayer)}
    named: Weights = {}
    for key, value in base.items():
        layer, _, last = key.rpartition(".")
        named[f"{layer}.base_layer.{last}" if layer in wrapped else key] = value
    for layer, (a, b) in weights.lora.items():
        named[f"{layer}.lora_A.default.weight"] = a
        named[f"{layer}.lora_B.default.weight"] = b
    assign(network, named, weights.path)
    return network.eval().requires_grad_(False)


def inject_lora(
    network: Video2WorldNetwork,
    rank: int,
    alpha: float,
    targets: Sequence[str],
    adapter: AdapterSettings | None = None,
) -> None:
    """Gives the target layers PEFT's LoRA layers, with A random and B zero, and the adapter's patterns and scaling.

    Raises CheckpointError for a target that names no layer.
    """
    layers = [name for name, module in network.named_modules() if isinstance(module, nn.Linear)]
    for target in targets:
        if not any(layer == target or layer.endswith(f".{target}") for layer in layers):
            raise CheckpointError(f"--lora_target_modules: {target!r} names no linear layer of the network")
    adapter = adapter or AdapterSettings()
    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,  # type: ignore[arg-type]
        target_modules=list(targets),
        use_rslora=adapter.rslora,
        rank_pattern=dict(adapter.rank_pattern),
        alpha_pattern=dict(adapter.alpha_pattern),
    )
    inject_adapter_in_model(config, network)


def assign(network: Video2WorldNetwork, weights: Weights, where: Path) -> None:
    """Puts ``weights`` in place of the network's own, in one floating-point precision. Raises CheckpointError."""
    check_keys(where, {key: tuple(value.shape) for key, value in network.state_dict().items()}, weights)
    floats = {value.dtype for key, value in weights.items() if not key.startswith("pos_embedder.")}
    if strange := [dtype for dtype in floats if not dtype.is_floating_point]:
        raise CheckpointError(f"{where}: weights of type {strange[0]}, floating-point ones are needed")
    if len(floats) > 1:
        weights = {key: value.float() for key, value in weights.items()}
    network.load_state_dict(weights, strict=True, assign=True)


def probe(network: Video2WorldNetwork) -> Tensor:
    """The network's output for a small fixed input."""
    weight = network.t_embedding_norm.weight
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, LATENT_CHANNELS, 2, 4, 4, generator=generator).to(weight.device)
    text = torch.randn(1, PROBE_TOKENS, network.shape.text_width, generator=generator).to(weight.device)
    with torch.no_grad():
        output: Tensor = network(x, torch.full((1, 2), 0.5, device=x.device), text, torch.zeros_like(x[:, :1]))
    return output


def prove_lora_acts(network: Video2WorldNetwork, where: Path) -> None:
    """Raises CheckpointError when the network answers the same with and without its LoRA layers."""
    layers = [module for module in network.modules() if isinstance(module, BaseTunerLayer)]
    with_lora = probe(network)
    for layer in layers:
        layer.enable_adapters(False)
    without = probe(network)
    for layer in layers:
        layer.enable_adapters(True)
    if torch.equal(with_lora, without):
        raise CheckpointError(
            f"{where}: the LoRA changes nothing (its lora_B weights are zero?); the output is the base model's"
        )


def merge_lora(network: Video2WorldNetwork, dtype: torch.dtype, where: Path) -> None:
    """Adds every LoRA to its layer's weight in float32, drops the LoRA layers, and casts the network to ``dtype``."""
    for name, module in list(network.named_modules()):
        if not isinstance(module, BaseTunerLayer):
            continue
        try:
            module.to(torch.float32)  # type: ignore[attr-defined]
            module.merge(safe_merge=True)
        except ValueError:
            raise CheckpointError(f"{where}: NaN in the LoRA weights of {name}") from None
        parent, _, child = name.rpartition(".")
        setattr(network.get_submodule(parent), child, module.get_base_layer().to(dtype))
    network.to(dtype)
