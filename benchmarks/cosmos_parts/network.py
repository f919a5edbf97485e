"""The network of the Cosmos engine alone: attention kernels, a forward beside diffusers', its kernels, FP8's errors."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch

from cosmos_parts import cudnn_fp8
from cosmos_parts.random_weights import LATENT, dtype_on, random_inputs, random_network, structured_network
from cosmos_parts.report import Report, peak_gib, relative, seconds, synchronize
from its_core.engines.cosmos.model import sampling
from its_core.engines.cosmos.model.inference.attention import AttentionKernel, installed_kernels, plain_attention, runs
from its_core.engines.cosmos.model.inference.elementwise import Elementwise, PyTorch, elementwise_on
from its_core.engines.cosmos.model.inference.network import ATTENTION, PRODUCTS, Fp8Plan, PackedNetwork
from its_core.engines.cosmos.model.inference.precision import measure_fp8
from its_core.engines.cosmos.model.network import LATENT_CHANNELS, Video2WorldNetwork
from its_core.engines.cosmos.model.parallel import ClipGroup
from its_core.engines.cosmos.shapes import SHAPES, ModelSize

DIFFUSERS_DEFAULT, DIFFUSERS_CUDNN = "native", "_native_cudnn"
SLOW = ("math", "efficient_attention")


def kernels_of(device: torch.device, size: ModelSize) -> list[AttentionKernel]:
    """Those that run here, without those that would take minutes."""
    shape = SHAPES[size]
    heads, width = shape.heads, shape.width // shape.heads
    found = [k for k in installed_kernels(device) if runs(k, device, dtype_on(device), heads, width)]
    return [kernel for kernel in found if kernel.name not in SLOW] or found[:1]


def tokens_of(size: ModelSize, resolution: str) -> int:
    frames, rows, columns = LATENT[size, resolution]
    return frames * rows * columns // 4


def attention_kernels(report: Report, device: torch.device, size: ModelSize, resolution: str) -> None:
    shape, tokens = SHAPES[size], tokens_of(size, resolution)
    head_width = shape.width // shape.heads
    q, k, v = torch.randn(3, 1, tokens, shape.heads, head_width, device=device, dtype=dtype_on(device))
    steps = elementwise_on(device, head_width)
    table: list[list[Any]] = []

    def row(name: str, work: Callable[[], Any], error: str = "") -> None:
        spent = seconds(work, device)
        table.append([name, f"{spent * 1e3:.2f}", f"{4 * tokens**2 * shape.width / spent / 1e12:.1f}", error])
        print(table[-1], flush=True)

    kernels = kernels_of(device, size)
    reference = kernels[0].attend(q, k, v)
    for kernel in kernels:
        row(
            f"{kernel.name} {kernel.version}",
            lambda at=kernel: at.attend(q, k, v),
            _error(kernel.attend(q, k, v), reference),
        )
    for kernel in kernels:
        if kernel.attend_scaled is not None:
            limits = q.abs().max().item(), k.abs().max().item()
            scaled = steps.quantise_heads(q[0], k[0], v[0], None, limits)
            attend = partial(kernel.attend_scaled, scaled, 1)
            row(f"{kernel.name} FP8", attend, _error(attend(), reference))
            quantising = seconds(partial(steps.quantise_heads, q[0], k[0], v[0], None, limits), device)
            table.append(["quantising queries, keys and values", f"{quantising * 1e3:.2f}", "", ""])
            if device.type == "cuda" and cudnn_fp8.is_installed():
                run, result = cudnn_fp8.attention(scaled, v[0], largest=20 * reference.abs().mean().item())
                run()
                row(f"cuDNN FP8, {cudnn_fp8.version()}", run, _error(result()[None], reference))
    title = f"Self-attention alone: {tokens} tokens, {shape.heads} heads × {head_width}"
    report.table(title, ["kernel", "ms", "TFLOP/s", "difference from the first row"], table)
    attention_errors(report, device, kernels, steps, head_width)


def attention_errors(
    report: Report, device: torch.device, kernels: list[AttentionKernel], steps: Elementwise, head_width: int
) -> None:
    """Distances from attention in float32; trained networks' queries and keys are peaked, and keys have an offset."""
    plain = torch.randn(3, 1, 2048, 4, head_width, device=device)
    offset = torch.zeros(head_width, device=device)
    offset[3], offset[11] = 30.0, -12.0
    peaked = (plain[0] * 3, plain[1] * 3 + offset, plain[2] + 2)
    rows = []
    for kernel in kernels:
        found = []
        for tensors in (plain.unbind(0), peaked):
            q, k, v = (x.to(dtype_on(device)) for x in tensors)
            exact = plain_attention(q, k, v)
            found.append([_error(kernel.attend(q, k, v), exact), ""])
            if kernel.attend_scaled is not None:
                limits = q.abs().max().item(), k.abs().max().item()
                scaled = steps.quantise_heads(q[0], k[0], v[0], None, limits)
                found[-1][1] = _error(kernel.attend_scaled(scaled, 1), exact)
        rows.append([kernel.name, found[0][0], found[1][0]])
        if kernel.attend_scaled is not None:
            rows.append([f"{kernel.name} FP8", found[0][1], found[1][1]])
    report.table("Errors of attention, 2048 tokens", ["kernel", "Gaussian", "peaked, keys with an offset"], rows)


