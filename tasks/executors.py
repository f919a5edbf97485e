"""Where shards run: side by side on this machine, or over a Ray cluster (``tasks/cluster.py``)."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect.futures import PrefectFuture

from its_core.definition import Definition
from its_core.shards import devices
from its_core.shards.batch import Job
from its_core.shards.launcher import Launch, LaunchRefused, OnReceipt
from tasks.plan import EngineOrder
from tasks.render import render


@dataclass(frozen=True, slots=True)
class ShardRun:
    """One run of a shard: its name, what it is to make, which try of its clips it is, and the folder it works in."""

    shard_id: str
    jobs: Sequence[Job]
    attempt: int
    work: Path


class Executor(ABC):
    """Runs shards as Prefect tasks, each where there is room for it."""

    @abstractmethod
    def launches(self, definition: Definition, order: EngineOrder) -> list[Launch]:
        """One for each shard that may be under way at a time."""

    @abstractmethod
    def submit(self, run: ShardRun, launch: Launch, on_receipt: OnReceipt) -> PrefectFuture[Any]:
        """Starts a shard; ``on_receipt`` hears, from any thread, of its clips as they end."""

    @abstractmethod
    def failure(self, future: PrefectFuture[Any]) -> BaseException | None:
        """What an ended shard raised: ShardIncomplete when some clips were not made; their receipts say why."""

    @abstractmethod
    def cancel(self) -> None:
        """Ends what is under way."""


@contextmanager
def executor(definition: Definition, build_id: str, say: Callable[[str], None]) -> Iterator[Executor]:
    """The executor that the definition names, for one build; ``say`` tells the person who waits.

    Raises LaunchRefused when what it needs is not installed, or no cluster answers.
    """
    if definition.executor == "local":
        yield ThisMachine()
        return
    try:
        from tasks.cluster import ray_cluster  # Ray is an extra, and takes its time to import
    except ModuleNotFoundError as error:
        raise LaunchRefused(
            f"executor ray: {error.name} is not installed; pip install -c constraints.txt -e '.[ray]' brings it"
        ) from None
    with ray_cluster(definition.ray_address, build_id, say) as cluster:
        yield cluster


class ThisMachine(Executor):
    """As many shards as fit, with GPUs of their own where the engine needs them."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()

    def launches(self, definition: Definition, order: EngineOrder) -> list[Launch]:
        slots = devices.slots(order.settings.name, definition.processes_per_shard, definition.shards_at_once)
        return [launch_of(definition, order, slot) for slot in slots]

    def submit(self, run: ShardRun, launch: Launch, on_receipt: OnReceipt) -> PrefectFuture[Any]:
        return render.submit(run.shard_id, run.jobs, run.attempt, run.work, launch, on_receipt, self._cancelled)

    def failure(self, future: PrefectFuture[Any]) -> BaseException | None:
        result = future.result(raise_on_failure=False)
        return result if isinstance(result, BaseException) else None

    def cancel(self) -> None:
        self._cancelled.set()


def launch_of(definition: Definition, order: EngineOrder, slot: devices.Slot) -> Launch:
    return Launch(
        engine=order.settings,
        flags=order.flags,
        processes=definition.processes_per_shard,
        clip_timeout_s=definition.clip_timeout_s,
        shard_timeout_s=definition.shard_timeout_s,
        devices=slot,
        script=definition.engine.script,
    )
