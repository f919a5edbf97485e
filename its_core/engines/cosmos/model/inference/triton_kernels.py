"""The element-wise steps between the network's products, each one pass over its tokens, in Triton.

Letters: L tokens (rows), D width, h heads, d head width, F frames (rows of modulation), K columns of any row. All
arithmetic is float32; a result is rounded once, to the type of the tensor that it is stored into. ``PyTorch`` in
``elementwise.py`` says what each computes.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

EPS = tl.constexpr(1e-6)
FP8_MAX = tl.constexpr(448.0)  # the largest E4M3 number
TINY = tl.constexpr(1e-12)
ROWS = 32  # heads of tokens that a program normalises and rotates


@triton.jit
def _scale_and_store(y, values, scales, row, mask):
    """A row by its own scale: the largest number becomes the largest that the type has."""
    peak = tl.maximum(tl.max(tl.abs(values), axis=0), TINY)
    tl.store(scales + row, peak / FP8_MAX)
    tl.store(y, (values * (FP8_MAX / peak)).to(y.dtype.element_ty), mask=mask)


@triton.jit
def _gelu(x):
    """With the error function by Abramowitz and Stegun 7.1.26, within 1.5e-7: half the instructions of the exact one,
    which is what a pass over these many numbers waits for."""
    size = tl.abs(x) * 0.7071067811865476
    root = tl.rsqrt(1.0 + 0.3275911 * size)
    t = root * root  # 1 / (1 + p·size): a division takes more instructions
    tail = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t
    erfc = tail * tl.exp2(size * size * -1.4426950408889634)  # e to the -size²
    half = 0.5 * x * erfc
    return tl.where(x > 0, x - half, half)


@triton.jit
def _add_normalise(
    x, out, gate, shift, scale, x_new, y, y_scales, width, rows_a_frame, gate_stride, modulation_stride,
    ADD: tl.constexpr, QUANTISE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    columns = tl.arange(0, BLOCK)
    inside = columns < width
    at = row * width + columns
    frame = row // rows_a_frame
    modulation = frame * modulation_stride + columns
    values = tl.load(x + at, mask=inside, other=0.0).to(tl.float32)
    if ADD:
        added = tl.load(out + at, mask=inside, other=0.0).to(tl.float32)
        gates = tl.load(gate + frame * gate_stride + columns, mask=inside, other=0.0).to(tl.float32)
        values = (values + gates * added).to(x_new.dtype.element_ty)
        tl.store(x_new + at, values, mask=inside)
        values = values.to(tl.float32)
    mean = tl.sum(values, axis=0) / width
    centred = tl.where(inside, values - mean, 0.0)
    variance = tl.sum(centred * centred, axis=0) / width
    scales = tl.load(scale + modulation, mask=inside, other=0.0).to(tl.float32)
    shifts = tl.load(shift + modulation, mask=inside, other=0.0).to(tl.float32)
    result = centred * tl.rsqrt(variance + EPS) * (1.0 + scales) + shifts
    if QUANTISE:
        _scale_and_store(y + at, result, y_scales, row, inside)
    else:
        tl.store(y + at, result.to(y.dtype.element_ty), mask=inside)


def add_normalise(
    x_LD: Tensor,
    update: tuple[Tensor, Tensor] | None,
    shift_FD: Tensor,
    scale_FD: Tensor,
    y: Tensor,
    scales: Tensor | None,
) -> Tensor:
    """Writes the normalised, modulated rows into ``y`` (and their scales) and returns x after the gated update."""
    rows, width = x_LD.shape
    block = triton.next_power_of_2(width)
    out, gate = update if update is not None else (x_LD, shift_FD)
    x_new = torch.empty_like(x_LD) if update is not None else x_LD
    _add_normalise[(rows,)](
        x_LD, out, gate, shift_FD, scale_FD, x_new, y, scales if scales is not None else y, width,
        rows // shift_FD.shape[0], gate.stride(0), shift_FD.stride(0), ADD=update is not None,
        QUANTISE=scales is not None, BLOCK=block, num_warps=4 if block <= 2048 else 8,
    )  # fmt: skip
    return x_new


@triton.jit
def _activate(x, y, y_scales, columns_a_row, GELU: tl.constexpr, QUANTISE: tl.constexpr, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    columns = tl.arange(0, BLOCK)
    inside = columns < columns_a_row
    at = row * columns_a_row + columns
    values = tl.load(x + at, mask=inside, other=0.0).to(tl.float32)
    if GELU:
        values = _gelu(values)
    if QUANTISE:
        _scale_and_store(y + at, values, y_scales, row, inside)
    else:
        tl.store(y + at, values.to(y.dtype.element_ty), mask=inside)


def activate(x_LK: Tensor, y: Tensor, scales: Tensor | None, gelu: bool) -> None:
    """GELU (or nothing) of every row into ``y``, which may be ``x_LK`` itself; with ``scales``, quantised by row."""
    rows, columns = x_LK.shape
    block = triton.next_power_of_2(columns)
    _activate[(rows,)](
        x_LK, y, scales if scales is not None else y, columns, GELU=gelu, QUANTISE=scales is not None, BLOCK=block,
        num_warps=min(16, max(4, block // 1024)),
    )  # fmt: skip


@triton.jit
def _heads(
    x, weight, cosines, sines, row, inside, token_stride, heads, rope_length,
    HALF: tl.constexpr, NORMALISE: tl.constexpr, ROTATE: tl.constexpr,
):  # fmt: skip
    """Both halves (rows × d/2) of the heads of some tokens, RMS-normalised and rotated; and where they were."""
    half = tl.arange(0, HALF)
    token = row // heads
    at = (token * token_stride + (row % heads) * (2 * HALF))[:, None] + half[None, :]
    first = tl.load(x + at, mask=inside[:, None], other=0.0).to(tl.float32)
    second = tl.load(x + at + HALF, mask=inside[:, None], other=0.0).to(tl.float32)
    if NORMALISE:
        squares = tl.sum(first * first, axis=1) + tl.sum(second * second, axis=1)
        inverse = tl.rsqrt(squares / (2 * HALF) + EPS)[:, None]
        first = first * inverse * tl.load(weight + half).to(tl.float32)[None, :]
        second = second * inverse * tl.load(weight + HALF + half).to(tl.float32)[None, :]
    if ROTATE:
        angle = ((token % rope_length) * HALF)[:, None] + half[None, :]
        cosine = tl.load(cosines + angle, mask=inside[:, None], other=0.0)
        sine = tl.load(sines + angle, mask=inside[:, None], other=0.0)
        first, second = first * cosine - second * sine, second * cosine + first * sine
    return first, second, at


@triton.jit
def _norm_rotate(
    x, weight, cosines, sines, rows, token_stride, heads, rope_length,
    HALF: tl.constexpr, ROTATE: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    inside = row < rows
    first, second, at = _heads(
        x, weight, cosines, sines, row, inside, token_stride, heads, rope_length, HALF, True, ROTATE
    )
    tl.store(x + at, first.to(x.dtype.element_ty), mask=inside[:, None])
    tl.store(x + at + HALF, second.to(x.dtype.element_ty), mask=inside[:, None])


def norm_rotate(x_Lhd: Tensor, weight_d: Tensor, rope: tuple[Tensor, Tensor] | None) -> None:
    """RMS-normalises the heads in place and rotates them."""
    tokens, heads, width = x_Lhd.shape
    cosines, sines = rope if rope is not None else (x_Lhd, x_Lhd)
    rows = tokens * heads
    _norm_rotate[(triton.cdiv(rows, ROWS),)](
        x_Lhd, weight_d, cosines, sines, rows, x_Lhd.stride(0), heads, len(cosines), HALF=width // 2,
        ROTATE=rope is not None, ROWS=ROWS,
    )  # fmt: skip


@triton.jit
def _head_statistics(
    k, v, weight, cosines, sines, k_sums, v_peaks, tokens, k_stride, v_stride, heads, rope_length,
    CHUNK: tl.constexpr, EVERY: tl.constexpr, HALF: tl.constexpr, NORMALISE: tl.constexpr, ROTATE: tl.constexpr,
    HEADS: tl.constexpr,
):  # fmt: skip
    chunk = tl.program_id(0).to(tl.int64)
    head = tl.arange(0, HEADS)
    half = tl.arange(0, HALF)
    is_head = head < heads
    place = (chunk * heads + head)[:, None] * (2 * HALF) + half[None, :]
    if tl.program_id(1) == 0:
        first_sum = tl.zeros((HEADS, HALF), tl.float32)
        second_sum = tl.zeros((HEADS, HALF), tl.float32)
        for step in range(0, CHUNK, EVERY):
            token = chunk * CHUNK + step
            first, second, _ = _heads(
                k, weight, cosines, sines, token * heads + head, is_head & (token < tokens), k_stride, heads,
                rope_length, HALF, NORMALISE, ROTATE,
            )  # fmt: skip
            first_sum += first
            second_sum += second
        tl.store(k_sums + place, first_sum, mask=is_head[:, None])
        tl.store(k_sums + place + HALF, second_sum, mask=is_head[:, None])
    else:
        peak = tl.zeros((HEADS, HALF), tl.float32)
        for step in range(0, CHUNK):
            token = chunk * CHUNK + step
            inside = (is_head & (token < tokens))[:, None]
            at = token * v_stride + (head * (2 * HALF))[:, None] + half[None, :]
            first = tl.load(v + at, mask=inside, other=0.0).to(tl.float32)
            second = tl.load(v + at + HALF, mask=inside, other=0.0).to(tl.float32)
            peak = tl.maximum(peak, tl.maximum(tl.abs(first), tl.abs(second)))
        tl.store(v_peaks + chunk * heads + head, tl.max(peak, axis=1), mask=is_head)


def head_statistics(
    k_Lhd: Tensor, v_Lhd: Tensor, weight_d: Tensor | None, rope: tuple[Tensor, Tensor] | None, every: int, chunks: int
) -> tuple[Tensor, Tensor]:
    """The mean of the normalised, rotated keys (h × d) over every ``every``-th token of a chunk, and the largest
    magnitude of each head's values (h). The sums are added in a fixed order, so they repeat."""
    tokens, heads, width = k_Lhd.shape
    tokens_a_chunk = triton.cdiv(triton.cdiv(tokens, chunks), every) * every
    chunks = triton.cdiv(tokens, tokens_a_chunk)
    sums = torch.empty(chunks, heads, width, dtype=torch.float32, device=k_Lhd.device)
    peaks = torch.empty(chunks, heads, dtype=torch.float32, device=k_Lhd.device)
    cosines, sines = rope if rope is not None else (k_Lhd, k_Lhd)
    _head_statistics[(chunks, 2)](
        k_Lhd, v_Lhd, weight_d if weight_d is not None else k_Lhd, cosines, sines, sums, peaks, tokens,
        k_Lhd.stride(0), v_Lhd.stride(0), heads, len(cosines), CHUNK=tokens_a_chunk, EVERY=every, HALF=width // 2,
        NORMALISE=weight_d is not None, ROTATE=rope is not None, HEADS=triton.next_power_of_2(heads),
    )  # fmt: skip
    return sums.sum(dim=0) / triton.cdiv(tokens, every), peaks.amax(dim=0)


