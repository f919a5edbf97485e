"""Which of a network's products and attentions may run in FP8: those that a measurement on its own weights allows."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, cast

import torch
from torch import Tensor, nn

from its_core.engines.cosmos.model.inference.attention import AttentionKernel, plain_attention
from its_core.engines.cosmos.model.inference.elementwise import PyTorch
from its_core.engines.cosmos.model.inference.linear import Linear
from its_core.engines.cosmos.model.inference.network import ATTENTION, Fp8Plan
from its_core.engines.cosmos.model.network import LATENT_CHANNELS, Attention, Block, Rope, Video2WorldNetwork

# Relative to the exact result. Rows in FP8 cost a product about 0.04; what is above the limits cancels or is dominated
# by a few numbers, and stays in the network's own precision.
MAX_PRODUCT_ERROR = 0.08
MAX_ATTENTION_ERROR = 0.15
_FRAMES, _SIDE, _TEXT_TOKENS = 3, 32, 64  # of the probe's latent and text
_TEXT_SIZE = 0.2  # about what T5's embeddings are


class Fp8Errors:
    """The error of every candidate, by its name in a plan."""

    def __init__(self) -> None:
        self.of: defaultdict[str, float] = defaultdict(float)

    def note(self, name: str, exact: Tensor, rounded: Tensor) -> None:
        """Keeps the largest where a name stands for several products."""
        error = float((rounded.float() - exact.float()).norm() / exact.float().norm().clamp(min=1e-12))
        self.of[name] = max(self.of[name], error if error == error else float("inf"))

    def plan(self) -> Fp8Plan:
        return Fp8Plan(frozenset(name for name, error in self.of.items() if error <= _limit(name)))

    def kept(self) -> list[str]:
        """What stays in the network's own precision."""
        return sorted(self.of.keys() - self.plan().names)


def _limit(name: str) -> float:
    return MAX_ATTENTION_ERROR if name.endswith(ATTENTION) else MAX_PRODUCT_ERROR


@torch.no_grad()
def measure_fp8(network: Video2WorldNetwork, attention: AttentionKernel) -> Fp8Errors:
    """Runs the network once on a small random input and compares every candidate with itself in FP8."""
    errors = Fp8Errors()
    hooks = []
    for index, block in enumerate(network.blocks):
        for name, layers in _products(cast(Block, block)).items():
            hook = _ProductHook(errors, f"blocks.{index}.{name}")
            hooks += [layer.register_forward_hook(hook) for layer in layers]
        if attention.attend_scaled is not None:
            hook_of_attention = _AttentionHook(errors, f"blocks.{index}.{ATTENTION}", attention)
            own: Attention = cast(Block, block).self_attn
            hooks.append(own.register_forward_hook(hook_of_attention, with_kwargs=True))
    try:
        network(*probe_input(network))
    finally:
        for handle in hooks:
            handle.remove()
    return errors


def probe_input(network: Video2WorldNetwork) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A small fixed latent half-way to noise, its time, a text and the mask of one given frame."""
    device = network.t_embedding_norm.weight.device
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, LATENT_CHANNELS, _FRAMES, _SIDE, _SIDE, generator=generator).to(device)
    text = torch.randn(1, _TEXT_TOKENS, network.shape.text_width, generator=generator).to(device) * _TEXT_SIZE
    mask = torch.zeros_like(x[:, :1])
    mask[:, :, 0] = 1
    return x, torch.full((1, _FRAMES), 0.5, device=device), text, mask


def _products(block: Block) -> dict[str, list[nn.Linear]]:
    own, cross = block.self_attn, block.cross_attn
    return {
        "qkv": [own.q_proj, own.k_proj, own.v_proj],  # they read the same rows
        "output": [own.output_proj],
        "cross_q": [cross.q_proj],
        "cross_output": [cross.output_proj],
        "mlp1": [block.mlp.layer1],
        "mlp2": [block.mlp.layer2],
    }


class _ProductHook:
    def __init__(self, errors: Fp8Errors, name: str) -> None:
        self._errors, self._name = errors, name

    def __call__(self, layer: nn.Linear, arguments: tuple[Tensor, ...], output: Tensor) -> None:
        rows = PyTorch().quantise_rows(arguments[0].flatten(0, -2))
        self._errors.note(self._name, output.flatten(0, -2), Linear(layer.weight, quantised=True)(rows))


class _AttentionHook:
    def __init__(self, errors: Fp8Errors, name: str, kernel: AttentionKernel) -> None:
        self._errors, self._name, self._kernel = errors, name, kernel

    def __call__(self, layer: Attention, arguments: Any, options: dict[str, Any], output: Tensor) -> None:  # noqa: ARG002
        rope: Rope = options["rope"]
        q, k, v = layer.project(arguments[0], rope=rope)
        limits = q.abs().max().item(), k.abs().max().item()
        scaled = PyTorch().quantise_heads(q[0], k[0], v[0], None, limits)
        assert self._kernel.attend_scaled is not None
        self._errors.note(self._name, plain_attention(q, k, v), self._kernel.attend_scaled(scaled, 1))
