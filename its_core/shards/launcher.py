"""Runs a shard under torchrun from outside: starts it, follows it clip by clip, leaves no process and no clip behind.

A rank that dies or hangs costs the clip it had in hand: that clip gets its receipt, and the rest are launched again.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from its_core import logs, storage
from its_core.clip import ClipRequest, Outcome
from its_core.errors import FactoryError
from its_core.provenance import code_version
from its_core.shards import batch, parent_death, progress
from its_core.shards.progress import REFUSAL
from its_core.shards.receipts import LAUNCH, Attempt, Receipt, utc_now

POLL_S = 0.1
TERMINATION_GRACE_S = 5.0
START_UP_LIMIT_S = 1800.0
# A launch that torchrun itself did not survive blames no clip; more than this many without a receipt between them do.
FRUITLESS_LAUNCHES = 3
_log = logging.getLogger(__name__)


class LaunchRefused(FactoryError, RuntimeError):
    """The worker refused to start (a bad checkpoint, a missing device …): no retry helps; the message is its own."""

    default_code = "launch.refused"


@dataclass(frozen=True, slots=True)
class Launch:
    """How a shard is launched. ``flags`` are the engine's; ``devices`` the GPUs it may see, None for a CPU engine;
    ``script`` a file with the guide's flags to run instead of our worker."""

    engine: batch.EngineSettings
    flags: tuple[str, ...]
    processes: int
    clip_timeout_s: float
    shard_timeout_s: float | None = None
    devices: tuple[str, ...] | None = None
    script: str | None = None
    environment: dict[str, str] = field(default_factory=dict)


OnReceipt = Callable[[Receipt], None]


def run(
    folder: Path, jobs: Sequence[batch.Job], launch: Launch, on_receipt: OnReceipt, cancelled: threading.Event
) -> list[Receipt]:
    """Renders the jobs of a shard and returns a receipt for each, in order; ``on_receipt`` hears of each as it comes.

    ``folder`` keeps the batch files and a log a rank. Jobs that are made already are not rendered again. Raises
    LaunchRefused, and InterruptedError when ``cancelled`` is set; no process of the shard is alive afterwards.
    """
    receipts = {job.request.clip_id: made for job in jobs if (made := job.files.made())}
    fruitless = 0
    while pending := [job for job in jobs if job.request.clip_id not in receipts]:
        attempt = _Launched(folder, pending, launch, on_receipt, cancelled)
        with logs.about(shard=folder.name, launch=attempt.id):
            fresh = attempt.run()
        fruitless = 0 if fresh else fruitless + 1
        if fruitless >= FRUITLESS_LAUNCHES:
            fresh = [attempt.blame(job, Outcome.ENGINE_ERROR, attempt.account()) for job in pending]
        receipts |= {receipt.clip_id: receipt for receipt in fresh}
    return [receipts[job.request.clip_id] for job in jobs]


def command(batch_path: Path, logs: Path, launch: Launch, processes: int, first: ClipRequest) -> list[str]:
    """The torchrun command of the guide, under the tether. A foreign script, which knows no keys of ours, is told the
    ``first`` clip's seed, guidance and negative prompt for all of them."""
    tethered = [sys.executable, "-m", parent_death.__name__]
    worker = ["its_core.shards.worker"] if launch.script is None else [parent_death.__name__, launch.script]
    return [
        *tethered,
        *("-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"),
        *("--log-dir", str(logs), "--redirects", "3"),
        *("-m", *worker),
        *("--batch_input_json", str(batch_path), "--num_gpus", str(processes)),
        *launch.flags,
        *(_spoken(first) if launch.script else ()),
    ]


def _spoken(request: ClipRequest) -> list[str]:
    told = {"--seed": request.seed, "--guidance": request.guidance, "--negative_prompt": request.negative_prompt}
    # A word each: a text of the manifest's that begins with dashes must not be taken for a flag.
    return [f"{flag}={value}" for flag, value in told.items()]


