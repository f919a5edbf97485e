"""Runs a program of ours under torchrun, to its end or to a reason, and leaves no process behind."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from its_core import logs as log_lines
from its_core import storage
from its_core.errors import FactoryError
from its_core.post_training.errors import ProgramFailed, ProgramRefused
from its_core.shards import devices, parent_death, processors
from its_core.shards.launcher.processes import end_launch
from its_core.shards.receipts import LAUNCH

REFUSAL = "ITS_REFUSAL_FILE"  # environment variable: where a program says why it cannot go on
FRUITLESS_LAUNCHES = 3  # in a row without progress
_POLL_S = 0.2
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Program:
    """A module under torchrun. ``progress`` returns something that changes when the program gets on: a program that was
    killed is started again as long as it does."""

    module: str
    arguments: Sequence[str]
    processes: int
    logs: Path
    progress: Callable[[], object]
    watch: Callable[[], None] = lambda: None


# Runs a program to its end: here, or on another machine.
Launch = Callable[[Program], None]


def processes_here(asked_for: int | None, model_size: str) -> int:
    """How many processes a launch on this machine has: ``asked_for``, else one a GPU.

    Raises ProgramRefused where there are fewer GPUs.
    """
    gpus = len(devices.visible_gpus())
    if asked_for is None:
        return max(gpus, 1)
    if model_size != "tiny" and asked_for > gpus:
        raise ProgramRefused(
            f"processes {asked_for}: this machine shows {gpus} GPUs; lower processes", code="post_training.processes"
        )
    return asked_for


def run(program: Program, cancelled: threading.Event) -> None:
    """Raises ProgramRefused, ProgramFailed, and InterruptedError when ``cancelled`` is set."""
    fruitless = 0
    while True:
        before = program.progress()
        launch = _Launch(program, cancelled)
        if launch.run() == 0:
            return
        if refusal := launch.refusal():
            raise refusal
        fruitless = 0 if program.progress() != before else fruitless + 1
        _log.warning("%s: %s", program.module, launch.account())
        if fruitless >= FRUITLESS_LAUNCHES:
            raise ProgramFailed(launch.account())


class _Launch:
    """One torchrun from start to end."""

    def __init__(self, program: Program, cancelled: threading.Event) -> None:
        self._program, self._cancelled = program, cancelled
        self._id = uuid.uuid4().hex[:12]
        self._logs = program.logs / self._id
        self._logs.mkdir(parents=True)
        self._refusal = self._logs / "refusal.json"
        self._code = 0

    def run(self) -> int:
        program = self._program
        command = [
            *(sys.executable, "-m", parent_death.__name__),
            *("-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={program.processes}"),
            *("--log-dir", str(self._logs), "--redirects", "3"),
            *("-m", program.module, *program.arguments),
        ]
        threads = {"OMP_NUM_THREADS": str(max(1, processors.available() // program.processes))}
        variables = {LAUNCH: self._id, REFUSAL: str(self._refusal), "PYTHONUNBUFFERED": "1"}
        environment = {**os.environ, **threads, **variables, **log_lines.environment(), **parent_death.environment()}
        with (self._logs / "torchrun.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
            try:
                while process.poll() is None:
                    if self._cancelled.wait(_POLL_S):
                        raise InterruptedError(f"{program.module} was cancelled")
                    program.watch()
            finally:
                end_launch(process, self._id)
        program.watch()
        self._code = process.returncode
        return self._code

    def refusal(self) -> ProgramRefused | None:
        try:
            refusal = json.loads(self._refusal.read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        return ProgramRefused(refusal["message"], code=refusal["code"])

    def account(self) -> str:
        """How the launch ended, in a line."""
        if self._code < 0:
            return f"torchrun was killed by {signal.Signals(-self._code).name}; see {self._logs}"
        text = (self._logs / "torchrun.log").read_text(errors="replace").partition("Root Cause")[2]
        if died := re.search(r"exitcode\s*:\s*(-\d+)", text):
            return f"a rank was killed by {signal.Signals(-int(died[1])).name}; see {self._logs}"
        lines = [line.strip() for log in sorted(self._logs.rglob("stderr.log")) for line in _lines(log)]
        last = next((line for line in reversed(lines) if line), f"exit status {self._code}")
        return f"a rank ended early: {last}; see {self._logs}"


def _lines(log: Path) -> list[str]:
    return log.read_text(errors="replace").splitlines()


def refuse(error: Exception) -> None:
    """For a program: ends it with a reason that its launcher passes on."""
    code = error.code if isinstance(error, FactoryError) else "post_training.refused"
    if place := os.environ.get(REFUSAL):
        refusal = json.dumps({"code": code, "message": str(error)})
        storage.create(place, refusal.encode())  # the first rank's word counts: the others only follow it
    sys.exit(f"error: {error}")
