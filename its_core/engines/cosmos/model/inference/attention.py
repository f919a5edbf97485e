"""Attention kernels: which there are here, whether they are right, and which is the fastest.

Letters: B batch, L queries, N keys, h heads, d head width.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module, metadata
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

from its_core.engines.cosmos.model.inference.elementwise import FP8, PyTorch, ScaledHeads
from its_core.errors import FactoryError

_log = logging.getLogger(__name__)

# FlashAttention-3 by the module that offers ``flash_attn_func``, and the distribution that it comes with.
FLASH_ATTENTION_3 = (("fa3_fwd_interface", "fa3-fwd"), ("flash_attn_interface", "flash-attn-3"))
HOPPER = (9, 0)
# The largest error of a right kernel, relative to attention in float32 on the same inputs.
MAX_ERROR = {torch.float32: 1e-4, torch.bfloat16: 2e-2, FP8: 0.15}
CLEARLY_FASTER = 0.97  # a later kernel is taken only below this share of an earlier one's time, so that runs agree
_TEST_QUERIES, _TEST_KEYS = 333, 205  # not multiples of any kernel's tile
_MEASURED_HEADS = 4


class WrongAttention(FactoryError, ValueError):
    """A kernel that is installed and computes something else than attention."""

    default_code = "attention.wrong"


@dataclass(frozen=True, slots=True)
class Ranges:
    """Groups of queries, each of which attends to a range of the keys. The queries of the groups follow each other, the
    ranges may overlap. ``bounds`` has begin and end of a group's queries and of its keys; the tensors (int32, on the
    device) say the same to kernels that take all groups at once."""

    bounds: tuple[tuple[int, int, int, int], ...]
    query_starts: Tensor  # and the end of the last: one more than there are groups
    key_starts: Tensor  # as many
    key_counts: Tensor
    most_queries: int
    most_keys: int

    @classmethod
    def of(cls, bounds: Sequence[tuple[int, int, int, int]], device: torch.device) -> Ranges:
        q_begin, q_end, k_begin, k_end = torch.tensor(bounds, dtype=torch.int32).unbind(1)
        query_starts = torch.cat([q_begin, q_end[-1:]])
        key_starts = torch.cat([k_begin, k_end.max().view(1)])
        most_queries, most_keys = int((q_end - q_begin).max()), int((k_end - k_begin).max())
        counts = (k_end - k_begin).to(device)
        starts = query_starts.to(device), key_starts.to(device)
        return cls(tuple(bounds), starts[0], starts[1], counts, most_queries, most_keys)


@dataclass(frozen=True, slots=True)
class AttentionKernel:
    """``attend`` maps queries (B L h d), keys and values (B N h d) to B L h d. ``attend_scaled``, where there is one,
    does so in FP8, its result in bfloat16. ``all_ranges`` and ``all_scaled_ranges`` attend to ranges in one launch."""

    name: str
    version: str
    attend: Callable[[Tensor, Tensor, Tensor], Tensor]
    attend_scaled: Callable[[ScaledHeads, int], Tensor] | None = None
    all_ranges: Callable[[Tensor, Tensor, Tensor, Ranges], Tensor] | None = None
    all_scaled_ranges: Callable[[ScaledHeads, Ranges], Tensor] | None = None

    def attend_ranges(self, q_Lhd: Tensor, k_Mhd: Tensor, v_Mhd: Tensor, ranges: Ranges) -> Tensor:
        """L h d; group by group where the kernel takes one at a time."""
        if self.all_ranges is not None:
            return self.all_ranges(q_Lhd, k_Mhd, v_Mhd, ranges)
        parts = [
            self.attend(q_Lhd[None, q0:q1], k_Mhd[None, k0:k1], v_Mhd[None, k0:k1])[0]
            for q0, q1, k0, k1 in ranges.bounds
        ]
        return torch.cat(parts)

    def attend_scaled_ranges(self, heads: ScaledHeads, ranges: Ranges) -> Tensor:
        """The same in FP8. Raises ValueError where the kernel has no FP8."""
        if self.all_scaled_ranges is not None:
            return self.all_scaled_ranges(heads, ranges)
        if self.attend_scaled is None:
            raise ValueError(f"{self.name} does not attend in FP8")
        parts = [
            self.attend_scaled(ScaledHeads(heads.q[q0:q1], heads.k[k0:k1], heads.v[k0:k1], heads.scales), 1)[0]
            for q0, q1, k0, k1 in ranges.bounds
        ]
        return torch.cat(parts)


@dataclass(frozen=True, slots=True)
class Choice:
    """The kernel that sampling uses; milliseconds of each that was measured."""

    kernel: AttentionKernel
    measured_ms: dict[str, float] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """As JSON values, for the clip's record."""
        return {"name": self.kernel.name, "version": self.kernel.version, "measured_ms": self.measured_ms}


