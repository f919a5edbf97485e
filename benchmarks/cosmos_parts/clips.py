"""Whole clips of the Cosmos engine: one by its stages, a shard as the worker runs it, two GPUs, and the start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from statistics import fmean
from typing import Any

import torch

from cosmos_parts.network import diffusers_forward_s
from cosmos_parts.random_weights import LATENT, dtype_on, make_checkpoints, request_of
from cosmos_parts.report import Report, peak_gib, seconds, synchronize
from its_core import video
from its_core.engines.cosmos.options import CosmosOptions
from its_core.engines.cosmos.shapes import ModelSize

CACHE: Mapping[str, Any] = {"step_cache": 3, "guidance_sigma_min": 0.3, "guidance_sigma_max": 20.0}
# What a clip is measured with, by name.
MODES: Mapping[str, Mapping[str, Any]] = {
    "bf16": {},
    "fp8": {"precision": "fp8"},
    "fp8+cache": {"precision": "fp8", **CACHE},
    "natten": {"natten": True},
    "natten+fp8": {"natten": True, "precision": "fp8"},
    "natten+fp8+cache": {"natten": True, "precision": "fp8", **CACHE},
    "distilled": {"preset": "distilled"},
    "distilled+fp8": {"preset": "distilled", "precision": "fp8"},
}


def options_of(size: ModelSize, device: torch.device, work: Path, resolution: str, **changes: Any) -> CosmosOptions:
    options = make_checkpoints(size, device, work, resolution)
    return CosmosOptions.model_validate(options.model_dump() | changes)


def whole_clips(
    report: Report, device: torch.device, size: ModelSize, resolution: str, work: Path, modes: list[str]
) -> None:
    """The engine as the worker uses it: weights from disk, LoRA merged, one clip sampled, decoded and encoded. Before
    it a forward of diffusers' network, to compare with."""
    forward_s = diffusers_forward_s(device, size, resolution)
    report.note(f"diffusers' network: {forward_s:.3f} s a forward, 72 of them {72 * forward_s:.1f} s")
    columns = {
        mode: _one_clip(options_of(size, device, work, resolution, **MODES[mode]), device, work) for mode in modes
    }
    stages = list(dict.fromkeys(stage for column in columns.values() for stage in column))
    rows = [[stage, *(column.get(stage, "") for column in columns.values())] for stage in stages]
    report.table(f"One clip of {size} at {resolution}: seconds", ["stage", *columns], rows)


def _one_clip(options: CosmosOptions, device: torch.device, work: Path) -> dict[str, str]:
    from its_core.engines.cosmos import engine as cosmos

    since = time.perf_counter()
    engine = cosmos.load(options)
    synchronize(device)
    loaded = time.perf_counter() - since
    request = request_of(options, work, 0)
    engine.prepare([request])
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    since = time.perf_counter()
    clip = engine.generate(request)
    with ThreadPoolExecutor(1) as encoder:  # encodes while the GPU decodes, as the worker does
        frames: SimpleQueue[Any] = SimpleQueue()
        encoding = encoder.submit(video.write_mp4, work / "clip.mp4", _taken(frames), options.geometry)
        for frame in clip.frames:
            frames.put(frame)
        frames.put(None)
        encoding.result()
    total = time.perf_counter() - since
    engine.close()
    stages, record = clip.record["seconds"], clip.record
    column = {"load (LoRA merged, kernels measured)": f"{loaded:.1f}"} | {k: f"{v:.1f}" for k, v in stages.items()}
    column |= {
        "encoding after decoding": f"{total - sum(stages.values()):.1f}",
        "**the whole clip**": f"**{total:.1f}**",
    }
    column |= {"steps": str(record["steps"]), "peak memory, GiB": f"{peak_gib(device):.1f}"}
    attention = record["attention"]
    column |= {"attention": f"{attention['name']} {attention['version']}{' FP8' if attention['fp8'] else ''}"}
    column |= {"kept in 16 bits": str(len(record.get("kept_in_16_bits", []))) if options.precision == "fp8" else ""}
    print(column, attention["measured_ms"], flush=True)
    return column


