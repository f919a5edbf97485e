"""Self-attention in which every token attends to a window of tokens, by any kernel for plain attention.

All queries that share a window form a group. The keys are copied into an order in which each window is one range, so
that a group is plain attention of some rows to a range of rows. NVIDIA's windows begin at multiples of their stride:
their groups fill a kernel's tiles, and no score is computed in vain.

Letters as in ``network.py``; G groups, M the keys in their new order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor

from its_core.engines.cosmos.model.inference.attention import (
    MAX_ERROR,
    AttentionKernel,
    Ranges,
    compare,
    plain_attention,
)
from its_core.engines.cosmos.model.inference.elementwise import FP8, PyTorch, ScaledHeads
from its_core.engines.cosmos.neighbourhoods import Neighbourhood

Grid = tuple[int, int, int]  # tokens: frames, rows, columns

_TESTED_GRID: Grid = (3, 12, 20)
_TESTED = (
    Neighbourhood((20, 40), stride=(4, 8)),
    Neighbourhood((12, 16), stride=(4, 1), dilation=(1, 5)),
    Neighbourhood((4, 16), dilation=(11, 5)),
)


@dataclass(frozen=True, slots=True)
class _Span:
    """Of one axis: places whose windows are the same, and the places in it. Both are as far apart as the dilation
    says; ``first`` counts the places of that class before the window."""

    queries: range
    keys: range
    first: int


def _spans(length: int, window: int, stride: int, dilation: int) -> list[list[_Span]]:
    """Those of each class of places that see each other."""
    classes = []
    for offset in range(dilation):
        places = range(offset, length, dilation)
        spans: list[_Span] = []
        for begin in range(0, len(places), stride):
            leader = min(begin + stride // 2, len(places) - 1)
            first = min(max(leader - window // 2, 0), len(places) - window)
            queries, keys = places[begin : begin + stride], places[first : first + window]
            if spans and spans[-1].first == first:
                queries = range(spans.pop().queries.start, queries.stop, dilation)
            spans.append(_Span(queries, keys, first))
        classes.append(spans)
    return classes


@dataclass(frozen=True, slots=True)
class Windows:
    """A neighbourhood on a grid. ``queries_L`` and ``keys_M`` say which token stands at each place of the new order,
    ``places_L`` at which place of it each token is."""

    queries_L: Tensor
    places_L: Tensor
    keys_M: Tensor
    ranges: Ranges

    def attend(self, kernel: AttentionKernel, q_Lhd: Tensor, k_Lhd: Tensor, v_Lhd: Tensor) -> Tensor:
        """L h d, of one clip."""
        q, k, v = _rows(q_Lhd, self.queries_L), _rows(k_Lhd, self.keys_M), _rows(v_Lhd, self.keys_M)
        return _rows(kernel.attend_ranges(q, k, v, self.ranges), self.places_L)

    def attend_scaled(self, kernel: AttentionKernel, heads: ScaledHeads) -> Tensor:
        """The same in FP8; L h d in bfloat16."""
        q, k, v = _rows(heads.q, self.queries_L), _rows(heads.k, self.keys_M), _rows(heads.v, self.keys_M)
        return _rows(kernel.attend_scaled_ranges(ScaledHeads(q, k, v, heads.scales), self.ranges), self.places_L)


def windows_on(grid: Grid, neighbourhood: Neighbourhood, device: torch.device) -> Windows:
    """Raises ValueError for a grid of other than two rows and columns at least."""
    frames, rows, columns = grid
    if min(rows, columns) < 2:
        raise ValueError(f"neighbourhood attention needs 2 rows and columns of tokens at least, not {rows}×{columns}")
    scaled = neighbourhood.on(rows, columns)
    axes = [
        (length, step, _spans(length, *sizes))
        for length, step, *sizes in zip(
            (rows, columns), (columns, 1), scaled.window, scaled.stride, scaled.dilation, strict=True
        )
    ]
    # Windows slide along one axis; along the other, the keys are copied for every window.
    copied, sliding = sorted(axes, key=lambda axis: sum(len(s.keys) for s in chain(*axis[2])) / axis[0])
    queries, keys, bounds = list[Tensor](), list[Tensor](), list[tuple[int, int, int, int]]()

    def tokens(along: range, across: range) -> Tensor:
        place_in_frame = torch.tensor(along)[:, None, None] * sliding[1] + torch.tensor(across) * copied[1]
        return (place_in_frame + torch.arange(frames)[:, None] * (rows * columns)).flatten()

    q_end = k_end = 0
    for across in chain(*copied[2]):
        tokens_a_place = frames * len(across.keys)
        for offset, spans in enumerate(sliding[2]):
            places = range(offset, sliding[0], len(sliding[2]))
            keys.append(tokens(places, across.keys))
            for along in spans:
                queries.append(tokens(along.queries, across.queries))
                k_begin = k_end + along.first * tokens_a_place
                q_begin, q_end = q_end, q_end + len(queries[-1])
                bounds.append((q_begin, q_end, k_begin, k_begin + len(along.keys) * tokens_a_place))
            k_end += len(keys[-1])
    queries_L = torch.cat(queries)
    places_L = torch.empty_like(queries_L)
    places_L[queries_L] = torch.arange(len(queries_L))
    ranges = Ranges.of(bounds, device)
    return Windows(queries_L.to(device), places_L.to(device), torch.cat(keys).to(device), ranges)


def _rows(x_Lhd: Tensor, index: Tensor) -> Tensor:
    """``x_Lhd[index]``, moved in units of 8 bytes, whatever the numbers are."""
    flat = x_Lhd.contiguous().flatten(1)
    if flat.shape[1] * flat.element_size() % 8:
        return x_Lhd[index]
    return flat.view(torch.int64).index_select(0, index).view(x_Lhd.dtype).view(-1, *x_Lhd.shape[1:])


def attended(grid: Grid, neighbourhood: Neighbourhood, device: torch.device) -> Tensor:
    """The definition: whether each token (first axis) attends to each (second axis), L × L."""
    frames, rows, columns = grid
    scaled = neighbourhood.on(rows, columns)
    in_rows, in_columns = (
        _attended_along(*axis, device)
        for axis in zip((rows, columns), scaled.window, scaled.stride, scaled.dilation, strict=True)
    )
    in_frame = (in_rows[:, None, :, None] & in_columns[None, :, None, :]).reshape(rows * columns, -1)
    return in_frame.repeat(frames, frames)


def _attended_along(length: int, window: int, stride: int, dilation: int, device: torch.device) -> Tensor:
    places = torch.arange(length, device=device)
    kind, place = places % dilation, places // dilation
    last = (length - 1 - kind) // dilation
    leader = torch.minimum(place // stride * stride + stride // 2, last)
    first = torch.minimum((leader - window // 2).clamp(min=0), last + 1 - window)[:, None]
    return (kind == kind[:, None]) & (place >= first) & (place < first + window)


def self_test_windows(
    kernel: AttentionKernel, device: torch.device, dtype: torch.dtype, heads: int, head_width: int, fp8: bool
) -> None:
    """Raises WrongAttention when the kernel's result on a small grid is not that of plain attention with a mask."""
    generator = torch.Generator(device).manual_seed(0)
    tokens = _TESTED_GRID[0] * _TESTED_GRID[1] * _TESTED_GRID[2]
    q, k, v = torch.randn(3, 1, tokens, heads, head_width, device=device, generator=generator).to(dtype).unbind(0)
    for neighbourhood in _TESTED:
        windows = windows_on(_TESTED_GRID, neighbourhood, device)
        exact = plain_attention(q, k, v, attended(_TESTED_GRID, neighbourhood, device))
        compare(kernel, windows.attend(kernel, q[0], k[0], v[0])[None], exact, MAX_ERROR[dtype])
        if fp8 and kernel.attend_scaled is not None:
            limits = q.abs().max().item(), k.abs().max().item()
            scaled = PyTorch().quantise_heads(q[0], k[0], v[0], None, limits)
            compare(kernel, windows.attend_scaled(kernel, scaled)[None], exact, MAX_ERROR[FP8])


class WindowsByGrid:
    """The windows of a network's blocks, made when a grid is first seen."""

    def __init__(self, neighbourhoods: Sequence[Neighbourhood | None], device: torch.device) -> None:
        self._neighbourhoods = neighbourhoods
        self._device = device
        self._made: dict[tuple[Grid, Neighbourhood], Windows] = {}

    def on(self, grid: Grid) -> Iterator[Windows | None]:
        """Block by block; None where a block attends to all tokens."""
        for neighbourhood in self._neighbourhoods:
            if neighbourhood is None:
                yield None
                continue
            key = (grid, neighbourhood)
            if key not in self._made:
                self._made[key] = windows_on(grid, neighbourhood, self._device)
            yield self._made[key]
