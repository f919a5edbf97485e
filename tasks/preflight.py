"""What a build will take, said before it loads anything: GPU memory, time and disk. Estimates; they stop nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from its_tasks.engines import engine_options

from its_core.definition import Definition
from its_core.engines.engine import ClipCost
from its_core.shards import devices
from its_core.shards.devices import Gpu

# Of noisy pictures, the largest that were measured (its_core/video/writing.py): 3.4 MB for 1280×704 × 93 frames.
CLIP_BYTES_A_PIXEL = 3.4e6 / (1280 * 704 * 93)
GIB = 2**30


def preflight(definition: Definition, clips: int) -> Iterator[str]:
    """Lines about a build of so many clips. Those that begin with "not enough" name what will go wrong.

    A script's needs are not known; of a Ray cluster only this machine is seen. Raises DefinitionError.
    """
    module, options = engine_options(definition)
    on_gpus = module.needs_gpu(options)
    if definition.engine.script is None and on_gpus:
        cost = module.clip_cost(options)
        gpus = devices.gpus() if definition.executor == "local" else []
        yield from _memory(cost, gpus)
        yield from _time(cost, clips, len(gpus))
    wanted, free = _disk_bytes(definition, clips)
    folder = definition.work_path
    disk = f"{clips:,} clips take at most about {wanted / GIB:,.2f} GiB in {folder}, {free / GIB:,.1f} are free"
    if wanted >= free:
        yield f"not enough disk: {disk}"
    elif on_gpus:
        yield disk


def _memory(cost: ClipCost, gpus: list[Gpu]) -> Iterator[str]:
    if cost.gpu_gib is None:
        return
    needed = f"about {cost.gpu_gib:g} GiB of GPU memory"
    if not gpus:
        yield f"a clip needs {needed}; no GPU is seen here"
        return
    smallest = min(gpus, key=lambda gpu: gpu.memory_gib)
    if smallest.memory_gib >= cost.gpu_gib:
        yield f"a clip needs {needed}, {smallest.name} has {smallest.memory_gib:.1f}"
        return
    enough = next((n for n, (_, gib) in enumerate(cost.savings, 1) if gib <= smallest.memory_gib), None)
    words = [words for words, _ in cost.savings[:enough]]
    if enough is None:
        helps = "no option makes it fit: more GPUs a clip (processes_per_shard) or a larger one"
    else:
        helps = f"{cost.savings[enough - 1][1]:g} GiB with {', '.join(words)}"
    yield f"not enough GPU memory: a clip needs {needed}, {smallest.name} has {smallest.memory_gib:.1f}; {helps}"


def _time(cost: ClipCost, clips: int, gpus: int) -> Iterator[str]:
    if cost.gpu_s is None:
        return
    hours = clips * cost.gpu_s / 3600
    here = f", {hours / gpus:,.1f} hours on the {gpus} GPU{'s' if gpus > 1 else ''} of this machine" if gpus else ""
    yield f"a clip takes about {cost.gpu_s:.0f} s of a GPU ({cost.source})"
    yield f"{clips:,} clips take about {hours:,.1f} GPU-hours{here}"


def _disk_bytes(definition: Definition, clips: int) -> tuple[float, float]:
    """What the clips take, and what is free where they are made. Published clips are links to them on the same disk."""
    geometry, folder = definition.geometry, definition.work_path
    wanted = clips * geometry.width_px * geometry.height_px * geometry.frames * CLIP_BYTES_A_PIXEL
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    return wanted, shutil.disk_usage(existing).free
