"""What runs a build's shards, as the flow sees it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from its_tasks.engines import ResolvedEngine
from its_tasks.steps import OnEnd

from its_core.definition import Definition
from its_core.shards.batch import Job
from its_core.shards.launcher import Launch, OnReceipt


@dataclass(frozen=True, slots=True)
class ShardRun:
    """One run of a shard: its name, what it is to make, which attempt at its clips it is, and the folder it works
    in."""

    shard_id: str
    jobs: Sequence[Job]
    attempt: int
    work: Path


class Executor(ABC):
    """Runs shards, each where there is room for it."""

    @abstractmethod
    def launches(self, definition: Definition, engine: ResolvedEngine) -> list[Launch]:
        """One for each shard that may run at a time."""

    @abstractmethod
    def submit(self, run: ShardRun, launch: Launch, on_receipt: OnReceipt, on_end: OnEnd) -> None:
        """Starts a shard. ``on_receipt`` is called, from any thread, with the receipts of its clips as they end, and
        ``on_end`` with what the shard raised: ShardIncomplete when some clips were not made; their receipts say
        why."""

    @abstractmethod
    def cancel(self) -> None:
        """Ends the shards that run; ``on_end`` is called for each when no process of it is left."""