def choose_attention(
    device: torch.device, dtype: torch.dtype, heads: int, head_width: int, tokens: int, fp8: bool = False
) -> Choice:
    """The fastest kernel of those installed, by a measurement of under a second on a GPU; on a CPU the first that runs.

    With ``fp8`` a kernel that can attend in FP8 is preferred where there is one.

    Raises WrongAttention for an installed kernel whose result on a small input is not attention.
    """
    kernels = [kernel for kernel in installed_kernels(device) if runs(kernel, device, dtype, heads, head_width)]
    for kernel in kernels:
        self_test(kernel, device, dtype, heads, head_width)
    if fp8 and (scaled := [kernel for kernel in kernels if kernel.attend_scaled is not None]):
        self_test_scaled(scaled[0], device, heads, head_width)
        return Choice(scaled[0])
    if device.type == "cpu" or len(kernels) == 1:
        return Choice(kernels[0])
    measured = {kernel.name: milliseconds(kernel, device, dtype, head_width, tokens) for kernel in kernels[:-1]}
    best = kernels[0]
    for kernel in kernels[1:-1]:  # the last one writes out all scores
        if measured[kernel.name] < CLEARLY_FASTER * measured[best.name]:
            best = kernel
    return Choice(best, {name: round(ms, 2) for name, ms in measured.items()})


def installed_kernels(device: torch.device) -> list[AttentionKernel]:
    """The kernels that may run on ``device``, those first that tend to be fast; the last one always runs."""
    kernels = []
    if device.type == "cuda" and torch.cuda.get_device_capability(device) == HOPPER:
        kernels += [kernel for name, package in FLASH_ATTENTION_3 if (kernel := _flash_attention_3(name, package))]
    backends = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
    if device.type == "cuda":
        backends.insert(0, SDPBackend.CUDNN_ATTENTION)
    return kernels + [_of_pytorch(backend) for backend in backends]


def _of_pytorch(backend: SDPBackend) -> AttentionKernel:
    def attend(q_BLhd: Tensor, k_BNhd: Tensor, v_BNhd: Tensor) -> Tensor:
        with sdpa_kernel(backend):
            q, k, v = (x.transpose(1, 2) for x in (q_BLhd, k_BNhd, v_BNhd))
            return scaled_dot_product_attention(q, k, v).transpose(1, 2)

    version = f"torch {torch.__version__}"
    if backend is SDPBackend.CUDNN_ATTENTION:
        version += f", cuDNN {torch.backends.cudnn.version()}"  # type: ignore[no-untyped-call]
    return AttentionKernel(backend.name.lower(), version, attend)


def _flash_attention_3(module: str, package: str) -> AttentionKernel | None:
    """None where it is not installed. One that cannot be imported is as good as absent, and logged."""
    if find_spec(module) is None:
        return None
    try:
        interface: Any = import_module(module)
        function = interface.flash_attn_func
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        _log.warning("%s is installed and does not load, attention runs without it: %s", package, error)
        return None

    def attend(q_BLhd: Tensor, k_BNhd: Tensor, v_BNhd: Tensor) -> Tensor:
        return _first(function(q_BLhd, k_BNhd, v_BNhd))

    def attend_scaled(heads: ScaledHeads, batch: int) -> Tensor:
        q, k, v = (x.view(batch, -1, *x.shape[1:]) for x in (heads.q, heads.k, heads.v))
        q_scale, k_scale, v_scale = (scale.expand(batch, -1) for scale in heads.scales)
        return _first(function(q, k, v, q_descale=q_scale, k_descale=k_scale, v_descale=v_scale))

    ranged = getattr(interface, "flash_attn_varlen_func", None)
    if ranged is None:
        return AttentionKernel(package, _version(package), attend, attend_scaled)

    def all_ranges(q_Lhd: Tensor, k_Mhd: Tensor, v_Mhd: Tensor, ranges: Ranges, **scales: Tensor) -> Tensor:
        # With counts given, the starts of the keys need not be the ends of those before: ranges overlap.
        starts, most = (ranges.query_starts, ranges.key_starts), (ranges.most_queries, ranges.most_keys)
        return _first(ranged(q_Lhd, k_Mhd, v_Mhd, *starts, *most, seqused_k=ranges.key_counts, **scales))

    def all_scaled_ranges(heads: ScaledHeads, ranges: Ranges) -> Tensor:
        names = ("q_descale", "k_descale", "v_descale")
        scales = {name: scale.expand(len(ranges.bounds), -1) for name, scale in zip(names, heads.scales, strict=True)}
        return all_ranges(heads.q, heads.k, heads.v, ranges, **scales)

    return AttentionKernel(package, _version(package), attend, attend_scaled, all_ranges, all_scaled_ranges)


