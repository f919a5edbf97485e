"""Speed and memory of the Cosmos engine, with random weights of the true shapes.

    python benchmarks/cosmos.py --out results                       # on a GPU: the network's parts and one clip
    python benchmarks/cosmos.py --out results --size tiny           # anywhere: does it run?
    python benchmarks/cosmos.py --out results --parts forward,clip --modes bf16,fp8
    python benchmarks/cosmos.py --out results --shard 4 --resolution 480

Writes ``cosmos.md`` and ``cosmos.json`` after each part. Parts: attention (kernels alone, and their errors), forward
(diffusers' CosmosTransformer3DModel, then ours by kernel and precision, with the same weights), weights (forwards with
random and with structured weights), sparse (the windows of NVIDIA's sparse checkpoints: attention alone, forwards),
profile (where a forward's time goes), fp8 (errors a layer, a forward, a trajectory), clip (the whole engine: 35 + 1
guided steps, VAE, MP4), decode (the VAE alone), start (from the command to
the first step), 14B (one forward), two_gpus (two clips side by side, one over two).
``plot_cosmos.py`` draws the profile.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from cosmos_parts import clips, network, sparse
from cosmos_parts.report import Report, machine

PARTS = ("attention", "forward", "weights", "sparse", "profile", "fp8", "clip", "decode", "start", "14B", "two_gpus")


def main() -> None:
    arguments = _arguments()
    size, resolution, work = arguments.size, arguments.resolution, arguments.work
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    report = Report()
    report.note(f"# Cosmos engine: size {size} at {resolution}, random weights")
    report.note(machine(device))
    measures: dict[str, Callable[[], None]] = {
        "attention": lambda: network.attention_kernels(report, device, size, resolution),
        "forward": lambda: network.forwards(report, device, size, resolution),
        "weights": lambda: network.forwards_by_weights(report, device, size, resolution),
        "sparse": lambda: sparse.measure(report, device, size),
        "profile": lambda: network.kernel_shares(report, device, size, resolution),
        "fp8": lambda: network.fp8_errors(report, device, size),
        "clip": lambda: clips.whole_clips(report, device, size, resolution, work, arguments.modes),
        "decode": lambda: clips.decoding(report, device, size, resolution, work),
        "start": lambda: clips.start(report, device, size, work),
        "14B": lambda: network.one_forward_of_14b(report, device),
        "two_gpus": lambda: clips.two_gpus(report, device, size, work, arguments.steps),
        "shard": lambda: clips.shard(
            report, device, size, resolution, work, arguments.shard, arguments.modes, arguments.gpus
        ),
    }
    for part in ["shard"] if arguments.shard else arguments.parts:
        with torch.no_grad():
            measures[part]()
        if device.type == "cuda":
            torch.cuda.empty_cache()
        report.write(arguments.out)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for cosmos.md and cosmos.json")
    parser.add_argument("--size", choices=("2B", "tiny"), default="2B")
    parser.add_argument("--resolution", choices=("720", "480"), default="720")
    parser.add_argument("--parts", default=",".join(PARTS), type=lambda text: text.split(","))
    parser.add_argument("--modes", default="bf16", type=_modes, help=f"of clip and shard: {', '.join(clips.MODES)}")
    parser.add_argument("--shard", type=int, default=0, metavar="N", help="measure a shard instead, N clips a GPU")
    parser.add_argument("--gpus", type=int, default=1, help="GPUs of the shard")
    parser.add_argument("--steps", type=int, default=35, help="sampling steps of two_gpus")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "cosmos_benchmark")
    return parser.parse_args()


def _modes(text: str) -> list[str]:
    chosen = text.split(",")
    if unknown := [mode for mode in chosen if mode not in clips.MODES]:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: the modes are {', '.join(clips.MODES)}")
    return chosen


if __name__ == "__main__":
    main()
