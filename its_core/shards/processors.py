"""How many processors this process may use: its affinity, and the quota of its control group."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from its_core.shards import control_groups


def available(proc: Path = control_groups.PROC) -> int:
    """Processors that this process may use, at least 1.

    The least of the machine's count, the affinity (``taskset``, Slurm, cpusets) and the quota of every control group
    that the process is in (Docker's ``--cpus``, Kubernetes' limits), version 1 or 2, rounded up. ``proc`` is where the
    kernel shows processes.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [-(-quota_us // period_us) for quota_us, period_us in _quotas(proc)]
    return max(1, min([affinity, *quotas]))


def _quotas(proc: Path) -> Iterator[tuple[int, int]]:
    """Quota and period, in microseconds, of each control group above this process that has a quota."""
    for folder, is_v2 in control_groups.folders("cpu", proc):
        try:
            if is_v2:
                quota, period = (folder / "cpu.max").read_text().split()
            else:
                quota = (folder / "cpu.cfs_quota_us").read_text().strip()
                period = (folder / "cpu.cfs_period_us").read_text().strip()
            if quota not in {"max", "-1"} and int(quota) > 0 and int(period) > 0:
                yield int(quota), int(period)
        except (OSError, ValueError):  # no such controller here
            continue
