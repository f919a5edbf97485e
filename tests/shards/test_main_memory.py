"""Memory is counted for the process, not for the machine."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from its_core.shards import main_memory

GIB = 1024**3


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=16 * GIB))


def _kernel(folder: Path, mount: str, group: str, files: dict[str, str]) -> Path:
    hierarchy = folder / "cgroup"
    for name, text in files.items():
        (hierarchy / name).parent.mkdir(parents=True, exist_ok=True)
        (hierarchy / name).write_text(text)
    (folder / "proc" / "self").mkdir(parents=True)
    (folder / "proc" / "self" / "mountinfo").write_text(mount.format(mount=hierarchy))
    (folder / "proc" / "self" / "cgroup").write_text(group)
    return folder / "proc"


def test_a_machine_without_control_groups(tmp_path: Path) -> None:
    assert main_memory.available_gib(tmp_path) == 16


def test_what_is_left_of_the_smallest_limit_counts_and_kept_files_are_free(tmp_path: Path) -> None:
    files = {
        "memory.max": "max\n",
        "job/memory.max": f"{8 * GIB}\n",
        "job/memory.current": f"{5 * GIB}\n",
        "job/memory.stat": f"anon {3 * GIB}\ninactive_file {2 * GIB}\n",
        "job/step/memory.max": f"{40 * GIB}\n",
        "job/step/memory.current": "0\n",
        "job/step/memory.stat": "",
    }
    proc = _kernel(tmp_path, "41 31 0:38 / {mount} rw - cgroup2 cgroup2 rw\n", "0::/job/step\n", files)
    assert main_memory.available_gib(proc) == 5


def test_the_first_version_of_control_groups_and_a_limit_that_is_passed(tmp_path: Path) -> None:
    files = {
        "memory.limit_in_bytes": f"{2 * GIB}\n",
        "memory.usage_in_bytes": f"{3 * GIB}\n",
        "memory.stat": f"inactive_file 0\ntotal_inactive_file {GIB // 2}\n",
    }
    mount = "32 31 0:29 / {mount} rw - cgroup cgroup rw,memory\n"
    assert main_memory.available_gib(_kernel(tmp_path, mount, "3:memory:/\n2:cpu:/x\n", files)) == 0