class _Launched:
    """One torchrun, from its start to the receipts of what it left."""

    def __init__(
        self,
        folder: Path,
        jobs: list[batch.Job],
        launch: Launch,
        on_receipt: OnReceipt,
        cancelled: threading.Event,
    ) -> None:
        self.id = uuid.uuid4().hex[:12]
        self._launch = launch
        self._on_receipt = on_receipt
        self._cancelled = cancelled
        self._logs = folder / self.id
        self._waiting = {job.request.clip_id: job for job in jobs}
        self._receipts: list[Receipt] = []
        self._clock = _ClipClock(launch.clip_timeout_s)
        self._started_at = utc_now()
        self._code: int | None = None
        self._logs.mkdir(parents=True)
        self._first = jobs[0].request
        self._batch = self._logs / "batch.json"
        batch.write(self._batch, jobs, launch.engine)
        self._processes = min(launch.processes, len(jobs)) if launch.devices is None else launch.processes
        waves = math.ceil(len(jobs) / self._processes)
        self._limit = f"no clip within {launch.clip_timeout_s:g} s"  # the limit that ends a clip, in words
        self._limit_s = launch.shard_timeout_s or START_UP_LIMIT_S + waves * launch.clip_timeout_s

    def run(self) -> list[Receipt]:
        """Returns the receipts that this launch brought about; clips that it did not get to have none."""
        deadline = time.monotonic() + self._limit_s
        with (self._logs / "torchrun.log").open("wb") as log:
            process = subprocess.Popen(
                command(self._batch, self._logs, self._launch, self._processes, self._first),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment(),
                start_new_session=True,
            )
            _log.info("torchrun of %d clips started", len(self._waiting), extra={"pid": process.pid})
            try:
                stuck = self._follow(process, deadline)
            finally:
                end_launch(process, self.id)
        self._code = process.returncode
        self._collect()
        self._settle(stuck)
        _log.info("torchrun ended", extra={"status": self._code, "receipts": len(self._receipts)})
        return self._receipts

    def _environment(self) -> dict[str, str]:
        devices = self._launch.devices
        # Ranks of a CPU engine share the cores among themselves; each must not take them all.
        threads = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // self._processes))}
        visible = {"CUDA_VISIBLE_DEVICES": ",".join(devices)} if devices is not None else {}
        told = {LAUNCH: self.id, progress.FOLDER: str(self._logs), "PYTHONUNBUFFERED": "1", **logs.environment()}
        return {**os.environ, **threads, **visible, **self._launch.environment, **told, **parent_death.environment()}

    def _follow(self, process: subprocess.Popen[bytes], deadline: float) -> list[str]:
        """Waits for the end and hands receipts on as they come. Returns the clips that took too long."""
        while process.poll() is None:
            if self._cancelled.wait(POLL_S):
                raise InterruptedError("the shard was cancelled")
            self._collect()
            if not self._waiting:
                continue
            if stuck := self._clock.stuck(progress.read_all(self._logs), self._waiting):
                return stuck
            if time.monotonic() > deadline:
                self._limit = f"the shard's limit of {self._limit_s:g} s was reached"
                return list(self._waiting)
        return []

    def _collect(self) -> None:
        for job in list(self._waiting.values()):
            receipt = job.files.read_receipt()
            if receipt is not None and receipt.attempts[-1].launch == self.id:
                self._receive(receipt)

    def _receive(self, receipt: Receipt) -> None:
        del self._waiting[receipt.clip_id]
        self._receipts.append(receipt)
        last = receipt.attempts[-1]
        known = {"clip": receipt.clip_id, "rank": last.rank, "outcome": last.outcome, "duration_s": last.duration_s}
        _log.info("clip ended: %s", last.reason or last.outcome, extra=known)
        self._on_receipt(receipt)

    def _settle(self, stuck: list[str]) -> None:
        """Gives receipts to the clips that this launch's end left without one, where it is they that are to blame."""
        if stuck:
            for clip_id in stuck:
                self._receive(self.blame(self._waiting[clip_id], Outcome.TIMED_OUT, self._limit))
        elif self._code == 0:
            for job in list(self._waiting.values()):
                self._receive(self._judge_silence(job))
        elif self._code is not None and self._code > 0:
            self._settle_failure()

    def _settle_failure(self) -> None:
        states = progress.read_all(self._logs)
        told = bool(states)
        if not told:  # a script that tells nothing, or a worker that could not even be imported
            in_hand = list(self._waiting)
        else:
            in_hand = [str(state.clip_id) for state in states if state.state == "rendering"]
        if not in_hand and not self._receipts and (refusal := self._refusal()):
            raise LaunchRefused(refusal)
        for clip_id in in_hand:
            if clip_id in self._waiting:
                broken = self.blame(self._waiting[clip_id], Outcome.ENGINE_ERROR, self.account(), broke_rank=told)
                self._receive(broken)

    def _judge_silence(self, job: batch.Job) -> Receipt:
        """A receipt for a clip of which a launch that ended well says nothing."""
        if self._launch.script is None:
            return self.blame(job, Outcome.ENGINE_ERROR, "the worker ended without a receipt for this clip")
        if not job.files.video.exists() or job.files.video.stat().st_size == 0:
            return self.blame(job, Outcome.ENGINE_ERROR, f"{self._launch.script} left no file; see {self._logs}")
        return self._attest(job, self._launch.script)

    def _attest(self, job: batch.Job, script: str) -> Receipt:
        """A receipt for a clip whose script writes none; what really ran inside is not known, and that is recorded."""
        record = {"engine": "script", "script": script, "flags": list(self._launch.flags), "observed": False}
        sha256 = storage.sha256_file(job.files.video)
        return job.files.add_attempt(
            job.request, self._attempt(Outcome.GENERATED, ""), clip_sha256=sha256, record=record
        )

    def blame(self, job: batch.Job, outcome: Outcome, reason: str, *, broke_rank: bool = False) -> Receipt:
        return job.files.add_attempt(job.request, self._attempt(outcome, reason, broke_rank))

    def _attempt(self, outcome: Outcome, reason: str, broke_rank: bool = False) -> Attempt:
        elapsed_s = time.monotonic() - self._clock.since
        return Attempt(
            outcome=outcome,
            reason=reason,
            started_at=self._started_at,
            duration_s=round(elapsed_s, 3),
            rank=None,
            launch=self.id,
            code_version=code_version(),
            host=socket.gethostname(),
            broke_rank=broke_rank,
        )

    def account(self) -> str:
        """What is known of a failed launch's end, in a line."""
        code = self._code or 0
        if code < 0:
            return f"torchrun was killed by {signal.Signals(-code).name}; see {self._logs}"
        text = (self._logs / "torchrun.log").read_text(errors="replace")
        if died := re.search(r"exitcode\s*:\s*(-\d+)", text):
            return f"its rank was killed by {signal.Signals(-int(died[1])).name}; see {self._logs}"
        last_words = (self._stderr_lines() or [f"exit status {code}"])[-1]
        return f"its rank ended early: {last_words}; see {self._logs}"

    def _refusal(self) -> str | None:
        """What the worker itself gave as the reason for not starting."""
        said = [line.removeprefix(REFUSAL) for line in self._stderr_lines() if line.startswith(REFUSAL)]
        return said[-1] if said else None

    def _stderr_lines(self) -> list[str]:
        logs = sorted(self._logs.glob("*/attempt_*/*/stderr.log"))
        return [line.strip() for log in logs for line in log.read_text(errors="replace").splitlines() if line.strip()]


