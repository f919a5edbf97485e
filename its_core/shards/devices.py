"""Where shards run on one machine: groups of GPUs of their own, or a share of the processors."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from its_core.errors import FactoryError
from its_core.shards import main_memory, processors

_DEVICES = Path("/dev")
_ANSWERS_WITHIN_S = 30
_log = logging.getLogger(__name__)


class DevicesError(FactoryError, ValueError):
    """More GPUs are asked for than there are; the message says how many."""

    default_code = "devices.too_few_gpus"


@dataclass(frozen=True, slots=True)
class Slot:
    """What one of the shards that run at a time may use: ``gpus`` it may see, None where the engine needs none, and
    ``threads`` of each of its ranks."""

    gpus: tuple[str, ...] | None
    threads: int


def slots(uses_gpu: bool, processes: int, at_once: int | None, memory_gib: float = 0.0) -> list[Slot]:
    """A slot for each shard that can run at a time: ``at_once``, or as many as fit.

    ``memory_gib`` is the main memory that a process of a shard takes. Without GPUs as many shards fit as the processors
    and the memory that is available now have room for, at least one.

    Raises DevicesError when a shard needs more GPUs than there are, or ``at_once`` shards do.
    """
    available = processors.available()
    gpus = visible_gpus() if uses_gpu else []
    if not gpus:
        # Without GPUs the engine itself says whether it can run on the processors (a tiny checkpoint can).
        shards = at_once or _fitting(available, processes, memory_gib)
        return [Slot(None, max(1, available // (shards * processes)))] * shards
    fitting = len(gpus) // processes
    shards = at_once or max(1, fitting)
    if shards > fitting:
        raise DevicesError(
            f"{shards} shards of {processes} GPUs at once need {shards * processes}, this machine shows {len(gpus)}: "
            "lower processes_per_shard or shards_at_once"
        )
    threads = max(1, available // (shards * processes))
    starts = range(0, shards * processes, processes)
    return [Slot(tuple(gpus[start : start + processes]), threads) for start in starts]


def _fitting(available: int, processes: int, memory_gib: float) -> int:
    """Shards that the processors have room for, and the memory too."""
    by_processors = max(1, available // processes)
    if memory_gib == 0.0:
        return by_processors
    free_gib = main_memory.available_gib()
    by_memory = max(1, int(free_gib / (processes * memory_gib)))
    if by_memory < by_processors:
        _log.warning(
            "%d shards at once instead of %d: %.1f GiB of memory are available, a shard takes %.1f (shards_at_once in "
            "dataset.yaml sets the number)",
            by_memory,
            by_processors,
            free_gib,
            processes * memory_gib,
        )
    return min(by_processors, by_memory)


def visible_gpus() -> list[str]:
    """Ids of the GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [gpu.strip() for gpu in visible.split(",") if gpu.strip() not in {"", "-1"}]
    return [str(index) for index in range(gpus_of_machine())]


@dataclass(frozen=True, slots=True)
class Gpu:
    name: str
    memory_gib: float


def gpus() -> list[Gpu]:
    """The GPUs that this process may use, by nvidia-smi; empty where it is not installed or does not answer."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    command = [program, "--query-gpu=index,uuid,name,memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_ANSWERS_WITHIN_S)
    except (OSError, subprocess.SubprocessError):
        return []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    found = []
    for line in done.stdout.splitlines():
        index, uuid, name, mebibytes = (part.strip() for part in line.split(","))
        if mebibytes.isdecimal() and (visible is None or {index, uuid} & set(visible_gpus())):
            found.append(Gpu(name, int(mebibytes) / 1024))
    return found


def gpus_of_machine() -> int:
    """NVIDIA GPUs of this machine, whoever may use them."""
    return sum(node.name.removeprefix("nvidia").isdecimal() for node in _DEVICES.glob("nvidia[0-9]*"))
