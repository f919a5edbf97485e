"""What runs a build's shards, as the flow sees it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from its_tasks.plan import EngineOrder
from prefect.futures import PrefectFuture

from its_core.definition import Definition
from its_core.shards.batch import Job
from its_core.shards.launcher import Launch, OnReceipt


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
