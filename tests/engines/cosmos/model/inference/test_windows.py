"""Attention to windows is plain attention with the mask that defines it."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from its_core.engines.cosmos.model.inference.attention import (
    AttentionKernel,
    Ranges,
    WrongAttention,
    installed_kernels,
    plain_attention,
)
from its_core.engines.cosmos.model.inference.elementwise import PyTorch, ScaledHeads
from its_core.engines.cosmos.model.inference.network import Fp8Plan, PackedNetwork
from its_core.engines.cosmos.model.inference.windows import Grid, Windows, attended, self_test_windows, windows_on
from its_core.engines.cosmos.neighbourhoods import NEIGHBOURHOODS, Neighbourhood

CPU = torch.device("cpu")
FULL: Grid = (1, 44, 80)


def attend_scaled(heads: ScaledHeads, batch: int) -> Tensor:
    parts = ((heads.q, heads.scales[0]), (heads.k, heads.scales[1]), (heads.v, heads.scales[2]))
    q, k, v = (x.float().view(batch, -1, *x.shape[1:]) * scale[0, :, None] for x, scale in parts)
    return plain_attention(q, k, v)


def sees(query: int, key: int, length: int, window: int, stride: int, dilation: int) -> bool:
    """One pair of places on an axis, as NATTEN's reference kernel decides it."""
    if query % dilation != key % dilation:
        return False
    places = len(range(query % dilation, length, dilation))
    at, other = query // dilation, key // dilation
    leader = min(at // stride * stride + stride // 2, places - 1)
    left, right = window // 2, window // 2 + window % 2 - 1
    start = max(leader - left, 0)
    if leader + right >= places:
        start += places - right - leader - 1
    return start <= other < start + window


def mask_of(windows: Windows, tokens: int) -> Tensor:
    mask = torch.zeros(tokens, tokens, dtype=torch.bool)
    for q0, q1, k0, k1 in windows.ranges.bounds:
        mask[windows.queries_L[q0:q1, None], windows.keys_M[k0:k1]] = True
    return mask


GRIDS: list[Grid] = [(2, 6, 10), (1, 7, 11), (3, 4, 5), (1, 13, 9), (2, 2, 2)]
KINDS = [
    Neighbourhood((20, 40), stride=(4, 8)),
    Neighbourhood((28, 31), stride=(5, 9)),
    Neighbourhood((12, 16), stride=(4, 1), dilation=(1, 5)),
    Neighbourhood((16, 12), stride=(1, 4), dilation=(5, 1)),
    Neighbourhood((4, 16), dilation=(11, 5)),
    Neighbourhood((15, 24), stride=(3, 7), dilation=(2, 3)),
]


@pytest.mark.parametrize("grid", GRIDS, ids=str)
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_groups_and_mask_are_the_definition(grid: Grid, kind: Neighbourhood) -> None:
    frames, rows, columns = grid
    found = attended(grid, kind, CPU)
    on = kind.on(rows, columns)
    axes = zip((rows, columns), on.window, on.stride, on.dilation, strict=True)
    in_rows, in_columns = (
        torch.tensor([[sees(q, k, *axis) for k in range(axis[0])] for q in range(axis[0])]) for axis in axes
    )
    assert torch.equal(found, torch.kron(torch.ones(frames, frames, dtype=torch.bool), torch.kron(in_rows, in_columns)))
    assert torch.equal(mask_of(windows_on(grid, kind, CPU), len(found)), found)


@pytest.mark.parametrize("size", ["2B", "14B"])
def test_windows_of_the_full_grid_have_whole_tiles(size: Any) -> None:
    """One frame of 1280×704: every token once, each group as large as its windows' density says."""
    tokens = FULL[1] * FULL[2]
    for kind in {each for each in NEIGHBOURHOODS[size] if each is not None}:
        windows = windows_on(FULL, kind, CPU)
        assert torch.equal(windows.queries_L.sort().values, torch.arange(tokens))
        assert torch.equal(windows.queries_L[windows.places_L], torch.arange(tokens))
        assert len(windows.keys_M) <= 3.2 * tokens
        counts = set(windows.ranges.key_counts.tolist())
        assert counts == {round(kind.density(FULL[1], FULL[2]) * tokens)}
        assert all((q1 - q0) % 32 == 0 for q0, q1, _, _ in windows.ranges.bounds)


def in_one_launch(q: Tensor, k: Tensor, v: Tensor, ranges: Ranges) -> Tensor:
    """What a kernel reads of the tensors for all groups."""
    out = torch.empty_like(q)
    for group, count in enumerate(ranges.key_counts.tolist()):
        rows = slice(*ranges.query_starts[group : group + 2].tolist())
        keys = slice(int(ranges.key_starts[group]), int(ranges.key_starts[group]) + count)
        out[rows] = plain_attention(q[None, rows], k[None, keys], v[None, keys])[0]
        assert count <= ranges.most_keys
    return out


SDPA = installed_kernels(CPU)[0]
KERNELS = [
    SDPA,
    AttentionKernel("ranges", "1", SDPA.attend, attend_scaled, in_one_launch),
    AttentionKernel("plain", "1", plain_attention, attend_scaled),
]


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
def test_kernels_attend_to_windows(kernel: AttentionKernel) -> None:
    self_test_windows(kernel, CPU, torch.float32, 2, 16, fp8=True)


def test_a_kernel_that_forgets_the_ranges_is_an_error() -> None:
    def everything(q: Tensor, k: Tensor, v: Tensor, ranges: Ranges) -> Tensor:  # noqa: ARG001
        return plain_attention(q[None], k[None], v[None])[0]

    wrong = AttentionKernel("x", "1", plain_attention, all_ranges=everything)
    with pytest.raises(WrongAttention):
        self_test_windows(wrong, CPU, torch.float32, 2, 16, fp8=False)


@pytest.mark.parametrize("fp8", [False, True])
def test_a_sparse_network_is_the_network_with_masks(tiny_2b: Any, relative_error: Any, fp8: bool) -> None:
    """Both clips of a batch, block by block, against the same network whose self-attention has the masks."""
    case, tensors = tiny_2b, tiny_2b.tensors
    x, time, mask = (
        torch.cat([tensors[name]] * 2) for name in ("x_B_C_T_H_W", "timesteps_B_T", "condition_mask_B_1_T_H_W")
    )
    x[1] += 0.1
    texts = [torch.cat([tensors["text_B_N_D"], tensors["negative_text_B_N_D"]])]
    grid: Grid = (x.shape[2], x.shape[3] // 2, x.shape[4] // 2)
    blocks = case.shape.blocks
    kinds = [None if index == 2 else KINDS[2 * index] for index in range(blocks)]
    masks = [None if kind is None else attended(grid, kind, CPU) for kind in kinds]
    turns = iter(product(masks, ("itself", "text")))

    def with_mask(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        block_mask, to = next(turns)
        return plain_attention(q, k, v, block_mask if to == "itself" else None)

    exact = PackedNetwork(case.network(), AttentionKernel("masks", "1", with_mask), PyTorch())
    plan = Fp8Plan(frozenset(f"blocks.{index}.attention" for index in range(blocks) if fp8))
    sparse = PackedNetwork(case.network(), KERNELS[2], PyTorch(), plan, kinds)
    expected = exact.for_texts(x, time, texts, mask)[0]
    assert next(turns, None) is None
    error = relative_error(sparse.for_texts(x, time, texts, mask)[0], expected)
    assert error < (0.05 if fp8 else 1e-5)
    dense = PackedNetwork(case.network(), KERNELS[2], PyTorch(), plan).for_texts(x, time, texts, mask)[0]
    assert relative_error(dense, expected) > 2 * error


def test_pictures_of_one_row_are_refused() -> None:
    with pytest.raises(ValueError, match="1×5"):
        windows_on((1, 1, 5), KINDS[0], CPU)
