"""One torchrun from its start to its end: what its ranks do, and the receipts that they write."""

from __future__ import annotations

import logging
import math
import subprocess
import threading
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from its_core.shards import batch, progress
from its_core.shards.launcher.clip_clock import ClipClock
from its_core.shards.launcher.command import command, environment
from its_core.shards.launcher.launch import Launch, OnReceipt
from its_core.shards.launcher.processes import end_launch
from its_core.shards.receipts import Receipt

POLL_S = 0.1
START_UP_LIMIT_S = 1800.0
# Clips that no rank was seen rendering may have been quick; there may be thousands of them to look at.
_LOOK_AT_ALL_EVERY_S = 5.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a torchrun ended: its exit status (negative: the signal that killed it), the clips that were ended because
    they took too long, and the limit in words."""

    status: int
    too_long: tuple[str, ...] = ()
    limit: str = ""


class RunningLaunch:
    """A torchrun, its clips and what is known of them. ``waiting`` holds the clips without a receipt of this launch,
    ``receipts`` those that it brought about."""

    def __init__(self, folder: Path, jobs: Sequence[batch.Job], launch: Launch, on_receipt: OnReceipt) -> None:
        self.id = uuid.uuid4().hex[:12]
        self.launch = launch
        self.folder = folder / self.id
        self.waiting = {job.request.clip_id: job for job in jobs}
        self.clips = len(jobs)
        self.receipts: list[Receipt] = []
        self.clock = ClipClock(launch.clip_timeout_s)
        self._on_receipt = on_receipt
        self._first = jobs[0].request
        self._versions: dict[str, tuple[int, int]] = {}  # clip id → the receipt file that was read last
        self._looked_at_all = 0.0
        self._processes = min(launch.processes, len(jobs)) if launch.devices is None else launch.processes
        waves = math.ceil(len(jobs) / self._processes)
        self._limit_s = launch.shard_timeout_s or START_UP_LIMIT_S + waves * launch.clip_timeout_s
        self.folder.mkdir(parents=True)
        batch.write(self._batch_path, list(jobs), launch.engine)

    @property
    def _batch_path(self) -> Path:
        return self.folder / "batch.json"

    def run(self, cancelled: threading.Event) -> Ended:
        """Starts torchrun, hands on receipts as they come, and returns when every process of the launch has ended.

        Raises InterruptedError when ``cancelled`` is set.
        """
        with (self.folder / "torchrun.log").open("wb") as log:
            process = subprocess.Popen(
                command(self._batch_path, self.folder, self.launch, self._processes, self._first),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment(self.launch, self.id, self.folder, self._processes),
                start_new_session=True,
            )
            _log.info("torchrun of %d clips started", len(self.waiting), extra={"pid": process.pid})
            try:
                too_long, limit = self._follow(process, cancelled)
            finally:
                end_launch(process, self.id)
        self._collect(self.waiting)
        # A torchrun that even SIGKILL did not end counts as killed.
        status = process.returncode if process.returncode is not None else -9
        _log.info("torchrun ended", extra={"status": status, "receipts": len(self.receipts)})
        return Ended(status, too_long, limit)

    def _follow(self, process: subprocess.Popen[bytes], cancelled: threading.Event) -> tuple[tuple[str, ...], str]:
        """Waits for the end. Returns the clips that take too long, and the limit in words."""
        while process.poll() is None:
            if cancelled.wait(POLL_S):
                raise InterruptedError("the shard was cancelled")
            late = self.clock.update(progress.read_all(self.folder))
            self._collect(self._worth_a_look())
            if too_long := tuple(clip_id for clip_id in late if clip_id in self.waiting):
                return too_long, f"no clip within {self.launch.clip_timeout_s:g} s"
            if self.waiting and self.clock.launch.elapsed_s > self._limit_s:
                return tuple(self.waiting), f"the shard's limit of {self._limit_s:g} s was reached"
        return (), ""

    def _worth_a_look(self) -> Iterable[str]:
        if time.monotonic() - self._looked_at_all > _LOOK_AT_ALL_EVERY_S:
            self._looked_at_all = time.monotonic()
            return self.waiting
        return self.clock.begun & self.waiting.keys()

    def _collect(self, clip_ids: Iterable[str]) -> None:
        for clip_id in list(clip_ids):
            files = self.waiting[clip_id].files
            try:
                file = files.receipt.stat()
            except (FileNotFoundError, NotADirectoryError):
                continue
            version = (file.st_mtime_ns, file.st_ino)
            if self._versions.get(clip_id) == version:
                continue
            self._versions[clip_id] = version
            receipt = files.read_receipt()
            if receipt is not None and receipt.attempts[-1].launch == self.id:
                self.receive(receipt)

    def receive(self, receipt: Receipt) -> None:
        """Counts a clip as ended."""
        del self.waiting[receipt.clip_id]
        self.receipts.append(receipt)
        last = receipt.attempts[-1]
        fields = {"clip": receipt.clip_id, "rank": last.rank, "outcome": last.outcome, "duration_s": last.duration_s}
        _log.info("clip ended: %s", last.reason or last.outcome, extra=fields)
        self._on_receipt(receipt)
