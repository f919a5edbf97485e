"""Processors are counted for the process, not for the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from its_core.shards import devices, processors
from its_core.shards.batch import EngineSettings
from its_core.shards.launcher import Launch
from its_core.shards.launcher.command import environment

V1_MOUNT = "32 31 0:29 {root} {mount} rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
V2_MOUNT = "41 31 0:38 {root} {mount} rw - cgroup2 cgroup2 rw,nsdelegate\n"


class Kernel:
    """A ``/proc`` and a control group hierarchy as the kernel shows them."""

    def __init__(self, folder: Path) -> None:
        self.proc = folder / "proc"
        self.mount = folder / "cgroup"
        (self.proc / "self").mkdir(parents=True)
        self.mount.mkdir()

    def shows(self, mount: str, root: str, group: str) -> None:
        line = mount.format(root=root, mount=self.mount)
        (self.proc / "self" / "mountinfo").write_text("23 1 0:22 / / rw - ext4 /dev/vda rw\n" + line)
        (self.proc / "self" / "cgroup").write_text(group)

    def v2(self, group: str, **quotas: str) -> None:
        """``quotas``: the text of ``cpu.max`` by folder, ``_`` for a slash."""
        self.shows(V2_MOUNT, "/", f"0::{group}\n")
        for folder, text in quotas.items():
            path = self.mount / folder.strip("_").replace("_", "/")
            path.mkdir(parents=True, exist_ok=True)
            (path / "cpu.max").write_text(text)

    def v1(self, root: str, group: str, folder: str, quota_us: int, period_us: int = 100_000) -> None:
        self.shows(V1_MOUNT, root, f"3:memory:/x\n2:cpu,cpuacct:{group}\n0::/y\n")
        path = self.mount / folder
        path.mkdir(parents=True, exist_ok=True)
        (path / "cpu.cfs_quota_us").write_text(f"{quota_us}\n")
        (path / "cpu.cfs_period_us").write_text(f"{period_us}\n")


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """Of a machine with 64 processors, all of which this process may run on."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    return Kernel(tmp_path)


def test_a_machine_without_control_groups(kernel: Kernel) -> None:
    assert processors.available(kernel.proc) == 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("20000 100000\n", 1),
        ("50000 10000\n", 5),
        ("max 100000\n", 64),
        ("9000000 100000\n", 64),
        ("nonsense\n", 64),
    ],
)
def test_the_quota_of_a_container(kernel: Kernel, text: str, expected: int) -> None:
    kernel.v2("/", _=text)
    assert processors.available(kernel.proc) == expected


def test_the_smallest_quota_of_all_groups_above_counts(kernel: Kernel) -> None:
    kernel.v2("/user.slice/job/step", user_slice="max 100000", _="max 100000")
    (kernel.mount / "user.slice" / "job" / "step").mkdir(parents=True)
    (kernel.mount / "user.slice" / "cpu.max").write_text("300000 100000")
    (kernel.mount / "user.slice" / "job" / "cpu.max").write_text("400000 100000")
    assert processors.available(kernel.proc) == 3


def test_a_group_outside_of_what_is_shown_here(kernel: Kernel) -> None:
    kernel.v2("/../../elsewhere", _="200000 100000")
    assert processors.available(kernel.proc) == 2


@pytest.mark.parametrize(
    ("root", "group", "folder"),
    [("/", "/", ""), ("/", "/kubepods/pod1", "kubepods/pod1"), ("/docker/abc", "/docker/abc", ""), ("/a", "/b", "")],
)
def test_the_first_version_of_control_groups(kernel: Kernel, root: str, group: str, folder: str) -> None:
    kernel.v1(root, group, folder, 200_000)
    assert processors.available(kernel.proc) == 2
    kernel.v1(root, group, folder, -1)
    assert processors.available(kernel.proc) == 64


def test_a_container_with_2_of_64_processors_runs_two_shards_of_one_thread(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel.v2("/", _="200000 100000")
    monkeypatch.setattr(processors.available, "__defaults__", (kernel.proc,))
    slots = devices.slots(uses_gpu=False, processes=1, at_once=None)
    assert slots == [devices.Slot(None, threads=1)] * 2
    launch = Launch(EngineSettings("simulator", {}, "480", 10), 1, 900.0, threads=slots[0].threads)
    assert environment(launch, "a", Path(), 1)["OMP_NUM_THREADS"] == "1"
    assert environment(Launch(launch.engine, 1, 900.0), "a", Path(), 1)["OMP_NUM_THREADS"] == "2"


def test_the_affinity_of_this_very_process() -> None:
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "from its_core.shards import devices; print(len(devices.slots(False, 1, None)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
