"""The steps between the network's products: what each computes, in PyTorch, and as one kernel each in Triton.

Letters as in ``network.py``; L counts the tokens of all clips of a batch, F their frames (``L / F`` tokens a frame), K
the columns of any row.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from its_core.engines.cosmos.model.network import EPS, Rope, rotate

FP8 = torch.float8_e4m3fn
FP8_MAX = torch.finfo(FP8).max  # 448
KEYS_EVERY = 16  # of so many tokens one counts in the keys' mean: any constant may be taken off all keys
_CHUNKS = 1056


@dataclass(frozen=True, slots=True)
class Scaled:
    """Rows in FP8: row i is ``values[i] * scales[i]``."""

    values_LK: Tensor
    scales_L1: Tensor

    def float(self) -> Tensor:
        return self.values_LK.float() * self.scales_L1


Activation = Tensor | Scaled
Update = tuple[Tensor, Tensor]  # what is added to the tokens (L × D), and its gate (F × D)


@dataclass(frozen=True, slots=True)
class ScaledHeads:
    """Queries, keys and values (L × h × d) in FP8, and what each is to be multiplied with (1 × h)."""

    q: Tensor
    k: Tensor
    v: Tensor
    scales: tuple[Tensor, Tensor, Tensor]


class Elementwise(Protocol):
    """One implementation of the steps. ``quantise`` asks for rows in FP8, each with a scale of its own."""

    name: str

    def add_normalise(
        self, x_LD: Tensor, update: Update | None, shift_FD: Tensor, scale_FD: Tensor, quantise: bool
    ) -> tuple[Tensor, Activation]:
        """x after the gated update, and LayerNorm of it, scaled and shifted frame by frame."""

    def norm_rotate(self, x_Lhd: Tensor, weight_d: Tensor, rope: Rope | None) -> None:
        """In place: RMSNorm of the heads, then their rotation."""

    def gelu(self, x_LK: Tensor, quantise: bool) -> Activation:
        """GELU; may overwrite ``x_LK``."""

    def quantise_rows(self, x_LK: Tensor) -> Scaled: ...

    def quantise_heads(
        self,
        q_Lhd: Tensor,
        k_Lhd: Tensor,
        v_Lhd: Tensor,
        norm: tuple[Tensor, Rope] | None,
        limits: tuple[float, float],
    ) -> ScaledHeads:
        """Queries, keys and values in FP8, normalised by ``norm``'s weights (2 × d) and rotated where it is given.

        No query or key is larger than ``limits``. The keys' mean is taken off them: all scores of a query move
        alike, which softmax does not see, and the rest is smaller (arXiv:2410.02367).
        """


class PyTorch:
    """The definition. Runs anywhere."""

    name = "torch"

    def add_normalise(
        self, x_LD: Tensor, update: Update | None, shift_FD: Tensor, scale_FD: Tensor, quantise: bool
    ) -> tuple[Tensor, Activation]:
        frames = len(shift_FD)
        x_FSD = x_LD.view(frames, -1, x_LD.shape[1])
        if update is not None:
            out_LD, gate_FD = update
            x_FSD = x_FSD + gate_FD[:, None] * out_LD.view_as(x_FSD)
        normed = F.layer_norm(x_FSD, x_FSD.shape[-1:], eps=EPS) * (1 + scale_FD[:, None]) + shift_FD[:, None]
        rows = normed.flatten(0, 1)
        return x_FSD.flatten(0, 1), self.quantise_rows(rows) if quantise else rows

    def norm_rotate(self, x_Lhd: Tensor, weight_d: Tensor, rope: Rope | None) -> None:
        x_Lhd.copy_(self._normed(x_Lhd, weight_d, rope))

    @staticmethod
    def _normed(x_Lhd: Tensor, weight_d: Tensor, rope: Rope | None) -> Tensor:
        normed = F.rms_norm(x_Lhd, x_Lhd.shape[-1:], weight_d, eps=EPS)
        if rope is None:
            return normed
        return rotate(normed.reshape(-1, len(rope[0]), *normed.shape[1:]), *rope).flatten(0, 1)

    def gelu(self, x_LK: Tensor, quantise: bool) -> Activation:
        activated = F.gelu(x_LK)
        return self.quantise_rows(activated) if quantise else activated

    def quantise_rows(self, x_LK: Tensor) -> Scaled:
        rows = x_LK.float()
        peaks_L1 = rows.abs().amax(dim=1, keepdim=True).clamp(min=1e-12)
        return Scaled((rows * (FP8_MAX / peaks_L1)).to(FP8), peaks_L1 / FP8_MAX)

    def quantise_heads(
        self,
        q_Lhd: Tensor,
        k_Lhd: Tensor,
        v_Lhd: Tensor,
        norm: tuple[Tensor, Rope] | None,
        limits: tuple[float, float],
    ) -> ScaledHeads:
        q, k = q_Lhd, k_Lhd
        if norm is not None:
            weights_2d, rope = norm
            q, k = self._normed(q, weights_2d[0], rope), self._normed(k, weights_2d[1], rope)
        mean_hd = k[::KEYS_EVERY].float().mean(dim=0)
        q_scale, k_scale, v_scale_h = _head_scales(limits, v_Lhd.float().abs().amax(dim=(0, 2)))
        return ScaledHeads(
            q=(q.float() * (1 / q_scale)).to(FP8),
            k=((k.float() - mean_hd) * (1 / k_scale)).to(FP8),
            v=(v_Lhd.float() * (1 / v_scale_h[:, None])).to(FP8),
            scales=_as_rows(q_scale, k_scale, v_scale_h),
        )


def _head_scales(limits: tuple[float, float], v_peaks_h: Tensor) -> tuple[float, float, Tensor]:
    """What queries, keys minus their mean, and each head's values are divided by."""
    return limits[0] / FP8_MAX, 2 * limits[1] / FP8_MAX, v_peaks_h.clamp(min=1e-12) / FP8_MAX


