"""What ``its metrics`` serves: how all builds stand, for Prometheus, from what lies beside the data.

Every scrape looks anew, so that nothing has to report to anybody: builds may run anywhere over the same work folders.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from its_core import definition as definitions
from its_core.clip import Outcome
from its_core.definition import Definition, DefinitionError
from its_core.engines.engine import engine_module
from its_core.shards.receipt_cache import ReceiptCache
from its_core.shards.receipts import Attempt, Receipt
from its_core.shards.status import BuildPhase, BuildStatus, count, read_status
from its_core.storage.errors import StorageError

_LATELY = timedelta(hours=1)
_PATIENCE_S = 15.0  # with a place that does not answer; the other datasets are to be told within a scrape's time
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A dataset as one look found it."""

    definition: Definition
    now: BuildStatus
    receipts: list[Receipt]


class BuildsCollector(Collector):
    """A look at every definition of a folder, a scrape. Datasets that come later are found; one whose published version
    lies where nothing answers keeps the others from being told for ``patience_s`` (None: for as long as it takes)."""

    def __init__(self, datasets: str, patience_s: float | None = _PATIENCE_S) -> None:
        self._datasets = datasets
        self._patience_s = patience_s
        self._receipts: defaultdict[Path, ReceiptCache] = defaultdict(ReceiptCache)
        self._looks: dict[Path, Future[_Seen]] = {}
        self._one_at_a_time = threading.Lock()

    def describe(self) -> Iterable[Metric]:
        return ()  # else registering would look at everything

    def collect(self) -> Iterator[Metric]:
        began = time.monotonic()
        families = _Families()
        with self._one_at_a_time:
            folders = definitions.find(self._datasets)
            for folder in folders:
                if folder not in self._looks:
                    self._looks[folder] = self._begin(folder)
            wait(self._looks.values(), self._patience_s)
            for folder in folders:
                self._add(families, folder)
        yield from families.all()
        yield GaugeMetricFamily(
            "its_look_seconds", "Seconds that it took to look at all datasets.", time.monotonic() - began
        )

    def _begin(self, folder: Path) -> Future[_Seen]:
        """A look in a thread that nobody waits for when the process ends."""
        future: Future[_Seen] = Future()

        def run() -> None:
            try:
                future.set_result(self._look(folder))
            except Exception as error:
                future.set_exception(error)

        threading.Thread(target=run, daemon=True).start()
        return future

    def _look(self, folder: Path) -> _Seen:
        receipts: list[Receipt] = []

        def read(work: Path) -> list[Receipt]:
            receipts.extend(self._receipts[work].read(work))
            return receipts

        definition = definitions.load(folder)
        return _Seen(definition, read_status(definition.work_path, read), receipts)

    def _add(self, families: _Families, folder: Path) -> None:
        # A link's own name, so not resolved: two links may lead to folders of one name.
        name = Path(os.path.abspath(folder)).name  # noqa: PTH100
        if not self._looks[folder].done():
            told = "%s: still being looked at after %g s: its disk or its S3 server does not answer, or it is large"
            _log.warning(told, folder, self._patience_s)
            families.readable.add_metric([name], 0)
            return  # the next scrape tells
        try:
            seen = self._looks.pop(folder).result()
        except (DefinitionError, StorageError, OSError) as error:
            _log.warning("%s: %s", folder, error)
            families.readable.add_metric([name], 0)
        else:
            families.readable.add_metric([name], 1)
            families.add_look(name, seen.now)
            families.add_receipts(name, seen.receipts, seen.definition)