class _ClipClock:
    """Notices clips that take too long, by this process's own clock: the ranks' may jump."""

    def __init__(self, limit_s: float) -> None:
        self.since = time.monotonic()
        self._limit_s = limit_s
        self._begun: dict[int, tuple[str, float]] = {}  # rank → clip and when it was first seen there

    def stuck(self, states: list[progress.RankState], waiting: dict[str, batch.Job]) -> list[str]:
        now = time.monotonic()
        late = []
        for state in states:
            if state.state != "rendering" or state.clip_id is None:
                continue
            clip_id, begun = self._begun.get(state.rank, ("", now))
            if clip_id != state.clip_id:
                self._begun[state.rank] = (state.clip_id, now)
            elif now - begun > self._limit_s and clip_id in waiting:
                late.append(clip_id)
        return sorted(set(late))


def end_launch(process: subprocess.Popen[bytes], launch: str) -> None:
    """Ends torchrun and everything that belongs to its launch: politely, then not.

    Ranks sit in sessions of their own, where no group signal finds them, and outlive a torchrun that was killed; what
    all of a launch's processes share is its id in their environment.
    """
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(TERMINATION_GRACE_S)
    while alive := _processes_of(launch):
        for survivor in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                survivor.kill()
        psutil.wait_procs(alive, timeout=TERMINATION_GRACE_S)
    process.wait()


def _processes_of(launch: str) -> list[psutil.Process]:
    found = []
    for candidate in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if candidate.environ().get(LAUNCH) == launch and candidate.status() != psutil.STATUS_ZOMBIE:
                found.append(candidate)
    return found
