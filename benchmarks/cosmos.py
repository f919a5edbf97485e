"""Speed and memory of the Cosmos engine, with random weights of the true shapes.

    python benchmarks/cosmos.py --out results                       # on a GPU: the whole table
    python benchmarks/cosmos.py --out results --size tiny           # anywhere: does it run?
    python benchmarks/cosmos.py --out results --parts forward,clip

Writes ``cosmos.md`` and ``cosmos.json``. Parts: attention (kernels alone), forward (ours by attention backend, beside
diffusers' CosmosTransformer3DModel with the same weights), profile (the kernels' shares of a forward), clip (the whole
engine, 35 + 1 guided steps, VAE, MP4), 14B (one forward), two_gpus (two clips side by side, one clip over two).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import torch
from random_cosmos import LATENT, dtype_on, make_checkpoints, random_inputs, random_network, request_of
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

from its_core import video
from its_core.engines.cosmos.model.attention import attend_with, attention_backends
from its_core.engines.cosmos.model.network import LATENT_CHANNELS, Video2WorldNetwork
from its_core.engines.cosmos.options import CosmosOptions
from its_core.engines.cosmos.shapes import SHAPES, ModelSize

DIFFUSERS_DEFAULT, DIFFUSERS_CUDNN = "native", "_native_cudnn"
PARTS = ("attention", "forward", "profile", "clip", "14B", "two_gpus")


@dataclass
class Report:
    """What was measured: titled tables of rows, and the numbers for a machine."""

    lines: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def table(self, title: str, head: list[str], rows: list[list[Any]]) -> None:
        self.lines += ["", f"## {title}", "", f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
        self.lines += [f"| {' | '.join(str(cell) for cell in row)} |" for row in rows]
        self.figures[title] = [dict(zip(head, row, strict=True)) for row in rows]
        print("\n".join(self.lines[-len(rows) - 4 :]), flush=True)

    def note(self, text: str) -> None:
        self.lines += ["", text]
        print(text, flush=True)


def main() -> None:
    arguments = _arguments()
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    report = Report()
    report.note(f"# Cosmos engine: size {arguments.size}, random weights")
    report.note(_machine(device))
    measures: dict[str, Callable[[], None]] = {
        "attention": lambda: attention_kernels(report, device, arguments.size),
        "forward": lambda: forwards(report, device, arguments.size),
        "profile": lambda: kernel_shares(report, device, arguments.size),
        "clip": lambda: whole_clip(report, device, arguments.size, arguments.work),
        "14B": lambda: one_forward_of_14b(report, device),
        "two_gpus": lambda: two_gpus(report, arguments.size, arguments.work),
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    for part in arguments.parts:
        with torch.no_grad():
            measures[part]()
        if device.type == "cuda":
            torch.cuda.empty_cache()
        (arguments.out / "cosmos.md").write_text("\n".join(report.lines) + "\n", encoding="utf-8")
        (arguments.out / "cosmos.json").write_text(json.dumps(report.figures, indent=1), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for cosmos.md and cosmos.json")
    parser.add_argument("--size", choices=("2B", "tiny"), default="2B")
    parser.add_argument("--parts", default=",".join(PARTS), type=lambda text: text.split(","))
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "cosmos_benchmark")
    return parser.parse_args()


def _machine(device: torch.device) -> str:
    if device.type == "cpu":
        return f"CPU, torch {torch.__version__}"
    total = torch.cuda.get_device_properties(device).total_memory / 2**30
    return (
        f"{torch.cuda.device_count()}× {torch.cuda.get_device_name(device)}, {total:.0f} GiB each, torch "
        f"{torch.__version__}, cuDNN {torch.backends.cudnn.version()}"
    )


def seconds(work: Callable[[], Any], device: torch.device, runs: int = 3) -> float:
    """Median of ``runs`` after one warm-up."""
    spent = []
    for _ in range(runs + 1):
        _synchronize(device)
        since = time.perf_counter()
        work()
        _synchronize(device)
        spent.append(time.perf_counter() - since)
    return median(spent[1:])


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def attention_kernels(report: Report, device: torch.device, size: ModelSize) -> None:
    shape = SHAPES[size]
    frames, rows, columns = LATENT[size]
    tokens = frames * rows * columns // 4
    q, k, v = torch.randn(
        3, 1, tokens, shape.heads, shape.width // shape.heads, device=device, dtype=dtype_on(device)
    ).transpose(2, 3)
    table = []
    for backend in attention_backends(device, dtype_on(device), shape.width // shape.heads):
        if backend is SDPBackend.MATH and tokens > 10_000:
            continue  # writes the whole matrix of scores
        with sdpa_kernel(backend):
            spent = seconds(lambda: scaled_dot_product_attention(q, k, v), device)
        rate = 4 * tokens**2 * shape.width / spent / 1e12
        table.append([backend.name, round(spent * 1e3, 2), round(rate, 1)])
    title = f"Self-attention alone: {tokens} tokens, {shape.heads} heads × {shape.width // shape.heads}"
    report.table(title, ["backend", "ms", "TFLOP/s"], table)


def forwards(report: Report, device: torch.device, size: ModelSize) -> None:
    """diffusers' network, then ours by attention backend, with the same weights and inputs."""
    network, inputs = random_network(size, device), random_inputs(size, device)
    backends = attention_backends(device, dtype_on(device), SHAPES[size].width // SHAPES[size].heads)
    rows: list[list[Any]] = []

    def measure(name: str, run: Callable[[], torch.Tensor], reference: torch.Tensor | None, runs: int) -> torch.Tensor:
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        since = time.perf_counter()
        output = run()
        _synchronize(device)
        first = time.perf_counter() - since
        spent = seconds(run, device, runs)
        peak = torch.cuda.max_memory_allocated(device) / 2**30 if device.type == "cuda" else 0
        rows.append([name, f"{spent:.3f}", f"{first:.1f}", f"{peak:.1f}", _difference(output, reference)])
        print(rows[-1], flush=True)
        return output

    def ours(chosen: list[SDPBackend]) -> torch.Tensor:
        with attend_with(chosen):
            return network(*inputs)

    def both(chosen: list[SDPBackend]) -> torch.Tensor:
        x, time_BT, text, mask = inputs
        with attend_with(chosen):
            return network.for_texts(x, time_BT, (text, text * 0.5), mask)[0]

    theirs, reference = diffusers_network(size, network, device), None
    for backend in (DIFFUSERS_DEFAULT, DIFFUSERS_CUDNN) if device.type == "cuda" else (DIFFUSERS_DEFAULT,):
        theirs.set_attention_backend(backend)
        run = diffusers_forward(theirs, inputs)
        reference = measure(f"diffusers CosmosTransformer3DModel, {backend}", run, reference, runs=1)
    # Before compiling: compiled blocks keep the kernel that they were compiled with.
    for i, backend in enumerate(backends):
        if backend in (backends[0], SDPBackend.FLASH_ATTENTION):
            measure(f"ours, {backend.name}, not compiled", lambda i=i: ours(backends[i:]), reference, runs=1)
    if network.compile_blocks():
        measure(f"ours, {backends[0].name}", lambda: ours(backends), reference, runs=3)
        measure("ours, two texts together (one guided evaluation)", lambda: both(backends), reference, runs=2)
    head = ["network", "s a forward", "first call s", "peak GiB", "difference from the first row"]
    report.table(f"One forward, latent {'×'.join(map(str, LATENT[size]))}", head, rows)


def _difference(output: torch.Tensor, reference: torch.Tensor | None) -> str:
    if reference is None:
        return "0"
    return f"{((output.float() - reference.float()).norm() / reference.float().norm()).item():.1e}"


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


def kernel_shares(report: Report, device: torch.device, size: ModelSize) -> None:
    if device.type == "cpu":
        report.note("Kernels' shares: not measured, no GPU.")
        return
    from torch.profiler import ProfilerActivity, profile

    network, inputs = random_network(size, device), random_inputs(size, device)
    network.compile_blocks()
    backends = attention_backends(device, dtype_on(device), SHAPES[size].width // SHAPES[size].heads)
    with attend_with(backends):
        network(*inputs)
        with profile(activities=[ProfilerActivity.CUDA]) as trace:
            network(*inputs)
            torch.cuda.synchronize()
    kernels = sorted(trace.key_averages(), key=lambda row: -row.self_device_time_total)
    total = sum(row.self_device_time_total for row in kernels)
    kinds: dict[str, float] = {}
    for row in kernels:
        kinds[_kind(row.key)] = kinds.get(_kind(row.key), 0.0) + row.self_device_time_total
    shares = [[kind, f"{t / 1e6:.3f}", f"{t / total:.1%}"] for kind, t in sorted(kinds.items(), key=lambda p: -p[1])]
    report.table("Kernels' shares of one forward", ["kind", "s", "share"], shares)
    longest = [[r.key[:90], r.count, f"{r.self_device_time_total / 1e3:.1f}"] for r in kernels[:12]]
    report.table("The longest kernels", ["kernel", "calls", "ms"], longest)


def _kind(kernel: str) -> str:
    name = kernel.lower()
    if "sdpa" in name or "flash" in name or "fmha" in name:
        return "attention"
    if "gemm" in name or "nvjet" in name or "cutlass" in name:
        return "matrix products"
    return "fused element-wise (Triton)" if name.startswith("triton") else "other"


def whole_clip(report: Report, device: torch.device, size: ModelSize, work: Path) -> None:
    """The engine as the worker uses it: weights from disk, LoRA merged, one clip sampled, decoded and encoded."""
    from its_core.engines.cosmos import engine as cosmos

    options = make_checkpoints(size, device, work)
    since = time.perf_counter()
    engine = cosmos.load(options)
    _synchronize(device)
    loaded = time.perf_counter() - since
    request = request_of(options, work, 0)
    engine.prepare([request])
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    since = time.perf_counter()
    clip = engine.generate(request)
    video.write_mp4(work / "clip.mp4", clip.frames, options.geometry)
    total = time.perf_counter() - since
    engine.close()
    stages = clip.record["seconds"]
    peak = torch.cuda.max_memory_allocated(device) / 2**30 if device.type == "cuda" else 0
    rows = [["load (LoRA merged, preflight)", f"{loaded:.1f}"], *([k, f"{v:.1f}"] for k, v in stages.items())]
    rows += [["MP4 encoding", f"{total - sum(stages.values()):.1f}"], ["**the whole clip**", f"**{total:.1f}**"]]
    rows += [["peak memory, GiB", f"{peak:.1f}"], ["attention", clip.record["attention"]]]
    steps = clip.record["steps"]
    title = f"One clip: {options.geometry.frames} frames, {steps} + 1 guided evaluations, seconds"
    report.table(title, ["stage", "value"], rows)


def one_forward_of_14b(report: Report, device: torch.device) -> None:
    if device.type == "cpu":
        report.note("14B: not measured, no GPU.")
        return
    network, inputs = random_network("14B", device), random_inputs("14B", device)
    network.compile_blocks()
    torch.cuda.reset_peak_memory_stats(device)
    with attend_with(attention_backends(device, dtype_on(device), 128)):
        spent = seconds(lambda: network(*inputs), device, runs=1)
    peak = torch.cuda.max_memory_allocated(device) / 2**30
    report.table("14B on one GPU, one forward", ["s", "peak GiB"], [[f"{spent:.2f}", f"{peak:.1f}"]])


def two_gpus(report: Report, size: ModelSize, work: Path) -> None:
    """Two clips side by side and one clip over two GPUs, as the worker runs them; sampling seconds from receipts."""
    if torch.cuda.device_count() < 2 and size != "tiny":
        report.note(f"Two GPUs: not measured, this machine has {torch.cuda.device_count()}.")
        return
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    options = make_checkpoints(size, device, work)
    alone = _sampling_seconds(options, work, processes=1, clips=1)
    beside = _sampling_seconds(options, work, processes=2, clips=2)
    shared = _sampling_seconds(options, work, processes=2, clips=1)
    rows = [
        ["one clip, one GPU", f"{alone:.1f}", ""],
        ["two clips, one each", f"{beside:.1f}", f"{2 * alone / beside:.2f}×"],
        ["one clip over both", f"{shared:.1f}", f"{alone / shared:.2f}×"],
    ]
    report.table("Two GPUs: sampling", ["", "s", "throughput"], rows)


def _sampling_seconds(options: CosmosOptions, work: Path, processes: int, clips: int) -> float:
    from its_core.engines.cosmos.engine import flags

    folder = Path(tempfile.mkdtemp(dir=work))
    requests = [request_of(options, work, number) for number in range(clips)]
    entries = [
        {"input_video": r.input_path, "prompt": r.prompt, "output_video": f"{folder}/{r.clip_id}.mp4", "seed": r.seed}
        for r in requests
    ]
    (folder / "batch.json").write_text(json.dumps(entries), encoding="utf-8")
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    worker = ["-m", "its_core.shards.worker", "--batch_input_json", str(folder / "batch.json"), *flags(options)]
    shared = ["--num_gpus", str(processes)]
    subprocess.run([*launch, *worker, *shared], check=True, env=dict(os.environ, OMP_NUM_THREADS="4"))
    records = [json.loads(file.read_text())["record"] for file in folder.glob("*.receipt.json")]
    return max(record["seconds"]["sampling"] for record in records)


if __name__ == "__main__":
    main()
