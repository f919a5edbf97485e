"""Speed and memory of a LoRA training iteration, with random weights of the true shapes.

    python benchmarks/post_training.py --out results                          # on a GPU
    python benchmarks/post_training.py --out results --size tiny              # anywhere: does it run?
    python benchmarks/post_training.py --out results --parts ceilings,keep    # some of it

Writes ``post_training.md`` and ``post_training.json``. Needs torch, einops, peft, numpy and safetensors, and this
checkout. Parts: ceilings (attention and matrix products alone), plain (PyTorch's checkpointing block by block, for
comparison), keep and offload (our two settings; offload under a limit of 22 GiB), profile (the kernels' shares), 480p,
texts (T5-11B; needs transformers), latents (Wan's VAE; needs diffusers), 14B (one iteration, offload), two_gpus (data
and context parallel under torchrun). One iteration is one clip: forward, backward, optimiser.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import torch
from cosmos_parts.report import machine
from torch import Tensor
from torch.utils.checkpoint import checkpoint

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from its_core.engines.cosmos.model.attention import attend_with, attention_backends
from its_core.engines.cosmos.model.network import Video2WorldNetwork, unpatch
from its_core.engines.cosmos.shapes import SHAPES
from its_core.post_training.model import groups
from its_core.post_training.model.activations import OnDevice, OnHost
from its_core.post_training.model.draws import Draw
from its_core.post_training.model.groups import TrainingGroup
from its_core.post_training.model.learner import Learner, Sample
from its_core.post_training.model.lora import LoraSettings, add_lora
from its_core.post_training.model.optimiser import LoraOptimiser
from its_core.post_training.model.schedule import Schedule
from its_core.post_training.model.training_network import TrainingNetwork

LATENT = {"720": (24, 88, 160), "480": (24, 54, 96), "tiny": (4, 12, 20)}
TARGETS = ("q_proj", "k_proj", "v_proj", "output_proj", "mlp.layer1", "mlp.layer2")
RANKS = {"2B": 16, "14B": 32, "tiny": 4}
PARTS = ("ceilings", "plain", "keep", "offload", "profile", "480p", "texts", "latents", "14B", "two_gpus")
BY_DEFAULT = ("ceilings", "plain", "keep", "offload", "profile", "480p")
SMALL_CARD_GIB = 22.0
GIB = 2**30


@dataclass
class Report:
    lines: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def table(self, title: str, rows: list[dict[str, Any]]) -> None:
        head = list(rows[0])
        self.lines += ["", f"## {title}", "", f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
        self.lines += [f"| {' | '.join(str(cell) for cell in row.values())} |" for row in rows]
        self.figures[title] = rows
        print("\n".join(self.lines[-len(rows) - 4 :]), flush=True)

    def note(self, text: str) -> None:
        self.lines += ["", text]
        print(text, flush=True)


def main() -> None:
    arguments = _arguments()
    if arguments.worker:
        worker(arguments)
        return
    device = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    report, size = Report(), arguments.size
    report.note(f"# A LoRA training iteration: size {size}, random weights, rank {RANKS[size]}")
    report.note(machine(device))
    measures: dict[str, Callable[[], None]] = {
        "ceilings": lambda: ceilings(report, device, size),
        "plain": lambda: iterations(report, device, size, "plain", arguments.runs),
        "keep": lambda: iterations(report, device, size, "keep", arguments.runs),
        "offload": lambda: iterations(report, device, size, "offload", arguments.runs),
        "profile": lambda: profile(report, device, size),
        "480p": lambda: iterations(report, device, size, "keep", arguments.runs, "480"),
        "texts": lambda: texts(report, device, size),
        "latents": lambda: latents(report, device, size),
        "14B": lambda: iterations(report, device, "14B" if size == "2B" else size, "offload", 1),
        "two_gpus": lambda: two_gpus(report, size, arguments.out),
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    for part in arguments.parts:
        since = time.perf_counter()
        measures[part]()
        print(f"({part}: {time.perf_counter() - since:.0f} s)", flush=True)
        if device.type == "cuda":
            torch.cuda.empty_cache()
        (arguments.out / "post_training.md").write_text("\n".join(report.lines) + "\n", encoding="utf-8")
        (arguments.out / "post_training.json").write_text(json.dumps(report.figures, indent=1), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for post_training.md and post_training.json")
    parser.add_argument("--size", choices=("2B", "tiny"), default="2B")
    parser.add_argument("--parts", default=BY_DEFAULT, type=lambda text: tuple(text.split(",")), help=", ".join(PARTS))
    parser.add_argument("--runs", type=int, default=2, help="iterations that are timed, after one that is not")
    parser.add_argument("--worker", choices=("data", "context"), help=argparse.SUPPRESS)
    return parser.parse_args()


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _latent(size: str, resolution: str) -> tuple[int, int, int]:
    return LATENT["tiny" if size == "tiny" else resolution]


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


def ceilings(report: Report, device: torch.device, size: str) -> None:
    """What attention and matrix products reach alone at the network's sizes."""
    width, (frames, rows, columns) = SHAPES[size].width, _latent(size, "720")  # type: ignore[index]
    tokens = frames * rows * columns // 4
    table = attention_alone(device, size, tokens)
    for name, outer in (("square", width), ("MLP up", 4 * width)):
        x = torch.randn(tokens, width, device=device, dtype=_dtype(device))
        weight = torch.randn(outer, width, device=device, dtype=_dtype(device))
        spent = seconds(lambda x=x, weight=weight: torch.nn.functional.linear(x, weight), device)
        table.append(_rate(f"matrix product, {name}, {width} × {outer}", spent, 2 * tokens * width * outer))
    report.table(f"Alone, {tokens} tokens, {_dtype(device)}", table)


