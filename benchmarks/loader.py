"""What loading costs: clips a second into a training loop against the bare decoder, memory over epochs, and the order.

    python benchmarks/loader.py published/quickstart

Decoder and loader take turns in one run (A B A B), so that a busy machine slows both. The bare decoder is PyAV, one
thread a process, as many processes as the loader has workers; it makes of every clip what a training step needs, one
array of RGB frames, and drops it. The loader hands it to the training process as well. Both at the clips' own size, and
scaled to what a network takes. Beside each, the processors' time a clip in all processes together, which other work on
the machine changes less than clips a second.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import av
import numpy as np
import psutil
from torch.utils.data import DataLoader

from its_core.dataset import AccidentClips


class Costs(NamedTuple):
    clips_per_s: float
    cpu_s: float  # a clip


def decode_one(path: str, size_px: tuple[int, int] | None) -> int:
    """A clip as an array [frames, height, width, 3]."""
    height, width = size_px or (None, None)
    with av.open(path, format="mp4") as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        frames = [frame.to_ndarray(format="rgb24", width=width, height=height) for frame in container.decode(stream)]
    return len(np.stack(frames))


def by_turns(
    paths: list[str], clips: AccidentClips, workers: int, size_px: tuple[int, int] | None, rounds: int
) -> list[tuple[Costs, Costs]]:
    """What the decoder and the loader cost, each round. All processes have decoded before the clock starts."""
    loader = DataLoader(clips.stream(seed=0), batch_size=None, num_workers=workers, persistent_workers=True)
    with multiprocessing.get_context("fork").Pool(workers) as pool:

        def bare() -> int:
            return len(pool.map(partial(decode_one, size_px=size_px), paths, chunksize=1))

        def loaded() -> int:
            return sum(1 for _ in loader)

        bare()
        loaded()
        return [(costs(bare), costs(loaded)) for _ in range(rounds)]


def costs(turn: Callable[[], int]) -> Costs:
    start, start_cpu_s = time.perf_counter(), cpu_s()
    clips = turn()
    return Costs(clips / (time.perf_counter() - start), (cpu_s() - start_cpu_s) / clips)


def cpu_s() -> float:
    """Of this process and those that it started."""
    processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return sum(times.user + times.system for times in (process.cpu_times() for process in processes))


def memory_by_epoch_mb(clips: AccidentClips, epochs: int) -> Iterator[float]:
    """Memory of this process and its standing worker, without what they share, at the end of each epoch after the
    first."""
    stream = clips.stream(seed=0)
    loader = DataLoader(stream, batch_size=None, num_workers=1, persistent_workers=True)
    for epoch in range(epochs + 1):
        stream.set_epoch(epoch)
        for _ in loader:
            pass
        if epoch:
            processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
            memories = [process.memory_info() for process in processes]
            yield sum(memory.rss - memory.shared for memory in memories) / 2**20


def orders_agree(clips: AccidentClips) -> bool:
    """Whether two ranks, an item from each in turn, give one rank's order."""
    one = list(clips.sampler(seed=5, rank=0, ranks=1))
    two = [list(clips.sampler(seed=5, rank=rank, ranks=2)) for rank in (0, 1)]
    return [item for pair in zip(*two, strict=True) for item in pair][: len(one)] == one


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("version", help="a published version or dataset, local")
    arguments.add_argument("--rounds", type=int, default=3)
    asked = arguments.parse_args()
    clips = AccidentClips(asked.version)
    paths = [row["video_url"] for row in clips.rows]
    first = clips.rows[0]
    print(f"{len(clips)} clips of {first['width']} x {first['height']}, {first['no_frames']} frames")
    for size_px in (None, (216, 384)):
        scaled = clips if size_px is None else AccidentClips(asked.version, size_px=size_px)
        for workers in (1, 2):
            pairs = by_turns(paths, scaled, workers, size_px, asked.rounds)
            decoder, loader = (
                Costs(*map(statistics.median, zip(*side, strict=True))) for side in zip(*pairs, strict=True)
            )
            ratio = statistics.median(ours.clips_per_s / theirs.clips_per_s for theirs, ours in pairs)
            size = "as it is" if size_px is None else f"{size_px[1]} x {size_px[0]}"
            rates = f"decoder {decoder.clips_per_s:.2f}, loader {loader.clips_per_s:.2f} clips/s, {ratio:.1%}"
            print(f"{size}, {workers} worker(s): {rates}; CPU {decoder.cpu_s:.2f} and {loader.cpu_s:.2f} s a clip")
    memory = ", ".join(f"{value:.0f}" for value in memory_by_epoch_mb(clips, 3))
    print(f"memory after epochs 1, 2, 3 in MiB: {memory}")
    print(f"the same order on 1 and 2 ranks: {orders_agree(clips)}")


if __name__ == "__main__":
    main()