@triton.jit
def _quantise_heads(
    q, k, v, q_weight, k_weight, cosines, sines, k_mean, v_scales, q_out, k_out, v_out, rows,
    q_stride, k_stride, v_stride, heads, rope_length, q_inverse, k_inverse,
    HALF: tl.constexpr, NORMALISE: tl.constexpr, ROTATE: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    part = tl.program_id(1)
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    inside = row < rows
    half = tl.arange(0, HALF)
    to = row[:, None] * (2 * HALF) + half[None, :]
    mask = inside[:, None]
    if part == 0:
        first, second, _ = _heads(
            q, q_weight, cosines, sines, row, inside, q_stride, heads, rope_length, HALF, NORMALISE, ROTATE
        )
        tl.store(q_out + to, (first * q_inverse).to(q_out.dtype.element_ty), mask=mask)
        tl.store(q_out + to + HALF, (second * q_inverse).to(q_out.dtype.element_ty), mask=mask)
    elif part == 1:
        first, second, _ = _heads(
            k, k_weight, cosines, sines, row, inside, k_stride, heads, rope_length, HALF, NORMALISE, ROTATE
        )
        mean = (row % heads)[:, None] * (2 * HALF) + half[None, :]
        first = (first - tl.load(k_mean + mean, mask=mask, other=0.0)) * k_inverse
        second = (second - tl.load(k_mean + mean + HALF, mask=mask, other=0.0)) * k_inverse
        tl.store(k_out + to, first.to(k_out.dtype.element_ty), mask=mask)
        tl.store(k_out + to + HALF, second.to(k_out.dtype.element_ty), mask=mask)
    else:
        first, second, _ = _heads(
            v, q_weight, cosines, sines, row, inside, v_stride, heads, rope_length, HALF, False, False
        )
        inverse = (1.0 / tl.load(v_scales + row % heads, mask=inside, other=1.0))[:, None]
        tl.store(v_out + to, (first * inverse).to(v_out.dtype.element_ty), mask=mask)
        tl.store(v_out + to + HALF, (second * inverse).to(v_out.dtype.element_ty), mask=mask)


def quantise_heads(
    q_k_v_Lhd: tuple[Tensor, Tensor, Tensor],
    weights_2d: Tensor | None,
    rope: tuple[Tensor, Tensor] | None,
    k_mean_hd: Tensor,
    scales: tuple[float, float, Tensor],
    outputs: tuple[Tensor, Tensor, Tensor],
) -> None:
    """Queries, keys minus their mean, and values, normalised and rotated as asked, divided by ``scales`` (the values'
    a head), into ``outputs`` (L × h × d each, contiguous)."""
    q, k, v = q_k_v_Lhd
    tokens, heads, width = q.shape
    cosines, sines = rope if rope is not None else (q, q)
    rows = tokens * heads
    q_weight, k_weight = weights_2d.unbind(0) if weights_2d is not None else (q, k)
    grid: Any = (triton.cdiv(rows, ROWS), 3)
    _quantise_heads[grid](
        q, k, v, q_weight, k_weight, cosines, sines, k_mean_hd, scales[2], *outputs, rows, q.stride(0), k.stride(0),
        v.stride(0), heads, len(cosines), 1 / scales[0], 1 / scales[1], HALF=width // 2,
        NORMALISE=weights_2d is not None, ROTATE=rope is not None, ROWS=ROWS,
    )  # fmt: skip


@triton.jit
def _norm_silu(x, y, gamma, rows, channels, scale, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    column = tl.arange(0, BLOCK)
    inside = (row < rows)[:, None] & (column < channels)[None, :]
    at = row[:, None] * channels + column[None, :]
    values = tl.load(x + at, mask=inside, other=0.0).to(tl.float32)
    length = tl.maximum(tl.sqrt(tl.sum(values * values, axis=1)), TINY)
    gains = tl.load(gamma + column, mask=column < channels, other=0.0).to(tl.float32)
    normed = values * (scale / length)[:, None] * gains[None, :]
    tl.store(y + at, (normed * tl.sigmoid(normed)).to(y.dtype.element_ty), mask=inside)


def norm_silu(x_BCTHW: Tensor, gamma_C: Tensor) -> Tensor:
    """RMSNorm over the channels, then SiLU, of a tensor whose channels lie innermost (channels_last_3d)."""
    channels = x_BCTHW.shape[1]
    y = torch.empty_like(x_BCTHW)
    rows, block = x_BCTHW.numel() // channels, triton.next_power_of_2(channels)
    rows_a_program = max(1, 4096 // block)
    _norm_silu[(triton.cdiv(rows, rows_a_program),)](
        x_BCTHW, y, gamma_C, rows, channels, channels**0.5, ROWS=rows_a_program, BLOCK=block
    )
    return y
