"""Makes the clips of a plan: renders and checks until nothing is missing that another attempt may bring."""

from __future__ import annotations

import queue
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from its_tasks.check import ClipsInvalid, check
from its_tasks.clip_table import ClipTable
from its_tasks.engines import ResolvedEngine
from its_tasks.executors.base import Executor, ShardRun
from its_tasks.render import ShardIncomplete
from its_tasks.reporting.progress import Progress
from its_tasks.steps import OnEnd, Steps

from its_core.clip import Outcome
from its_core.definition import Definition
from its_core.shards.batch import Job
from its_core.shards.launcher import Launch
from its_core.shards.plan import Plan, Shard, shards, shards_of_one_seed
from its_core.shards.receipts import Receipt, clip_files

LONGEST_RETRY_DELAY_S = 300.0
CANCEL_LIMIT_S = 60.0  # that cancelled shards have to end


@dataclass(frozen=True, slots=True)
class ClipMaking:
    """What makes the clips of one build. ``engines`` render clips that ran out of memory 0, 1, 2 … times."""

    executor: Executor
    definition: Definition
    engines: Sequence[ResolvedEngine]
    plan: Plan
    clips: ClipTable
    progress: Progress
    steps: Steps

    def run(self) -> None:
        """Renders and checks until nothing is missing that another attempt may bring, or the attempts are used up."""
        self._check(0)
        missing = self.clips.missing()
        self.progress.starts(len(self.plan.clip_ids), len(self.plan.clip_ids) - len(missing))
        for attempt in range(self.definition.retries + 1):
            missing = self.clips.missing()
            if not missing:
                return
            if attempt:
                time.sleep(retry_delay_s(self.definition, attempt))
            cut = shards_of_one_seed if self.definition.engine.script else shards
            # A clip that failed is tried again alone: it may be what breaks its neighbours.
            size = self.definition.shard_size if attempt == 0 else 1
            for fallback, indices in self._by_fallback(missing).items():
                self._render_all(fallback, cut(self.plan, indices, size), attempt + 1)
            self._check(attempt + 1)

    def _by_fallback(self, missing: Iterable[int]) -> dict[int, list[int]]:
        """The missing indices by how often their clips ran out of memory: 0, 1 … up to the last fallback."""
        by_fallback: dict[int, list[int]] = defaultdict(list)
        for index in missing:
            receipt = self.clips.receipt(self.plan.clip_ids[index])
            attempts = receipt.attempts if receipt else ()
            exhausted = sum(attempt.outcome is Outcome.OUT_OF_MEMORY for attempt in attempts)
            by_fallback[min(exhausted, len(self.definition.out_of_memory_fallbacks))].append(index)
        return dict(sorted(by_fallback.items()))

    def _render_all(self, fallback: int, batches: Iterable[Shard], attempt: int) -> None:
        """Runs shards side by side, as many as there are slots; a shard that fails does not stop the others."""
        definition, work = self.definition.under_fallback(fallback), self.definition.work_path
        slots = _Slots(self.executor.launches(definition, self.engines[fallback]))
        try:
            for shard in batches:
                launch = slots.take()
                planned = self.plan.clips(shard.indices)
                jobs = [Job(clip.request, clip_files(work, clip.request.clip_id)) for clip in planned]
                run = ShardRun(shard.shard_id, jobs, attempt, work)
                self.executor.submit(run, launch, self._on_receipt, slots.started(launch))
            slots.wait_for_all()
        except BaseException:
            # The work folder's lock must not be released while a rank may still write there.
            self.executor.cancel()
            slots.wait_until_ended(CANCEL_LIMIT_S)
            raise

    def _on_receipt(self, receipt: Receipt) -> None:
        self.clips.update(receipt)
        self.progress.clip_ended(receipt)

    def _check(self, attempt: int) -> None:
        with suppress(ClipsInvalid):  # the receipts of such clips say it all
            self.steps.run(check, self.definition, self.engines[0], self.plan, self.clips, attempt, self.progress)


def retry_delay_s(definition: Definition, attempt: int) -> float:
    """The wait before the first, second … further attempt: it doubles, up to a limit."""
    longest_s = max(definition.retry_delay_s, LONGEST_RETRY_DELAY_S)
    return min(definition.retry_delay_s * 2.0 ** (attempt - 1), longest_s)


class _Slots:
    """The launches that may run at a time: each is taken for a shard, and free again when the shard has ended."""

    def __init__(self, launches: Sequence[Launch]) -> None:
        self._launches = launches
        self._free: queue.SimpleQueue[tuple[Launch, BaseException | None]] = queue.SimpleQueue()
        self._running = 0
        self._changed = threading.Condition()
        for launch in launches:
            self._free.put((launch, None))

    def take(self) -> Launch:
        """Waits for a free slot. Raises the failure of the shard that had it, unless that shard's receipts say it
        all."""
        launch, failure = self._free.get()
        if failure is not None and not isinstance(failure, ShardIncomplete):
            raise failure
        return launch

    def started(self, launch: Launch) -> OnEnd:
        """Counts a shard that runs now; what is returned is to be called when it has ended."""
        with self._changed:
            self._running += 1

        def ended(failure: BaseException | None) -> None:
            self._free.put((launch, failure))
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

        return ended

    def wait_for_all(self) -> None:
        """Waits until every slot is free. Raises as ``take`` does."""
        for _ in self._launches:
            self.take()

    def wait_until_ended(self, limit_s: float) -> None:
        """Waits until no shard runs, but not longer than ``limit_s``."""
        with self._changed:
            self._changed.wait_for(lambda: self._running == 0, limit_s)
