"""How many processors this process may use: its affinity, and the quota of its control group."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")


def available(proc: Path = _PROC) -> int:
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
    for folder, is_v2 in _cgroup_folders(proc):
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


def _cgroup_folders(proc: Path) -> Iterator[tuple[Path, bool]]:
    """The folders of this process's control groups up to each hierarchy's root, and whether they are of version 2."""
    mounts = list(_cgroup_mounts(proc))
    for line in _lines(proc / "self" / "cgroup"):
        number, controllers, path = line.split(":", 2)
        is_v2 = number == "0" and not controllers
        if not is_v2 and "cpu" not in controllers.split(","):
            continue
        for mount, root, mounted_v2, options in mounts:
            if mounted_v2 != is_v2 or not (is_v2 or "cpu" in options):
                continue
            # What is mounted may be a part of the hierarchy, as in a container: ``root`` of it.
            inside = Path(path).is_relative_to(root) and ".." not in Path(path).parts
            folder = mount / Path(path).relative_to(root) if inside else mount
            yield from ((each, is_v2) for each in (folder, *folder.parents) if each.is_relative_to(mount))


def _cgroup_mounts(proc: Path) -> Iterator[tuple[Path, str, bool, set[str]]]:
    """Mounted hierarchies: mount point, the part that is mounted, whether of version 2, and mount options."""
    for line in _lines(proc / "self" / "mountinfo"):
        fields, _, rest = line.partition(" - ")
        kind, _, options = [*rest.split(" ", 2), "", ""][:3]
        if kind in {"cgroup", "cgroup2"}:
            _, _, _, root, mount, *_ = fields.split(" ")
            yield Path(mount), root, kind == "cgroup2", set(options.split(","))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
