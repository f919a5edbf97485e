"""Where shards run on one machine: groups of GPUs of their own, or a share of the processors."""

from __future__ import annotations

import os
from pathlib import Path

from its_core.engines.engine import EngineName

Slot = tuple[str, ...] | None  # GPUs that a shard may see; None: the engine needs none


def slots(engine: EngineName, processes: int, at_once: int | None) -> list[Slot]:
    """A slot for each shard that can run at a time: ``at_once``, or as many as fit.

    Raises ValueError when a shard wants more GPUs than there are, or ``at_once`` shards do.
    """
    gpus = visible_gpus() if engine == "cosmos" else []
    if not gpus:
        # Without GPUs the engine itself says whether it can run on the processors (a tiny checkpoint can).
        fit = max(1, (os.cpu_count() or 1) // processes)
        return [None] * (at_once or fit)
    fit = len(gpus) // processes
    wanted = at_once or max(1, fit)
    if wanted > fit:
        raise ValueError(
            f"{wanted} shards of {processes} GPUs at once need {wanted * processes}, this machine shows {len(gpus)}: "
            "lower processes_per_shard or shards_at_once"
        )
    return [tuple(gpus[start : start + processes]) for start in range(0, wanted * processes, processes)]


def visible_gpus() -> list[str]:
    """Ids of the GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [gpu.strip() for gpu in visible.split(",") if gpu.strip() not in {"", "-1"}]
    nodes = [node.name.removeprefix("nvidia") for node in Path("/dev").glob("nvidia[0-9]*")]
    return [str(index) for index in range(len(nodes))]
