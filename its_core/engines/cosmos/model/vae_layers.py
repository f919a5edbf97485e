"""The decoder of Wan's autoencoder with fewer passes over its frames; the same function as diffusers' layers.

Normalisation and its SiLU are one pass, convolutions pad by themselves, and frames are enlarged without a detour
through float32. Letters: B batch, C channels, T frames, H rows, W columns.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from its_core.engines.cosmos.model.inference.elementwise import Triton, elementwise_on


class NormSilu(nn.Module):
    """RMSNorm over the channels and SiLU."""

    def __init__(self, gamma_C: Tensor, uses_triton: bool) -> None:
        super().__init__()
        self.register_buffer("gamma_C", gamma_C)
        self._uses_triton = uses_triton

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        gamma_C: Tensor = self.gamma_C  # type: ignore[assignment]
        if self._uses_triton and x_BCTHW.is_contiguous(memory_format=torch.channels_last_3d):
            from its_core.engines.cosmos.model.inference.triton_kernels import norm_silu

            return norm_silu(x_BCTHW, gamma_C)
        normed = F.normalize(x_BCTHW.float(), dim=1) * len(gamma_C) ** 0.5 * gamma_C.float().view(1, -1, 1, 1, 1)
        return F.silu(normed).to(x_BCTHW.dtype)


class CausalConv(nn.Module):
    """A convolution that sees no later frame: frames kept from before, or zeros, come first. Keeps rows and columns."""

    def __init__(self, conv: nn.Conv3d) -> None:
        super().__init__()
        self.weight, self.bias = conv.weight, conv.bias
        self._frames_before = conv.kernel_size[0] - 1
        self._padding = (0, conv.kernel_size[1] // 2, conv.kernel_size[2] // 2)

    def forward(self, x_BCTHW: Tensor, cache_x: Tensor | None = None) -> Tensor:
        before = [] if cache_x is None or not self._frames_before else [cache_x]
        missing = self._frames_before - sum(part.shape[2] for part in before)
        if missing:
            before.insert(0, torch.zeros_like(x_BCTHW[:, :, :1]).expand(-1, -1, missing, -1, -1))
        frames = torch.cat([*before, x_BCTHW], dim=2) if before else x_BCTHW
        return F.conv3d(frames, self.weight, self.bias, padding=self._padding)


def fuse_decoder(decoder: Any, device: torch.device) -> int:
    """Replaces the layers of a ``WanDecoder3d`` in place; returns how many of its convolutions remember frames."""
    uses_triton = isinstance(elementwise_on(device, 128), Triton)
    remembering = 0
    for name, layer in list(decoder.named_modules()):
        parent_name, _, child = name.rpartition(".")
        parent: Any = decoder.get_submodule(parent_name)
        if isinstance(layer, nn.Conv3d):
            setattr(parent, child, CausalConv(layer))
            remembering += 1
        elif isinstance(layer, nn.Upsample):
            setattr(parent, child, nn.Upsample(scale_factor=layer.scale_factor, mode=layer.mode))
        elif child in {"norm1", "norm2", "norm_out"}:
            setattr(parent, child, NormSilu(layer.gamma.detach().flatten(), uses_triton))
            parent.nonlinearity = nn.Identity()
    return remembering