def _error(output: torch.Tensor, reference: torch.Tensor) -> str:
    return f"{relative(output, reference):.1e}"


def variants(device: torch.device, size: ModelSize) -> Iterator[tuple[str, AttentionKernel, Elementwise, Fp8Plan]]:
    """What a forward is measured with: each attention kernel, then FP8 part by part."""
    shape = SHAPES[size]
    kernels, steps = kernels_of(device, size), elementwise_on(device, shape.width // shape.heads)
    cudnn = next((kernel for kernel in kernels if "cudnn" in kernel.name), kernels[0])
    yield f"{cudnn.name}, element-wise steps not fused", cudnn, PyTorch(), Fp8Plan()
    for kernel in dict.fromkeys([cudnn, kernels[0]]):
        yield f"{kernel.name}, {steps.name}", kernel, steps, Fp8Plan()
    complete = everything(size)
    products = Fp8Plan(frozenset(name for name in complete.names if not name.endswith(ATTENTION)))
    yield f"{kernels[0].name}, {steps.name}, FP8 products", kernels[0], steps, products
    if kernels[0].attend_scaled is not None:
        yield f"{kernels[0].name}, {steps.name}, FP8 products and attention", kernels[0], steps, complete


def forwards(report: Report, device: torch.device, size: ModelSize, resolution: str, theirs: bool = True) -> None:
    """diffusers' network, then ours by kernel and precision, with the same weights and inputs."""
    inputs = random_inputs(size, device, resolution)
    rows: list[list[Any]] = []
    reference: torch.Tensor | None = None

    def measure(name: str, run: Callable[[], torch.Tensor], repeats: int) -> None:
        nonlocal reference
        if device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(device)
        since = time.perf_counter()
        output = run()
        synchronize(device)
        first = time.perf_counter() - since
        spent = seconds(run, device, repeats, warm_ups=0)
        reference = output if reference is None else reference
        rows.append([name, f"{spent:.3f}", f"{first:.1f}", f"{peak_gib(device):.1f}", _error(output, reference)])
        print(rows[-1], flush=True)

    if theirs:
        network = diffusers_network(size, fixed_network(size, device), device)
        network.set_attention_backend(DIFFUSERS_DEFAULT)
        measure(f"diffusers CosmosTransformer3DModel, {DIFFUSERS_DEFAULT}", diffusers_forward(network, inputs), 1)
        del network
    best, texts = kernels_of(device, size)[0].name, (inputs[2], inputs[2] * 0.5)
    pair = [torch.cat([part, part]) for part in (inputs[0], inputs[1], inputs[3])]
    for name, kernel, steps, plan in variants(device, size):
        packed = PackedNetwork(fixed_network(size, device), kernel, steps, plan)
        run = packed.for_texts
        measure(f"ours, {name}", lambda run=run: run(inputs[0], inputs[1], texts[:1], inputs[3])[0], 2)
        if kernel.name == best and steps.name != "torch" and not name.endswith("FP8 products"):
            both = "the same, both texts of a guided evaluation"
            measure(both, lambda run=run: run(inputs[0], inputs[1], texts, inputs[3])[0], 1)
        if kernel.name == best and steps.name != "torch" and not plan.names:
            batch = "the same, both texts as a batch"
            measure(batch, lambda run=run: run(pair[0], pair[1], [torch.cat(texts)], pair[2])[0][:1], 1)
        del packed, run
    head = ["network", "s a forward", "first call s", "peak GiB", "difference from the first row"]
    report.table(f"One forward of {size}, latent {'×'.join(map(str, LATENT[size, resolution]))}", head, rows)


def forwards_by_weights(report: Report, device: torch.device, size: ModelSize, resolution: str) -> None:
    """diffusers' forward and half of ours for both texts, with the fastest kernels, on plain random weights and on
    weights with the structure of trained networks: the more peaked attention is, the less power its products take."""
    inputs = random_inputs(size, device, resolution)
    kernel, texts = kernels_of(device, size)[0], (inputs[2], inputs[2] * 0.5)
    steps = elementwise_on(device, SHAPES[size].width // SHAPES[size].heads)
    rows: list[list[str]] = []
    for kind, make in (("random", fixed_network), ("structured", structured_network)):
        network = diffusers_network(size, make(size, device), device)
        network.set_attention_backend(DIFFUSERS_DEFAULT)
        theirs = seconds(diffusers_forward(network, inputs), device, runs=1)
        rows.append([kind, "diffusers CosmosTransformer3DModel", f"{theirs:.3f}", "1.00"])
        print(rows[-1], flush=True)
        del network
        for name, plan in (("bf16", Fp8Plan()), ("FP8", everything(size) if kernel.attend_scaled else Fp8Plan())):
            packed = PackedNetwork(make(size, device), kernel, steps, plan)
            spent = seconds(partial(packed.for_texts, inputs[0], inputs[1], texts, inputs[3]), device, runs=1) / 2
            rows.append([kind, f"ours, {kernel.name}, {name}", f"{spent:.3f}", f"{theirs / spent:.2f}"])
            print(rows[-1], flush=True)
            del packed
    head = ["weights", "network", "s a forward, as a clip samples", "times diffusers"]
    report.table(f"Forwards of {size} at {resolution} by weights", head, rows)


def fixed_network(size: ModelSize, device: torch.device) -> Video2WorldNetwork:
    """The same random weights every time."""
    torch.manual_seed(0)
    return random_network(size, device)


def diffusers_network(size: ModelSize, network: Video2WorldNetwork, device: torch.device) -> Any:
    """diffusers' network with the weights of ours; both masks are given as input channels."""
    from diffusers import CosmosTransformer3DModel
    from diffusers.loaders.single_file_utils import convert_cosmos_transformer_checkpoint_to_diffusers

    shape = SHAPES[size]
    with torch.device("meta"):
        theirs: Any = CosmosTransformer3DModel(
            in_channels=LATENT_CHANNELS + 2,
            out_channels=LATENT_CHANNELS,
            num_attention_heads=shape.heads,
            attention_head_dim=shape.width // shape.heads,
            num_layers=shape.blocks,
            text_embed_dim=shape.text_width,
            adaln_lora_dim=shape.adaln_rank,
            max_size=(128, 240, 240),
            patch_size=(1, 2, 2),
            rope_scale=shape.rope_ratio,
            concat_padding_mask=False,
            extra_pos_embed_type=None,
        )
    state = {f"net.{key}": value for key, value in network.state_dict().items()}
    theirs.load_state_dict(convert_cosmos_transformer_checkpoint_to_diffusers(state), strict=True, assign=True)
    return theirs.to(device).eval()


def diffusers_forward(theirs: Any, inputs: tuple[torch.Tensor, ...]) -> Callable[[], torch.Tensor]:
    x, time_BT, text, mask = inputs
    dtype = text.dtype
    masks = torch.cat([mask, torch.zeros_like(mask)], dim=1).to(dtype)
    timestep = time_BT[:, None, :, None, None].to(dtype)
    return lambda: theirs(x.to(dtype), timestep, text, fps=None, condition_mask=masks, return_dict=False)[0]


def diffusers_forward_s(device: torch.device, size: ModelSize, resolution: str) -> float:
    """Seconds of a forward of diffusers' network, with random weights."""
    network = diffusers_network(size, fixed_network(size, device), device)
    network.set_attention_backend(DIFFUSERS_DEFAULT)
    spent = seconds(diffusers_forward(network, random_inputs(size, device, resolution)), device, runs=1)
    del network
    if device.type == "cuda":
        torch.cuda.empty_cache()
    return spent


def kernel_shares(report: Report, device: torch.device, size: ModelSize, resolution: str) -> None:
    """Where a forward's time goes, with the fastest kernels in 16 and in 8 bits."""
    if device.type == "cpu":
        report.note("Kernels' shares: not measured, no GPU.")
        return
    from torch.profiler import ProfilerActivity, profile

    inputs = random_inputs(size, device, resolution)
    chosen = {
        ("FP8" if plan.names else "bf16"): (kernel, steps, plan) for _, kernel, steps, plan in variants(device, size)
    }
    for name, (_, steps, plan) in chosen.items():
        packed = PackedNetwork(fixed_network(size, device), kernels_of(device, size)[0], steps, plan)
        packed.for_texts(inputs[0], inputs[1], inputs[2:3], inputs[3])
        with profile(activities=[ProfilerActivity.CUDA]) as trace:
            packed.for_texts(inputs[0], inputs[1], inputs[2:3], inputs[3])
            torch.cuda.synchronize()
        kernels = sorted(trace.key_averages(), key=lambda row: -row.self_device_time_total)
        total = sum(row.self_device_time_total for row in kernels)
        kinds: dict[str, float] = {}
        for row in kernels:
            kinds[_kind(row.key)] = kinds.get(_kind(row.key), 0.0) + row.self_device_time_total
        parts = sorted(kinds.items(), key=lambda pair: -pair[1])
        shares = [[kind, f"{t / 1e6:.3f}", f"{t / total:.1%}"] for kind, t in parts]
        report.table(f"Time by part of one forward, {name}", ["part", "s", "share"], shares)
        longest = [[r.key[:90], r.count, f"{r.self_device_time_total / 1e3:.1f}"] for r in kernels[:14]]
        report.table(f"The longest kernels, {name}", ["kernel", "calls", "ms"], longest)


def _kind(kernel: str) -> str:
    name = kernel.lower()
    if any(word in name for word in ("sdpa", "flash", "fmha", "mha_fwd")):
        return "attention"
    if any(word in name for word in ("gemm", "nvjet", "cutlass", "cublas", "splitk")):
        return "matrix products"
    ours = ("_add_normalise", "_activate", "_norm_rotate", "_quantise_heads", "_head_statistics")
    return "fused element-wise (Triton)" if name.startswith(ours) else "other"


def fp8_errors(report: Report, device: torch.device, size: ModelSize) -> None:
    """What FP8 changes: a layer, a forward and a trajectory, beside two kernels of 16 bits, on plain random weights and
    on weights with the outliers and the structure of trained networks."""
    kernels = kernels_of(device, size)
    best, other = kernels[0], kernels[-1]
    steps = elementwise_on(device, SHAPES[size].width // SHAPES[size].heads)
    rows: list[list[Any]] = []
    for kind, make in (("random", fixed_network), ("structured", structured_network)):
        errors = measure_fp8(make(size, device), best)
        by_layer: dict[str, list[float]] = {}
        for name, error in errors.of.items():
            by_layer.setdefault(name.rpartition(".")[2], []).append(error)
        for layer, found in by_layer.items():
            rows.append([kind, f"a layer: {layer}", f"{sum(found) / len(found):.3f}", f"{max(found):.3f}"])
        rows.append([kind, "layers kept in 16 bits", len(errors.kept()), ""])
        plans = {"bf16": (best, Fp8Plan()), other.name: (other, Fp8Plan()), "FP8": (best, errors.plan())}
        for what, run in (
            ("a forward", _forward),
            ("the final latent", _trajectory),
            ("a forward at 720", _full_forward),
        ):
            outputs = {
                name: run(PackedNetwork(make(size, device), kernel, steps, plan), size, device)
                for name, (kernel, plan) in plans.items()
            }
            for name in (other.name, "FP8"):
                rows.append([kind, f"{what}: {name} from {best.name}", _error(outputs[name], outputs["bf16"]), ""])
        for row in rows[-6:]:
            print(row, flush=True)
    report.table(f"Errors of FP8, {size}", ["weights", "what", "relative error (mean)", "largest"], rows)


def _forward(packed: PackedNetwork, size: ModelSize, device: torch.device, latent: str = "small") -> torch.Tensor:
    x, time_BT, text, mask = random_inputs(size, device, latent)
    return packed.for_texts(x, time_BT, (text,), mask)[0]


def _full_forward(packed: PackedNetwork, size: ModelSize, device: torch.device) -> torch.Tensor:
    return _forward(packed, size, device, "720")


def _trajectory(packed: PackedNetwork, size: ModelSize, device: torch.device) -> torch.Tensor:
    """The latent at the end of sampling, of a small clip."""
    x, _, text, mask = random_inputs(size, device, "small")
    given = torch.where(mask > 0, x, torch.zeros_like(x))
    denoise = sampling.guided(packed.for_texts, (text, text * 0.5), 7.0, given, mask, ClipGroup())
    return sampling.sample(denoise, sampling.initial_noise(3, tuple(x.shape)).to(device))


def one_forward_of_14b(report: Report, device: torch.device) -> None:
    """diffusers' forward, warmed up on a small latent, then ours, with random weights."""
    if device.type == "cpu":
        report.note("14B: not measured, no GPU.")
        return
    inputs = random_inputs("14B", device, "720")
    kernels, steps = kernels_of(device, "14B"), elementwise_on(device, 128)
    rows = []

    def measure(name: str, run: Callable[[], Any], warm_ups: int) -> None:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
        spent = seconds(run, device, runs=1, warm_ups=warm_ups)
        rows.append([name, f"{spent:.2f}", f"{peak_gib(device):.1f}"])
        print(rows[-1], flush=True)

    network = diffusers_network("14B", fixed_network("14B", device), device)
    network.set_attention_backend(DIFFUSERS_DEFAULT)
    diffusers_forward(network, random_inputs("14B", device, "small"))()
    measure("diffusers CosmosTransformer3DModel", diffusers_forward(network, inputs), 0)
    del network
    for name, plan in (("bf16", Fp8Plan()), ("FP8", everything("14B") if kernels[0].attend_scaled else Fp8Plan())):
        packed = PackedNetwork(fixed_network("14B", device), kernels[0], steps, plan)
        measure(f"ours, {name}, {kernels[0].name}", partial(packed.for_texts, *inputs[:2], inputs[2:3], inputs[3]), 1)
        del packed
    report.table("14B on one GPU, one forward", ["network", "s", "peak GiB"], rows)


def everything(size: ModelSize) -> Fp8Plan:
    names = (*PRODUCTS, ATTENTION)
    return Fp8Plan(frozenset(f"blocks.{index}.{name}" for index in range(SHAPES[size].blocks) for name in names))