def attention_alone(device: torch.device, size: str, tokens: int) -> list[dict[str, Any]]:
    shape, dtype = SHAPES[size], _dtype(device)  # type: ignore[index]
    head_width = shape.width // shape.heads
    leaves = [
        torch.randn(1, tokens, shape.heads, head_width, device=device, dtype=dtype).transpose(1, 2).requires_grad_()
        for _ in range(3)
    ]
    backends = attention_backends(device, dtype, head_width)
    forward_flop = 4 * tokens**2 * shape.width
    attend = torch.nn.functional.scaled_dot_product_attention
    with attend_with(backends):
        with torch.no_grad():
            forward = seconds(lambda: attend(*leaves), device)
        out = attend(*leaves)
        grad = torch.randn_like(out)
        backward = seconds(lambda: torch.autograd.grad(out, leaves, grad, retain_graph=True), device)
    name = backends[0].name.lower()
    return [
        _rate(f"attention forward, {name}", forward, forward_flop),
        _rate(f"attention backward, {name}", backward, 2.5 * forward_flop),
    ]


def _rate(what: str, spent: float, flop: float) -> dict[str, Any]:
    return {"what": what, "ms": f"{spent * 1e3:.2f}", "TFLOP/s": f"{flop / spent / 1e12:.1f}"}


def _dtype(device: torch.device) -> torch.dtype:
    return torch.bfloat16 if device.type == "cuda" else torch.float32


def random_network(size: str, device: torch.device) -> Video2WorldNetwork:
    before = torch.get_default_dtype()
    torch.set_default_dtype(_dtype(device))
    torch.manual_seed(0)
    try:
        with device:
            network = Video2WorldNetwork(SHAPES[size])  # type: ignore[index]
    finally:
        torch.set_default_dtype(before)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim == 2:
                parameter.normal_(std=0.6 * parameter.shape[1] ** -0.5)
    return network


def random_sample(size: str, resolution: str) -> Sample:
    generator = torch.Generator().manual_seed(1)
    latent = torch.randn(16, *_latent(size, resolution), generator=generator)
    text = torch.randn(512, SHAPES[size].text_width, generator=generator) * 0.2  # type: ignore[index]
    text[120:] = 0
    return Sample("random", latent, text, Draw(sigma=5.0, given_frames=1, text_kept=True, noise_seed=7))


class TimedLearner(Learner):
    """Notes when the forward pass of a clip is over."""

    forward_over = 0.0

    def _loss_part(self, sample: Sample) -> Tensor:
        part = super()._loss_part(sample)
        _synchronize(self._device)
        self.forward_over = time.perf_counter()
        return part