def _taken(frames: SimpleQueue[Any]) -> Iterator[Any]:
    while (frame := frames.get()) is not None:
        yield frame


@dataclass(frozen=True, slots=True)
class Launch:
    """A torchrun that made clips: seconds from start to end, when each clip was begun, decoded and encoded, by their
    ends, their records, the GPUs' load."""

    whole_s: float
    begun_s: list[float]
    decoded_s: list[float]
    ended_s: list[float]
    records: list[dict[str, Any]]
    ranks: list[int]
    load: list[tuple[float, float]]  # second, share of the time in which a kernel ran

    def of_each_rank(self, values: list[float], position: int) -> list[float]:
        """That of the rank's clip in ``position``, rank by rank."""
        by_rank = {
            rank: [value for value, of in zip(values, self.ranks, strict=True) if of == rank] for rank in self.ranks
        }
        return [by_rank[rank][position] for rank in sorted(by_rank)]


def launch(options: CosmosOptions, work: Path, processes: int, clips: int) -> Launch:
    """Makes ``clips`` clips with the worker, under torchrun."""
    from its_core.engines.cosmos.engine import script_flags

    folder = Path(tempfile.mkdtemp(dir=work))
    requests = [request_of(options, work, number) for number in range(clips)]
    entries = [
        {"input_video": r.input_path, "prompt": r.prompt, "output_video": f"{folder}/{r.clip_id}.mp4", "seed": r.seed}
        for r in requests
    ]
    (folder / "batch.json").write_text(json.dumps(entries), encoding="utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    command += ["-m", "its_core.shards.worker", "--batch_input_json", str(folder / "batch.json")]
    command += ["--resolution", options.resolution, "--fps", str(options.fps), *script_flags(options)]
    if processes > 1:
        command += ["--num_gpus", str(processes)]
    with _load_of_gpus(processes) as load:
        since = time.time()
        subprocess.run(command, check=True, env=dict(os.environ, OMP_NUM_THREADS="4"))
        whole = time.time() - since
    files = sorted(folder.glob("*.receipt.json"), key=lambda file: file.stat().st_mtime)
    receipts = [json.loads(file.read_text()) for file in files]
    ended = [file.stat().st_mtime - since for file in files]
    begun = [end - receipt["attempts"][-1]["duration_s"] for end, receipt in zip(ended, receipts, strict=True)]
    records = [receipt["record"] for receipt in receipts]
    decoded = [start + sum(record["seconds"].values()) for start, record in zip(begun, records, strict=True)]
    ranks = [receipt["attempts"][-1]["rank"] for receipt in receipts]
    return Launch(whole, begun, decoded, ended, records, ranks, [(at - since, share) for at, share in load])


@contextmanager
def _load_of_gpus(gpus: int) -> Iterator[list[tuple[float, float]]]:
    """Fills a list with the mean utilisation of the ``gpus`` that a launch uses, five times a second; it stays empty
    where there is none."""
    samples: list[tuple[float, float]] = []
    if not torch.cuda.is_available():
        yield samples
        return
    command = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "-lms", "200"]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(torch.cuda.device_count())))
    command += ["-i", ",".join(visible.split(",")[:gpus])]
    with tempfile.TemporaryFile("w+") as out, subprocess.Popen(command, stdout=out, text=True) as smi:
        since = time.time()
        yield samples
        until = time.time()
        smi.terminate()
        smi.wait()
        out.seek(0)
        values = [float(line) / 100 for line in out.read().split() if line.isdigit()]
    means = [sum(values[i : i + gpus]) / gpus for i in range(0, len(values) - gpus + 1, gpus)]
    samples.extend((since + (until - since) * (i + 0.5) / len(means), share) for i, share in enumerate(means))


