"""How much main memory this process and its children may still take: the machine's, and its control group's limit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil

from its_core.shards import control_groups

_GIB = 1024**3


def available_gib(proc: Path = control_groups.PROC) -> float:
    """Main memory that can be taken without swapping, in GiB, at least 0.

    The least of what the machine has available and what is left of the limit of every control group that the process
    is in (Docker's ``--memory``, Kubernetes' limits, Slurm), version 1 or 2. Files that the kernel keeps in memory
    count as available: it gives them up first. ``proc`` is where the kernel shows processes.
    """
    machine_bytes = int(psutil.virtual_memory().available)
    return max(0, min([machine_bytes, *_left_of_limits(proc)])) / _GIB


def _left_of_limits(proc: Path) -> Iterator[int]:
    """Bytes left of each control group's limit."""
    for folder, is_v2 in control_groups.folders("memory", proc):
        names = ("memory.max", "memory.current") if is_v2 else ("memory.limit_in_bytes", "memory.usage_in_bytes")
        try:
            limit, used = ((folder / name).read_text().strip() for name in names)
            if limit != "max":  # version 1 writes a number beyond any memory
                yield int(limit) - int(used) + _kept_files_bytes(folder / "memory.stat")
        except (OSError, ValueError):  # no such controller here
            continue


def _kept_files_bytes(stat: Path) -> int:
    """Bytes of files in memory that the kernel can drop, by a control group's ``memory.stat``."""
    counts = dict(line.split() for line in stat.read_text().splitlines())
    return int(counts.get("total_inactive_file", counts.get("inactive_file", 0)))