def learner_of(size: str, setting: str, group: TrainingGroup, device: torch.device) -> tuple[TimedLearner, bool]:
    network = random_network(size, device)
    network.share = group.share
    weights = add_lora(network, LoraSettings(RANKS[size], RANKS[size], TARGETS), seed=0)
    with torch.no_grad():
        for name, weight in weights.items():
            if ".lora_B." in name:
                weight.normal_(std=0.02)
    schedule = Schedule(2**-14.5, warm_up=0, cycle=1000, peak=0.6, end=0.0)
    optimiser = LoraOptimiser(weights, schedule, weight_decay=0.1, clip_norm=1.0)
    training: Any
    if setting == "plain":
        compiled = network.compile_blocks()
        training = PlainNetwork(network)
    else:
        training = TrainingNetwork(network, OnHost(device) if setting == "offload" else OnDevice())
        compiled = training.compile_stages()
    shape = SHAPES[size]  # type: ignore[index]
    backends = attention_backends(device, _dtype(device), shape.width // shape.heads)
    return TimedLearner(training, optimiser, group, device, backends), compiled


class PlainNetwork(torch.nn.Module):
    """PyTorch's own checkpointing around each (compiled) block: what ours is compared with."""

    def __init__(self, network: Video2WorldNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, time_BT: Tensor, text: Tensor, given: Tensor) -> Tensor:
        network, share = self.network, self.network.share
        with torch.no_grad():
            tokens, times, rope = network.embed(x, time_BT, given)
        tokens.requires_grad_()
        text = text.to(tokens.dtype)
        for number, block in enumerate(network.blocks):
            run: Any = block
            if number == 0:  # the engine compiles the two halves of the first block

                def run(x: Tensor, times: Any, text: Tensor, rope: Any, share: Any, block: Any = block) -> Tensor:
                    return block.attend_to_text(block.attend_to_itself(x, times, rope, share), times, text)

            tokens = checkpoint(run, tokens, times, text, rope, share, use_reentrant=False)
        return unpatch(network.final_layer(tokens, times), x.shape[3])


def iterations(
    report: Report, device: torch.device, size: str, setting: str, runs: int, resolution: str = "720"
) -> None:
    """Seconds and peak memory of whole iterations; for offload the device is limited to SMALL_CARD_GIB."""
    limited = setting == "offload" and device.type == "cuda" and size == "2B"
    if limited:
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(SMALL_CARD_GIB * GIB / total, device)
    row = measure(size, setting, TrainingGroup(), device, runs, resolution)
    if limited:
        torch.cuda.set_per_process_memory_fraction(1.0, device)
        row["limit GiB"] = SMALL_CARD_GIB
    shape, (frames, rows, columns) = SHAPES[size], _latent(size, resolution)  # type: ignore[index]
    tokens = frames * rows * columns // 4
    report.table(f"One iteration, {size}, {tokens} tokens, {setting}", [row])
    attention = 4 * tokens**2 * shape.width * shape.blocks / 1e15
    linear = 2 * tokens * shape.width**2 * 14 * shape.blocks / 1e15
    attentions = 4.5 if setting == "plain" else 3.5  # forward 1, backward 2.5, and forward again
    report.note(
        f"PFLOP a forward: attention {attention:.3f}, linear layers {linear:.3f}; an iteration: attention × "
        f"{attentions} + linear layers × 3 = {attention * attentions + linear * 3:.3f}"
    )


def measure(
    size: str, setting: str, group: TrainingGroup, device: torch.device, runs: int, resolution: str
) -> dict[str, Any]:
    learner, compiled = learner_of(size, setting, group, device)
    sample, times = random_sample(size, resolution), []
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    for iteration in range(runs + 1):
        _synchronize(device)
        since = time.perf_counter()
        loss = learner.learn(sample, 1.0)
        _synchronize(device)
        learnt = time.perf_counter()
        step = learner.step(iteration)
        _synchronize(device)
        over = time.perf_counter()
        times.append((over - since, learner.forward_over - since, learnt - learner.forward_over, over - learnt))
        print(
            f"  {setting} iteration {iteration}: {times[-1]}, loss {loss:.4f}, norm {step.gradient_norm:.5f}",
            flush=True,
        )
    whole, forward, backward, stepping = (median(part) for part in zip(*times[1:], strict=True))
    row = {
        "s an iteration": f"{whole:.3f}",
        "forward": f"{forward:.3f}",
        "backward": f"{backward:.3f}",
        "optimiser": f"{stepping:.3f}",
        "first iteration": f"{times[0][0]:.1f}",
        "compiled": compiled,
        "loss of the first": f"{loss:.5f}",
        "gradient norm": f"{step.gradient_norm:.5f}",
    }
    if device.type == "cuda":
        row["peak GiB allocated"] = f"{torch.cuda.max_memory_allocated(device) / GIB:.2f}"
        row["peak GiB reserved"] = f"{torch.cuda.max_memory_reserved(device) / GIB:.2f}"
    return row


KINDS = (
    ("attention backward", ("bprop", "bwd")),
    ("attention forward", ("fprop", "flash", "fmha", "sdpa")),
    ("matrix products", ("nvjet", "gemm", "cutlass", "gemv")),
    ("fused element-wise (Triton)", ("triton",)),
    ("copies", ("memcpy", "memset")),
)


def profile(report: Report, device: torch.device, size: str) -> None:
    """The kernels' shares of one iteration."""
    if device.type != "cuda":
        return
    learner, _ = learner_of(size, "keep", TrainingGroup(), device)
    sample = random_sample(size, "720")
    learner.learn(sample, 1.0)
    learner.step(0)
    activities = [torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=activities) as watch:
        learner.learn(sample, 1.0)
        learner.step(1)
        torch.cuda.synchronize(device)
    spent: Counter[str] = Counter()
    longest = []
    for event in watch.key_averages():
        if event.self_device_time_total <= 0:
            continue
        kind = next((kind for kind, words in KINDS if any(word in event.key.lower() for word in words)), "other")
        spent[kind] += event.self_device_time_total / 1e6
        longest.append((event.self_device_time_total / 1e3, event.count, event.key))
    total = sum(spent.values())
    rows = [{"kind": kind, "s": f"{s:.3f}", "share": f"{s / total:.1%}"} for kind, s in spent.most_common()]
    report.table("Kernels' shares of one iteration (keep)", rows)
    longest.sort(reverse=True)
    rows = [{"kernel": name[:110], "calls": count, "ms": f"{ms:.1f}"} for ms, count, name in longest[:16]]
    report.table("The longest kernels", rows)


def texts(report: Report, device: torch.device, size: str) -> None:
    """T5-11B's encoder with random weights: seconds a caption."""
    from transformers import T5Config, T5EncoderModel

    large = {"d_model": 1024, "d_kv": 128, "d_ff": 65536, "num_layers": 24, "num_heads": 128, "vocab_size": 32128}
    small = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 1, "num_heads": 4, "vocab_size": 100}
    config = T5Config(**(small if size == "tiny" else large))
    before = torch.get_default_dtype()
    torch.set_default_dtype(_dtype(device))
    with device:
        model = T5EncoderModel(config).eval()
    torch.set_default_dtype(before)
    rows = []
    for batch in (1, 8):
        ids = torch.randint(3, config.vocab_size, (batch, 512), device=device)
        with torch.no_grad():
            spent = seconds(lambda ids=ids: model(input_ids=ids, attention_mask=torch.ones_like(ids)), device)
        rows.append({"captions at once": batch, "s a caption": f"{spent / batch:.4f}"})
    report.table("Text embeddings, T5-11B's encoder, 512 tokens", rows)


