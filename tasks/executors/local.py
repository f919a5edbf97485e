"""Shards side by side on this machine, each with GPUs or processors of its own."""

from __future__ import annotations

import threading

from its_tasks.engines import ResolvedEngine
from its_tasks.executors.base import Executor, ShardRun
from its_tasks.render import render
from its_tasks.steps import OnEnd, Steps

from its_core.definition import Definition
from its_core.shards import devices
from its_core.shards.launcher import Launch, OnReceipt


class LocalExecutor(Executor):
    """As many shards as fit, with GPUs of their own where the engine needs them."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._cancelled = threading.Event()

    def launches(self, definition: Definition, engine: ResolvedEngine) -> list[Launch]:
        traits = engine.module.TRAITS
        slots = devices.slots(
            traits.uses_gpu, definition.processes_per_shard, definition.shards_at_once, traits.memory_gib
        )
        return [launch_of(definition, engine, slot) for slot in slots]

    def submit(self, run: ShardRun, launch: Launch, on_receipt: OnReceipt, on_end: OnEnd) -> None:
        arguments = (run.shard_id, run.jobs, run.attempt, run.work, launch, on_receipt, self._cancelled)
        self._steps.submit(render, on_end, *arguments)

    def cancel(self) -> None:
        self._cancelled.set()


def launch_of(definition: Definition, engine: ResolvedEngine, slot: devices.Slot | None) -> Launch:
    """How a shard is launched; without a slot, its devices are chosen where it runs."""
    return Launch(
        engine=engine.settings,
        processes=definition.processes_per_shard,
        clip_timeout_s=definition.clip_timeout_s,
        shard_timeout_s=definition.shard_timeout_s,
        devices=slot.gpus if slot else None,
        threads=slot.threads if slot else None,
        script=definition.engine.script,
        script_flags=engine.script_flags,
    )
