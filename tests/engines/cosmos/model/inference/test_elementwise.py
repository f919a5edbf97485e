"""Triton's kernels compute what the PyTorch definitions say: the kernels themselves, interpreted on the CPU.

The interpreter rounds FP8 wrongly (triton 3.6 to 3.9: it drops a carry into the exponent), so quantised rows are kept
in float32 here; the last rounding is the GPU's own.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from its_core.engines.cosmos.model.inference.elementwise import FP8, FP8_MAX, PyTorch, Scaled, Triton, elementwise_on
from its_core.engines.cosmos.model.vae_layers import NormSilu

L, D, F, H = 24, 96, 4, 3  # 6 tokens a frame; a width that is no power of two, as of 14B
HALF = D // H // 2
LIMITS = (9.0, 11.0)


@pytest.fixture(scope="module")
def triton() -> Triton:
    return Triton(fp8=torch.float32)


@pytest.fixture
def tensors() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)

    def randn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    angles = randn(L // 2, HALF)  # two clips in the batch
    return {
        "x": randn(L, D) + 3, "out": randn(L, D), "modulation": randn(F, 3 * D), "gate": randn(F, D),
        "qkv": randn(L, 3, H, 2 * HALF) * 2, "norms": randn(2, 2 * HALF) * 0.1 + 1, "cosines": angles.cos(),
        "sines": angles.sin(),
    }  # fmt: skip


def close(ours: Tensor, theirs: Tensor) -> bool:
    return bool(torch.allclose(ours, theirs, rtol=1e-5, atol=1e-5))


@pytest.mark.parametrize("adds", [False, True])
def test_add_normalise(triton: Triton, tensors: dict[str, Tensor], adds: bool) -> None:
    shift, scale, _ = tensors["modulation"].chunk(3, dim=1)
    gate = tensors["gate"]  # its rows are not as far apart as the modulation's
    update = (tensors["out"], gate) if adds else None
    x, normed = PyTorch().add_normalise(tensors["x"], update, shift, scale, quantise=False)
    assert isinstance(normed, Tensor)
    for quantise in (False, True):
        ours_x, ours = triton.add_normalise(tensors["x"], update, shift, scale, quantise)
        assert torch.equal(ours_x, x)
        assert close(ours.float(), normed)
        if isinstance(ours, Scaled):
            assert close(ours.values_LK.abs().amax(dim=1), torch.full((L,), FP8_MAX))


@pytest.mark.parametrize("rotates", [False, True])
def test_norm_rotate_in_place(triton: Triton, tensors: dict[str, Tensor], rotates: bool) -> None:
    rope = (tensors["cosines"], tensors["sines"]) if rotates else None
    ours, theirs = tensors["qkv"].clone(), tensors["qkv"].clone()
    triton.norm_rotate(ours[:, 1], tensors["norms"][0], rope)
    PyTorch().norm_rotate(theirs[:, 1], tensors["norms"][0], rope)
    assert close(ours, theirs)
    assert not close(ours[:, 1], tensors["qkv"][:, 1])
    assert torch.equal(ours[:, ::2], tensors["qkv"][:, ::2])


def test_gelu_and_rows(triton: Triton, tensors: dict[str, Tensor]) -> None:
    x = tensors["out"]
    assert close(triton.gelu(x.clone(), quantise=False).float(), torch.nn.functional.gelu(x))
    assert close(triton.gelu(x.clone(), quantise=True).float(), torch.nn.functional.gelu(x))
    assert close(triton.quantise_rows(x).float(), x)


@pytest.mark.parametrize("normalises", [False, True])
def test_quantised_heads(triton: Triton, tensors: dict[str, Tensor], normalises: bool) -> None:
    norm = (tensors["norms"], (tensors["cosines"], tensors["sines"])) if normalises else None
    ours = triton.quantise_heads(*tensors["qkv"].unbind(1), norm, LIMITS)
    theirs = PyTorch().quantise_heads(*tensors["qkv"].unbind(1), norm, LIMITS)
    assert all(close(a, b) for a, b in zip(ours.scales, theirs.scales, strict=True))
    for name in ("q", "k", "v"):
        exact = getattr(ours, name)
        assert exact.abs().max() <= FP8_MAX * (1 + 1e-6)
        assert torch.equal(exact.to(FP8), getattr(theirs, name))


def test_what_is_taken_off_the_keys_does_not_change_attention(tensors: dict[str, Tensor]) -> None:
    q, k, v = tensors["qkv"].unbind(1)
    k = k + 40 * torch.nn.functional.one_hot(torch.tensor(3), 2 * HALF)  # a channel that is large in every key
    heads = PyTorch().quantise_heads(q, k, v, None, (q.abs().max().item(), k.abs().max().item()))
    keys = heads.k.float() * heads.scales[1][0, 0]
    assert keys[..., 3].abs().max() < 20
    removed = (k - keys).mean(dim=0)
    assert (k - keys - removed).abs().max() < 1  # the same from all of them, but for rounding


def test_norm_and_silu_over_innermost_channels(tensors: dict[str, Tensor]) -> None:
    x = tensors["x"].view(1, 2, 3, 4, D).permute(0, 4, 1, 2, 3)
    assert x.is_contiguous(memory_format=torch.channels_last_3d)
    gamma = tensors["gate"][0]
    ours, theirs = NormSilu(gamma, uses_triton=True)(x), NormSilu(gamma, uses_triton=False)(x)
    assert ours.stride() == x.stride()
    assert close(ours, theirs)
    assert close(NormSilu(gamma, uses_triton=True)(x.contiguous()), theirs)  # another layout: PyTorch's


def test_a_cpu_and_odd_head_widths_use_pytorch() -> None:
    assert elementwise_on(torch.device("cpu"), 128).name == "torch"
    assert elementwise_on(torch.device("cuda"), 96).name == "torch"