def latents(report: Report, device: torch.device, size: str) -> None:
    """Wan's VAE with random weights, as the engine runs it: seconds a window of 93 frames."""
    import tempfile

    import numpy as np
    from diffusers import AutoencoderKLWan

    from its_core.engines.cosmos.model.vae import WanVae

    tiny: dict[str, Any] = {"base_dim": 8, "dim_mult": [1, 1, 1, 1], "num_res_blocks": 1}
    with tempfile.TemporaryDirectory() as folder:
        AutoencoderKLWan(**(tiny if size == "tiny" else {})).save_pretrained(folder)
        vae = WanVae(Path(folder), device, _dtype(device))
    _, rows_, columns = _latent(size, "720")
    frames = np.random.default_rng(0).integers(0, 255, (93, rows_ * 8, columns * 8, 3), dtype=np.uint8)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    spent = seconds(lambda: vae.encode(frames), device, runs=1 if device.type == "cpu" else 3)
    peak = torch.cuda.max_memory_allocated(device) / GIB if device.type == "cuda" else 0.0
    report.table("Latents, Wan's VAE, one window", [{"s a window": f"{spent:.3f}", "peak GiB": f"{peak:.1f}"}])


def two_gpus(report: Report, size: str, out: Path) -> None:
    """One process, then two with a clip each, then two that share a clip, each under torchrun of its own."""
    rows: list[dict[str, Any]] = []
    for processes, kind in ((1, "data"), (2, "data"), (2, "context")):
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
        command += [__file__, "--out", str(out), "--size", size, "--worker", kind]
        result = _result_file(out, kind)
        result.unlink(missing_ok=True)
        done = subprocess.run(command, check=False)
        if done.returncode or not result.exists():
            report.note(f"two_gpus: {processes} × {kind} failed with {done.returncode}, see the log")
            break
        row = json.loads(result.read_text(encoding="utf-8"))
        clips = processes if kind == "data" else 1
        alone = float((rows[0] if rows else row)["s an iteration"])
        speed = clips * alone / float(row["s an iteration"])
        rows.append({"processes": processes, "parallel": kind, "clips": clips, "speed": f"{speed:.3f}", **row})
        print(rows[-1], flush=True)
    if rows:
        report.table("Two GPUs", rows)


def worker(arguments: argparse.Namespace) -> None:
    """One process of ``two_gpus``."""
    local_rank, ranks = int(os.environ["LOCAL_RANK"]), int(os.environ["WORLD_SIZE"])
    device = torch.device("cpu")
    if torch.cuda.is_available():
        device = torch.device("cuda", local_rank)
        torch.cuda.set_device(device)
    shape = SHAPES[arguments.size]
    ranks_per_clip = ranks if arguments.worker == "context" else 1
    group = groups.join(ranks_per_clip, device, _latent(arguments.size, "720")[0], shape.heads)
    row = measure(arguments.size, "keep", group, device, arguments.runs, "720")
    if group.leads:
        _result_file(arguments.out, arguments.worker).write_text(json.dumps(row), encoding="utf-8")
    group.leave()


def _result_file(out: Path, kind: str) -> Path:
    return out / f"two_gpus.{kind}.json"


if __name__ == "__main__":
    main()