def _as_rows(q_scale: float, k_scale: float, v_scale_h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return torch.full_like(v_scale_h, q_scale)[None], torch.full_like(v_scale_h, k_scale)[None], v_scale_h[None]


class Triton:
    """A kernel a step. ``fp8`` is the type of what is quantised; tests on a CPU interpret the kernels with another."""

    name = "triton"

    def __init__(self, fp8: torch.dtype = FP8) -> None:
        from its_core.engines.cosmos.model.inference import triton_kernels  # needs a GPU's Triton

        self._kernels: Any = triton_kernels
        self._fp8 = fp8

    def add_normalise(
        self, x_LD: Tensor, update: Update | None, shift_FD: Tensor, scale_FD: Tensor, quantise: bool
    ) -> tuple[Tensor, Activation]:
        x_new: Tensor
        if not quantise:
            y = torch.empty_like(x_LD)
            x_new = self._kernels.add_normalise(x_LD, update, shift_FD, scale_FD, y, None)
            return x_new, y
        rows = self._scaled_like(x_LD)
        x_new = self._kernels.add_normalise(x_LD, update, shift_FD, scale_FD, rows.values_LK, rows.scales_L1)
        return x_new, rows

    def norm_rotate(self, x_Lhd: Tensor, weight_d: Tensor, rope: Rope | None) -> None:
        self._kernels.norm_rotate(x_Lhd, weight_d, rope)

    def gelu(self, x_LK: Tensor, quantise: bool) -> Activation:
        if not quantise:
            self._kernels.activate(x_LK, x_LK, None, gelu=True)
            return x_LK
        rows = self._scaled_like(x_LK)
        self._kernels.activate(x_LK, rows.values_LK, rows.scales_L1, gelu=True)
        return rows

    def quantise_rows(self, x_LK: Tensor) -> Scaled:
        rows = self._scaled_like(x_LK)
        self._kernels.activate(x_LK, rows.values_LK, rows.scales_L1, gelu=False)
        return rows

    def quantise_heads(
        self,
        q_Lhd: Tensor,
        k_Lhd: Tensor,
        v_Lhd: Tensor,
        norm: tuple[Tensor, Rope] | None,
        limits: tuple[float, float],
    ) -> ScaledHeads:
        weights_2d, rope = norm if norm is not None else (None, None)
        k_weight = None if weights_2d is None else weights_2d[1]
        mean_hd, v_peaks_h = self._kernels.head_statistics(k_Lhd, v_Lhd, k_weight, rope, KEYS_EVERY, _CHUNKS)
        scales = _head_scales(limits, v_peaks_h)
        q, k, v = (torch.empty(x.shape, dtype=self._fp8, device=x.device) for x in (q_Lhd, k_Lhd, v_Lhd))
        self._kernels.quantise_heads((q_Lhd, k_Lhd, v_Lhd), weights_2d, rope, mean_hd, scales, (q, k, v))
        return ScaledHeads(q, k, v, _as_rows(*scales))

    def _scaled_like(self, x_LK: Tensor) -> Scaled:
        scales_L1 = torch.empty(len(x_LK), 1, dtype=torch.float32, device=x_LK.device)
        return Scaled(torch.empty_like(x_LK, dtype=self._fp8), scales_L1)


def elementwise_on(device: torch.device, head_width: int) -> Elementwise:
    """Triton's kernels on a CUDA GPU where Triton and the C compiler that it needs are there, else PyTorch's."""
    compiler = shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc") or shutil.which("clang")
    is_power_of_two = head_width & (head_width - 1) == 0
    usable = device.type == "cuda" and compiler is not None and find_spec("triton") is not None and is_power_of_two
    return Triton() if usable else PyTorch()
