"""The LoRA in training: PEFT's layers, their weights in float32 whatever the network's own precision is.

The weights are the masters: each use casts them to the dtype of what flows through the network, so gradients reach them
in float32, the optimiser steps on them, and there is no second copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn
from torch.nn import functional as F

from its_core.engines.cosmos.model.lora import inject_lora
from its_core.engines.cosmos.model.network import Video2WorldNetwork


@dataclass(frozen=True, slots=True)
class LoraSettings:
    """``alpha`` / ``rank`` is the factor on what the LoRA adds; ``targets`` are names of layers."""

    rank: int
    alpha: float
    targets: tuple[str, ...]


class MasterLinear(nn.Linear):
    """Without bias, its weight kept in float32 and used in the precision of its input."""

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight.to(x.dtype))


def add_lora(network: Video2WorldNetwork, settings: LoraSettings, seed: int) -> dict[str, nn.Parameter]:
    """Adds a fresh LoRA, which changes nothing yet, and freezes everything else.

    Returns its weights by their names in a checkpoint (``blocks.0.self_attn.q_proj.lora_A.default.weight``). A is
    uniform in ±1/√in and drawn by ``seed``, B is 0. Raises CheckpointError for a target that names no layer.
    """
    network.requires_grad_(False)
    with torch.random.fork_rng(devices=[]):
        inject_lora(network, settings.rank, settings.alpha, settings.targets)
    generator = torch.Generator().manual_seed(seed)
    for _, layer in lora_layers(network):
        layer.cast_input_dtype_enabled = False
        _use_master(layer.lora_A, generator)
        _use_master(layer.lora_B, None)
    return lora_weights(network)


def _use_master(adapters: nn.ModuleDict, generator: torch.Generator | None) -> None:
    """Random weights with a generator, zeros without."""
    old = adapters["default"]
    assert isinstance(old, nn.Linear)
    weight = torch.zeros(old.out_features, old.in_features)
    if generator is not None:
        bound = old.in_features**-0.5
        weight.uniform_(-bound, bound, generator=generator)
    with torch.device("meta"):
        master = MasterLinear(old.in_features, old.out_features, bias=False)
    master.weight = nn.Parameter(weight.to(old.weight.device))
    adapters["default"] = master


def lora_layers(network: nn.Module) -> Iterator[tuple[str, LoraLayer]]:
    return ((name, module) for name, module in network.named_modules() if isinstance(module, LoraLayer))


def lora_weights(network: nn.Module) -> dict[str, nn.Parameter]:
    return {name: weight for name, weight in network.named_parameters() if ".lora_" in name}
