"""Nothing that a build started outlives it, however it ends."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

pytestmark = pytest.mark.system

# Starts a process in a session of its own, prints its number, and waits.
BUILD = """
import subprocess, sys
from its_core.shards import watchdog
{watch}
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print(child.pid, flush=True)
sys.stdin.read()
"""


def _start(watch: str) -> tuple[subprocess.Popen[str], psutil.Process]:
    build = subprocess.Popen(
        [sys.executable, "-c", BUILD.format(watch=watch)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert build.stdout is not None
    return build, psutil.Process(int(build.stdout.readline()))


@pytest.mark.parametrize("end", ["kill", "terminate"])
def test_what_a_build_started_ends_with_it(end: str) -> None:
    build, child = _start("watchdog.watch()")
    getattr(build, end)()
    build.wait(60)
    child.wait(60)  # raises TimeoutExpired where it lives on


def test_a_build_that_is_not_watched_leaves_it_running() -> None:
    build, child = _start("")
    build.kill()
    build.wait(60)
    with pytest.raises(psutil.TimeoutExpired):
        child.wait(0.5)
    child.kill()


def test_another_builds_processes_live_on() -> None:
    first, its_child = _start("watchdog.watch()")
    second, other_child = _start("watchdog.watch()")
    first.kill()
    first.wait(60)
    its_child.wait(60)
    assert other_child.is_running()
    second.kill()
    second.wait(60)
    other_child.wait(60)