def shard(
    report: Report,
    device: torch.device,
    size: ModelSize,
    resolution: str,
    work: Path,
    clips: int,
    modes: list[str],
    gpus: int,
) -> None:
    """Clips an hour of a shard of ``clips`` clips a GPU, the first ones and the start left out, and how much of that
    time the GPUs compute."""
    rows = []
    for mode in modes:
        options = options_of(size, device, work, resolution, **MODES[mode])
        done = launch(options, work, processes=gpus, clips=clips * gpus)
        first, last = (done.of_each_rank(done.ended_s, at) for at in (0, -1))
        # The last clip's encoding has no sampling to hide behind: the time until it is decoded counts.
        decoded = min(done.of_each_rank(done.decoded_s, -1))
        busy = [share for at, share in done.load if max(first) <= at <= decoded]
        sampling = fmean(record["seconds"]["sampling"] for record in done.records)
        an_hour = sum(3600 * (clips - 1) / (end - begin) for begin, end in zip(first, last, strict=True))
        rows.append(
            {
                "mode": mode,
                "GPUs": gpus,
                "clips a GPU": clips,
                "first clips there after s": f"{max(first):.1f}",
                "sampling s": f"{sampling:.1f}",
                "s a further clip": f"{3600 * gpus / an_hour:.1f}",
                "clips an hour": f"{an_hour:.1f}",
                "GPUs compute": f"{sum(busy) / len(busy):.1%}" if busy else "not measured",
                "whole s": f"{done.whole_s:.1f}",
            }
        )
        print(rows[-1], flush=True)
    title = f"A shard of {size} at {resolution} under torchrun"
    report.table(title, list(rows[0]), [list(row.values()) for row in rows])


def decoding(report: Report, device: torch.device, size: ModelSize, resolution: str, work: Path) -> None:
    """A clip's frames out of random latents."""
    from its_core.engines.cosmos.model.vae import WanVae

    options = options_of(size, device, work, resolution)
    vae = WanVae(options.folders.vae, device, dtype_on(device))
    latent = torch.randn(1, vae.channels, *LATENT[size, resolution], device=device)
    spent = seconds(lambda: list(vae.decode(latent)), device)
    report.table(f"Decoding a clip at {resolution}", ["s"], [[f"{spent:.3f}"]])


def start(report: Report, device: torch.device, size: ModelSize, work: Path) -> None:
    """From the command to the first step: a clip of one step, two evaluations."""
    options = options_of(size, device, work, "720", steps=1)
    done = launch(options, work, processes=1, clips=1)
    spent = done.records[0]["seconds"]
    rows = [
        ["until the clip is begun", f"{done.begun_s[0]:.1f}"],
        ["its prompt and its conditioning", f"{spent['prompt'] + spent['conditioning']:.1f}"],
        ["its two evaluations", f"{spent['sampling']:.1f}"],
    ]
    report.table("From the command to the first step, torchrun and Python included", ["", "s"], rows)


def two_gpus(report: Report, device: torch.device, size: ModelSize, work: Path, steps: int) -> None:
    """Two clips side by side and one clip over two GPUs; sampling seconds from receipts."""
    if torch.cuda.device_count() < 2 and size != "tiny":
        report.note(f"Two GPUs: not measured, this machine has {torch.cuda.device_count()}.")
        return
    options = options_of(size, device, work, "720", steps=steps)
    launches = {
        "one clip, one GPU": launch(options, work, processes=1, clips=1),
        "two clips, one each": launch(options, work, processes=2, clips=2),
        "one clip over both": launch(options, work, processes=2, clips=1),
    }
    spent = {name: max(r["seconds"]["sampling"] for r in done.records) for name, done in launches.items()}
    alone = spent["one clip, one GPU"]
    gains = {"one clip, one GPU": 1.0, "two clips, one each": 2.0, "one clip over both": 1.0}
    rows = [
        [name, f"{s:.1f}", f"{gains[name] * alone / s:.2f}×", f"{launches[name].whole_s:.1f}"]
        for name, s in spent.items()
    ]
    report.table(f"Two GPUs: sampling, {steps} steps", ["", "s", "throughput", "whole launch s"], rows)
