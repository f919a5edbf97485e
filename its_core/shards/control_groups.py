"""The control groups (cgroups) of this process, as the kernel shows them: what a container or a batch system allows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")


def folders(controller: str, proc: Path = PROC) -> Iterator[tuple[Path, bool]]:
    """The folders of this process's control groups up to each hierarchy's root, and whether they are of version 2.

    ``controller`` names the hierarchies of version 1 that count: ``cpu``, ``memory``. ``proc`` is where the kernel
    shows processes.
    """
    mounts = list(_mounts(proc))
    for line in _lines(proc / "self" / "cgroup"):
        number, controllers, path = line.split(":", 2)
        is_v2 = number == "0" and not controllers
        if not is_v2 and controller not in controllers.split(","):
            continue
        for mount, root, mounted_v2, options in mounts:
            if mounted_v2 != is_v2 or not (is_v2 or controller in options):
                continue
            # What is mounted may be a part of the hierarchy, as in a container: ``root`` of it.
            inside = Path(path).is_relative_to(root) and ".." not in Path(path).parts
            folder = mount / Path(path).relative_to(root) if inside else mount
            yield from ((each, is_v2) for each in (folder, *folder.parents) if each.is_relative_to(mount))


def _mounts(proc: Path) -> Iterator[tuple[Path, str, bool, set[str]]]:
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
