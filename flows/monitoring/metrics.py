"""What ``its metrics`` serves: the status of all builds, for Prometheus, from the files beside the data.

Every scrape reads them again. Nothing has to report to this process: builds may run anywhere over the same folders.
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
_READ_LIMIT_S = 15.0  # for one dataset; the others must be there within a scrape's time
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A dataset as it was read for one scrape."""

    definition: Definition
    status: BuildStatus
    receipts: list[Receipt]


class BuildsCollector(Collector):
    """Reads every definition of a folder at each scrape, also those that were added since the last one.

    A dataset whose disk or S3 server does not answer delays the others by ``read_limit_s`` (None: for as long as it
    takes), and is reported as not readable.
    """

    def __init__(self, datasets: str, read_limit_s: float | None = _READ_LIMIT_S) -> None:
        self._datasets = datasets
        self._read_limit_s = read_limit_s
        self._receipts: defaultdict[Path, ReceiptCache] = defaultdict(ReceiptCache)
        self._readings: dict[Path, Future[_Reading]] = {}
        self._one_at_a_time = threading.Lock()

    def describe(self) -> Iterable[Metric]:
        return ()  # else registering would read everything

    def collect(self) -> Iterator[Metric]:
        since = time.monotonic()
        families = _Families()
        with self._one_at_a_time:
            folders = definitions.find(self._datasets)
            for folder in folders:
                if folder not in self._readings:
                    self._readings[folder] = self._start_reading(folder)
            wait(self._readings.values(), self._read_limit_s)
            for folder in folders:
                self._add(families, folder)
        yield from families.all()
        elapsed_s = time.monotonic() - since
        yield GaugeMetricFamily("its_scrape_seconds", "Seconds that reading all datasets took.", elapsed_s)

    def _start_reading(self, folder: Path) -> Future[_Reading]:
        """Reads in a thread that does not keep the process from ending."""
        future: Future[_Reading] = Future()

        def run() -> None:
            try:
                future.set_result(self._read(folder))
            except Exception as error:
                future.set_exception(error)

        threading.Thread(target=run, daemon=True).start()
        return future

    def _read(self, folder: Path) -> _Reading:
        receipts: list[Receipt] = []

        def read(work: Path) -> list[Receipt]:
            receipts.extend(self._receipts[work].read(work))
            return receipts

        definition = definitions.load(folder)
        return _Reading(definition, read_status(definition.work_path, read, definition.folder), receipts)

    def _add(self, families: _Families, folder: Path) -> None:
        # A link's own name, so not resolved: two links may lead to folders of one name.
        name = Path(os.path.abspath(folder)).name  # noqa: PTH100
        if not self._readings[folder].done():
            message = "%s: still being read after %g s: its disk or its S3 server does not answer, or it is large"
            _log.warning(message, folder, self._read_limit_s)
            families.readable.add_metric([name], 0)
            return  # the next scrape has it
        try:
            reading = self._readings.pop(folder).result()
        except (DefinitionError, StorageError, OSError) as error:
            _log.warning("%s: %s", folder, error)
            families.readable.add_metric([name], 0)
        else:
            families.readable.add_metric([name], 1)
            families.add_status(name, reading.status)
            families.add_receipts(name, reading.receipts, reading.definition)


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
        self._left = gauge("its_clips_left", "Clips that may still be made: the length of the queue.", labels=a_dataset)
        self._failed = gauge("its_clips_failed", "Planned clips whose last attempt failed.", labels=an_outcome)
        self._ends_in = gauge("its_build_ends_in_seconds", "An estimate, while a build runs.", labels=a_dataset)
        self._attempts = counter("its_clip_attempts", "Attempts at planned clips.", labels=an_outcome)
        self._seconds = counter("its_clip_seconds", "Seconds that attempts at planned clips took.", labels=an_outcome)
        self._gpu_seconds = counter(
            "its_gpu_seconds", "Those seconds times the GPUs that made the clip.", labels=an_outcome
        )

    def all(self) -> Iterator[Metric]:
        yield from (self.readable, self._state, self._planned, self._made, self._lately, self._left, self._failed)
        yield from (self._ends_in, self._attempts, self._seconds, self._gpu_seconds)

    def add_status(self, dataset: str, status: BuildStatus) -> None:
        for phase in BuildPhase:
            self._state.add_metric([dataset, phase.value], phase is status.phase)
        if status.build is None:
            return
        self._planned.add_metric([dataset], status.build.clips or 0)
        self._made.add_metric([dataset], status.made)
        self._left.add_metric([dataset], status.left)
        for outcome, number in count(status.failed).items():
            self._failed.add_metric([dataset, outcome], number)
        if status.ends_in_s is not None:
            self._ends_in.add_metric([dataset], status.ends_in_s)

    def add_receipts(self, dataset: str, receipts: list[Receipt], definition: Definition) -> None:
        uses_gpu = engine_module(definition.engine.name).TRAITS.uses_gpu
        attempts: Counter[Outcome] = Counter()
        seconds: defaultdict[Outcome, float] = defaultdict(float)
        gpu_seconds: defaultdict[Outcome, float] = defaultdict(float)
        for receipt in receipts:
            gpus = _gpus(receipt) if uses_gpu else 0
            for attempt in receipt.attempts:
                attempts[attempt.outcome] += 1
                seconds[attempt.outcome] += attempt.duration_s
                gpu_seconds[attempt.outcome] += attempt.duration_s * gpus
        for outcome, number in attempts.items():
            self._attempts.add_metric([dataset, outcome], number)
            self._seconds.add_metric([dataset, outcome], seconds[outcome])
            if uses_gpu:
                self._gpu_seconds.add_metric([dataset, outcome], gpu_seconds[outcome])
        since = datetime.now(UTC) - _LATELY
        lately = sum(_ended(r.attempts[-1]) > since for r in receipts if r.outcome is Outcome.GENERATED)
        self._lately.add_metric([dataset], lately)


def _gpus(receipt: Receipt) -> int:
    """GPUs that a clip was tried on, by the engine's own record; 1 where it has none."""
    return 0 if receipt.record.get("device") == "cpu" else int(receipt.record.get("ranks_per_clip", 1))


def _ended(attempt: Attempt) -> datetime:
    return datetime.fromisoformat(attempt.started_at) + timedelta(seconds=attempt.duration_s)


def exposition(datasets: str) -> str:
    """One reading, in Prometheus' text format. Raises DefinitionError where there is no dataset."""
    return generate_latest(_registry(BuildsCollector(datasets, read_limit_s=None))).decode()


def serve(datasets: str, host: str, port: int) -> tuple[str, threading.Thread]:
    """Serves a reading a scrape from a thread, and returns its URL and the thread; port 0 takes any that is free.

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
