"""A shard somewhere in the cluster, whose receipts appear in the work folder."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from its_tasks.executors.base import ShardRun
from its_tasks.executors.ray_cluster.capacity import Resources
from its_tasks.render import ShardIncomplete
from prefect_ray.task_runners import PrefectRayFuture

from its_core.clip import Outcome
from its_core.shards.batch import Job
from its_core.shards.launcher import OnReceipt
from its_core.shards.receipts import Receipt, synthetic_attempt

RECEIPT_DELAY_S = 30.0  # a shared disk may show a file late


@dataclass(slots=True)
class _Clip:
    """A clip of a running shard. ``attempts_before`` were in its receipt when the shard was submitted, ``reported`` of
    those since then were handed on."""

    job: Job
    attempts_before: int
    reported: int = 0


class RunningShard:
    """Follows a shard through the receipts that it writes."""

    def __init__(
        self,
        run: ShardRun,
        needed: Resources,
        starts: Path,
        on_receipt: OnReceipt,
        future: PrefectRayFuture[Any],
    ) -> None:
        self.needed = needed
        self.future = future
        self._starts = starts
        self._on_receipt = on_receipt
        self._clips = [_Clip(job, _attempts(job)) for job in run.jobs]
        self._lock = threading.Lock()
        self.ended = threading.Event()
        self._ended_at: float | None = None

    def look(self) -> None:
        """Hands on the attempts that ended since the last look."""
        if not self._starts.exists():
            return  # not begun: thousands of shards may wait
        with self._lock:
            for clip in self._clips:
                receipt = clip.job.files.read_receipt()
                if receipt is not None and len(receipt.attempts) > clip.attempts_before + clip.reported:
                    clip.reported = len(receipt.attempts) - clip.attempts_before
                    self._on_receipt(receipt)

    def settle(self) -> tuple[bool, ShardIncomplete | None]:
        """After the shard's end: whether every clip has its receipt, or has been waited for long enough; then the
        failure, where one did not appear. Does not wait itself."""
        if self._ended_at is None:
            self._ended_at = time.monotonic()
        with suppress(OSError):
            self.look()
        if all(clip.reported or clip.job.files.success_receipt() for clip in self._clips):
            return True, None
        if time.monotonic() - self._ended_at < RECEIPT_DELAY_S:
            return False, None
        return True, self.lost("its receipt is not seen here: work_dir's disk shows late what other machines wrote")

    def lost(self, reason: str) -> ShardIncomplete:
        """Gives the clips without a receipt of this run one."""
        with self._lock:
            silent = [clip for clip in self._clips if not clip.reported and clip.job.files.success_receipt() is None]
            for clip in silent:
                clip.reported = 1
                self._on_receipt(record_lost(clip.job, reason))
        return ShardIncomplete(f"{len(silent)} clips: {reason}")


def record_lost(job: Job, reason: str) -> Receipt:
    return job.files.add_attempt(job.request, synthetic_attempt(Outcome.ENGINE_ERROR, reason, "cluster"))


def _attempts(job: Job) -> int:
    receipt = job.files.read_receipt()
    return len(receipt.attempts) if receipt else 0
