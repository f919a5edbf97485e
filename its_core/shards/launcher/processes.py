"""Ends a launch: torchrun and every process that belongs to it."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import time

import psutil

from its_core.shards.receipts import LAUNCH

TERMINATION_GRACE_S = 5.0
KILL_LIMIT_S = 30.0
_log = logging.getLogger(__name__)


def end_launch(process: subprocess.Popen[bytes], launch_id: str) -> None:
    """Ends torchrun and everything that belongs to its launch: politely first, then by force.

    Ranks sit in sessions of their own, where no group signal reaches them, and outlive a torchrun that was killed. What
    all processes of a launch share is its id in their environment. A process that the kernel does not end within
    ``KILL_LIMIT_S`` (it waits for a disk or a driver that does not answer) is logged and left.
    """
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(TERMINATION_GRACE_S)
    deadline = time.monotonic() + KILL_LIMIT_S
    while alive := _processes_of(launch_id):
        if time.monotonic() > deadline:
            pids = ", ".join(str(survivor.pid) for survivor in alive)
            _log.error("processes %s of launch %s do not end when killed: they are left", pids, launch_id)
            break
        for survivor in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                survivor.kill()
        psutil.wait_procs(alive, timeout=min(TERMINATION_GRACE_S, KILL_LIMIT_S))
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(TERMINATION_GRACE_S)


def _processes_of(launch_id: str) -> list[psutil.Process]:
    alive = []
    for candidate in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if candidate.environ().get(LAUNCH) == launch_id and candidate.status() != psutil.STATUS_ZOMBIE:
                alive.append(candidate)
    return alive