class _Families:
    """The metrics of one scrape, with a sample a dataset each."""

    def __init__(self) -> None:
        a_dataset = ["dataset"]
        an_outcome = ["dataset", "outcome"]
        gauge, counter = GaugeMetricFamily, CounterMetricFamily
        self.readable = gauge("its_dataset_readable", "Whether all that follows could be read.", labels=a_dataset)
        self._state = gauge("its_dataset_state", "1 for the state that it is in.", labels=["dataset", "state"])
        self._planned = gauge("its_clips_planned", "Clips that the last plan asks for.", labels=a_dataset)
        self._made = gauge("its_clips_made", "Planned clips that are there.", labels=a_dataset)
        self._lately = gauge("its_clips_made_last_hour", "Those made in the last hour.", labels=a_dataset)
        self._left = gauge(
            "its_clips_left", "Clips neither made nor beyond help: the length of the queue.", labels=a_dataset
        )
        self._failed = gauge("its_clips_failed", "Planned clips whose last try failed.", labels=an_outcome)
        self._ends_in = gauge("its_build_ends_in_seconds", "An estimate, while a build runs.", labels=a_dataset)
        self._attempts = counter("its_clip_attempts", "Tries of planned clips.", labels=an_outcome)
        self._seconds = counter("its_clip_seconds", "Seconds that tries of planned clips took.", labels=an_outcome)
        self._gpu_seconds = counter(
            "its_gpu_seconds", "Those seconds times the GPUs that made the clip.", labels=an_outcome
        )

    def all(self) -> Iterator[Metric]:
        yield from vars(self).values()

    def add_look(self, dataset: str, now: BuildStatus) -> None:
        for phase in BuildPhase:
            self._state.add_metric([dataset, phase.value], phase is now.phase)
        if now.build is None:
            return
        self._planned.add_metric([dataset], now.build.clips or 0)
        self._made.add_metric([dataset], now.made)
        self._left.add_metric([dataset], now.left)
        for outcome, number in count(now.failed).items():
            self._failed.add_metric([dataset, outcome], number)
        if now.ends_in_s is not None:
            self._ends_in.add_metric([dataset], now.ends_in_s)

    def add_receipts(self, dataset: str, receipts: list[Receipt], definition: Definition) -> None:
        attempts: Counter[Outcome] = Counter()
        seconds: defaultdict[Outcome, float] = defaultdict(float)
        gpu_seconds: defaultdict[Outcome, float] = defaultdict(float)
        for receipt in receipts:
            gpus = _gpus(receipt, definition)
            for attempt in receipt.attempts:
                attempts[attempt.outcome] += 1
                seconds[attempt.outcome] += attempt.duration_s
                gpu_seconds[attempt.outcome] += attempt.duration_s * gpus
        for outcome, number in attempts.items():
            self._attempts.add_metric([dataset, outcome], number)
            self._seconds.add_metric([dataset, outcome], seconds[outcome])
            if engine_module(definition.engine.name).TRAITS.uses_gpu:
                self._gpu_seconds.add_metric([dataset, outcome], gpu_seconds[outcome])
        since = datetime.now(UTC) - _LATELY
        lately = sum(_ended(r.attempts[-1]) > since for r in receipts if r.outcome is Outcome.GENERATED)
        self._lately.add_metric([dataset], lately)


def _gpus(receipt: Receipt, definition: Definition) -> int:
    """GPUs that a clip was tried on, by the engine's own record; a clip that has none was in one GPU's hands."""
    if not engine_module(definition.engine.name).TRAITS.uses_gpu or receipt.record.get("device") == "cpu":
        return 0
    return int(receipt.record.get("ranks_per_clip", 1))


def _ended(attempt: Attempt) -> datetime:
    return datetime.fromisoformat(attempt.started_at) + timedelta(seconds=attempt.duration_s)


def exposition(datasets: str) -> str:
    """One look, in Prometheus' text format. Raises DefinitionError where there is no dataset."""
    return generate_latest(_registry(BuildsCollector(datasets, patience_s=None))).decode()


def serve(datasets: str, host: str, port: int) -> tuple[str, threading.Thread]:
    """Serves a look a scrape from a thread, and returns its URL and the thread; port 0 takes any that is free.

    Raises DefinitionError where there is no dataset, OSError where it cannot listen.
    """
    definitions.find(datasets)
    try:
        server, thread = start_http_server(port, host, _registry(BuildsCollector(datasets)))
    except OSError as error:
        raise OSError(
            f"cannot listen at {host}:{port} ({error.strerror}): take another port with --port, 0 for any that is "
            "free; --host must be an address of this machine"
        ) from None
    return f"http://{host}:{server.server_port}/metrics", thread


def _registry(collector: BuildsCollector) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(collector)
    return registry
