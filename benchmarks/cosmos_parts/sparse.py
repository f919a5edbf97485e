"""Self-attention to the windows of NVIDIA's sparse checkpoints, alone and in a forward at 720."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from cosmos_parts.network import (
    DIFFUSERS_DEFAULT,
    diffusers_forward,
    diffusers_network,
    everything,
    fixed_network,
    kernels_of,
)
from cosmos_parts.random_weights import LATENT, dtype_on, random_inputs
from cosmos_parts.report import Report, peak_gib, relative, seconds
from its_core.engines.cosmos.model.inference.attention import AttentionKernel
from its_core.engines.cosmos.model.inference.elementwise import FP8, ScaledHeads, elementwise_on
from its_core.engines.cosmos.model.inference.network import Fp8Plan, PackedNetwork
from its_core.engines.cosmos.model.inference.windows import self_test_windows, windows_on
from its_core.engines.cosmos.neighbourhoods import NEIGHBOURHOODS, Neighbourhood
from its_core.engines.cosmos.shapes import SHAPES, ModelSize


def measure(report: Report, device: torch.device, size: ModelSize) -> None:
    _windows_alone(report, device, size)
    if device.type == "cuda":
        torch.cuda.empty_cache()
    _forwards(report, device, size)


def _windows_alone(report: Report, device: torch.device, size: ModelSize) -> None:
    """Each kind of window: the kernel alone, and with the copies of queries, keys, values and output."""
    shape, (frames, rows, columns) = SHAPES[size], LATENT[size, "720"]
    grid = frames, rows // 2, columns // 2
    head_width, tokens = shape.width // shape.heads, grid[0] * grid[1] * grid[2]
    kernels = kernels_of(device, size)
    best, other = kernels[0], kernels[min(1, len(kernels) - 1)]
    self_test_windows(best, device, dtype_on(device), shape.heads, head_width, fp8=True)
    q, k, v = torch.randn(3, tokens, shape.heads, head_width, device=device, dtype=dtype_on(device)).unbind(0)
    limits = q.abs().max().item(), k.abs().max().item()
    scaled = elementwise_on(device, head_width).quantise_heads(q, k, v, None, limits)
    table: list[list[Any]] = []
    patterns = NEIGHBOURHOODS[size]
    for kind in dict.fromkeys(each for each in patterns if each is not None):
        windows, density = windows_on(grid, kind, device), kind.density(*grid[1:])
        exact = windows.attend(AttentionKernel(other.name, other.version, other.attend), q, k, v)
        placed = [x[at] for x, at in zip((q, k, v), (windows.queries_L, *[windows.keys_M] * 2), strict=True)]
        runs: dict[str, tuple[Callable[[], torch.Tensor], Callable[[], torch.Tensor]]] = {
            "bf16": (partial(windows.attend, best, q, k, v), partial(best.attend_ranges, *placed, windows.ranges))
        }
        if best.attend_scaled is not None:
            heads = ScaledHeads(*(x.to(FP8) for x in placed), scaled.scales)
            kernel_alone = partial(best.attend_scaled_ranges, heads, windows.ranges)
            runs["FP8"] = (partial(windows.attend_scaled, best, scaled), kernel_alone)
        for name, (whole, alone) in runs.items():
            spent, alone_s = seconds(whole, device), seconds(alone, device)
            rate = density * 4 * tokens**2 * shape.width / alone_s / 1e12
            table.append([_words(kind), patterns.count(kind), f"{density:.1%}", name])
            table[-1] += [f"{spent * 1e3:.2f}", f"{alone_s * 1e3:.2f}", f"{rate:.0f}"]
            table[-1].append(f"{relative(whole(), exact):.1e}")
            print(table[-1], flush=True)
    head = ["window, stride, dilation", "blocks", "of all tokens", best.name, "ms", "the kernel alone, ms"]
    head += ["its TFLOP/s", f"difference from {other.name}, group by group"]
    report.table(f"Attention to windows: {tokens} tokens, {shape.heads} heads × {head_width}", head, table)


def _words(kind: Neighbourhood) -> str:
    return ", ".join(f"{rows}×{columns}" for rows, columns in (kind.window, kind.stride, kind.dilation))


def _forwards(report: Report, device: torch.device, size: ModelSize) -> None:
    """diffusers' forward and half of ours for both texts, with the same random weights."""
    inputs = random_inputs(size, device, "720")
    kernel, texts = kernels_of(device, size)[0], (inputs[2], inputs[2] * 0.5)
    steps = elementwise_on(device, SHAPES[size].width // SHAPES[size].heads)
    rows: list[list[str]] = []
    theirs = diffusers_network(size, fixed_network(size, device), device)
    theirs.set_attention_backend(DIFFUSERS_DEFAULT)
    dense_s = seconds(diffusers_forward(theirs, inputs), device, runs=1)
    rows.append(["diffusers CosmosTransformer3DModel, dense", f"{dense_s:.3f}", "1.00", "", ""])
    print(rows[-1], flush=True)
    del theirs
    reference: dict[str, torch.Tensor] = {}
    fp8 = everything(size) if kernel.attend_scaled else Fp8Plan()
    for attention, neighbourhoods in (("dense", ()), ("windows", NEIGHBOURHOODS[size])):
        for precision, plan in (("bf16", Fp8Plan()), ("FP8", fp8)):
            packed = PackedNetwork(fixed_network(size, device), kernel, steps, plan, neighbourhoods)
            run = partial(packed.for_texts, inputs[0], inputs[1], texts, inputs[3])
            output = run()[0]
            if device.type == "cuda":
                torch.cuda.empty_cache()
                torch.cuda.reset_peak_memory_stats(device)
            spent = seconds(run, device, runs=2) / 2
            exact = reference.setdefault(attention, output)
            row = [f"ours, {kernel.name}, {attention}, {precision}", f"{spent:.3f}", f"{dense_s / spent:.2f}"]
            rows.append([*row, f"{peak_gib(device):.1f}", f"{relative(output, exact):.1e}"])
            print(rows[-1], flush=True)
            del packed, run
    head = ["network", "s a forward, as a clip samples", "times diffusers", "peak GiB", "difference from bf16"]
    report.table(f"Forwards of {size} at 720, dense and sparse", head, rows)
