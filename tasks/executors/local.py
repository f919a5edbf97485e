"""Shards side by side on this machine, each with GPUs or processors of its own."""

from __future__ import annotations

import threading
from typing import Any

from its_tasks.executors.base import Executor, ShardRun
from its_tasks.plan import EngineOrder
from its_tasks.render import render
from prefect.futures import PrefectFuture

from its_core.definition import Definition
from its_core.shards import devices
from its_core.shards.launcher import Launch, OnReceipt


class LocalExecutor(Executor):
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