def _first(result: Any) -> Tensor:
    """Some versions return the logarithm of the sums beside the output."""
    out: Tensor = result[0] if isinstance(result, tuple) else result
    return out


def _version(package: str) -> str:
    with suppress(metadata.PackageNotFoundError):
        return metadata.version(package)
    return "unknown"


def runs(kernel: AttentionKernel, device: torch.device, dtype: torch.dtype, heads: int, head_width: int) -> bool:
    """Whether the kernel takes such inputs at all."""
    try:
        kernel.attend(*_inputs(device, dtype, heads, head_width, 16, 16))
    except RuntimeError:  # NotImplementedError is one
        return False
    return True


def self_test(kernel: AttentionKernel, device: torch.device, dtype: torch.dtype, heads: int, head_width: int) -> None:
    """Raises WrongAttention when the kernel's result on a small input is not plain attention's."""
    q, k, v = _inputs(device, dtype, heads, head_width, _TEST_QUERIES, _TEST_KEYS)
    compare(kernel, kernel.attend(q, k, v), plain_attention(q, k, v), MAX_ERROR[dtype])


def self_test_scaled(kernel: AttentionKernel, device: torch.device, heads: int, head_width: int) -> None:
    """The same for attention in FP8."""
    if kernel.attend_scaled is None:
        raise ValueError(f"{kernel.name} does not attend in FP8")
    q, k, v = _inputs(device, torch.bfloat16, heads, head_width, _TEST_QUERIES, _TEST_QUERIES)
    limits = q.abs().max().item(), k.abs().max().item()
    scaled = PyTorch().quantise_heads(q[0], k[0], v[0], None, limits)
    compare(kernel, kernel.attend_scaled(scaled, 1), plain_attention(q, k, v), MAX_ERROR[FP8])


def compare(kernel: AttentionKernel, out: Tensor, expected: Tensor, most: float) -> None:
    """Raises WrongAttention where the relative error of ``out`` is above ``most``."""
    error = float((out.float() - expected).norm() / expected.norm())
    if not error <= most:  # NaN is wrong too
        raise WrongAttention(
            f"the attention kernel {kernel.name} ({kernel.version}) is {error:.2g} off plain attention on a small "
            f"input, at most {most:g} is rounding: remove the package or install another version"
        )


def plain_attention(q_BLhd: Tensor, k_BNhd: Tensor, v_BNhd: Tensor, mask_LN: Tensor | None = None) -> Tensor:
    """Attention as it is defined, in float32, to the keys that the mask has; B L h d."""
    q, k, v = (x.float() for x in (q_BLhd, k_BNhd, v_BNhd))
    scores = torch.einsum("blhd,bnhd->bhln", q, k) * q.shape[-1] ** -0.5
    if mask_LN is not None:
        scores = scores.masked_fill(~mask_LN, -torch.inf)
    return torch.einsum("bhln,bnhd->blhd", scores.softmax(dim=-1), v)


def milliseconds(
    kernel: AttentionKernel, device: torch.device, dtype: torch.dtype, head_width: int, tokens: int
) -> float:
    """The kernel's time on ``tokens`` tokens of a few heads, once it has run."""
    inputs = _inputs(device, dtype, _MEASURED_HEADS, head_width, tokens, tokens)
    kernel.attend(*inputs)
    torch.cuda.synchronize(device)
    since = time.perf_counter()
    kernel.attend(*inputs)
    torch.cuda.synchronize(device)
    return (time.perf_counter() - since) * 1e3


def _inputs(
    device: torch.device, dtype: torch.dtype, heads: int, head_width: int, queries: int, keys: int
) -> Sequence[Tensor]:
    generator = torch.Generator(device).manual_seed(0)
    return [
        torch.randn(1, length, heads, head_width, device=device, generator=generator).to(dtype)
        for length in (queries, keys, keys)
    ]
