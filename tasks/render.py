"""The task ``render``: one shard under torchrun, its clips' receipts as they come."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from its_core.clip import Outcome
from its_core.engines.engine import engine_module
from its_core.errors import FactoryError
from its_core.shards import launcher
from its_core.shards.batch import Job
from its_core.shards.receipts import Receipt

TASK_RUN_NAME = "render shard {shard_id} try {attempt}"


class ShardIncomplete(FactoryError, RuntimeError):
    """Some clips of a shard were not made; the message says which and why."""

    default_code = "shard_incomplete"


@task(name="render", task_run_name=TASK_RUN_NAME, cache_policy=NO_CACHE)
def render(
    shard_id: str,
    jobs: Sequence[Job],
    attempt: int,  # noqa: ARG001 (it names the run)
    work: Path,
    launch: launcher.Launch,
    on_receipt: launcher.OnReceipt,
    cancelled: threading.Event,
) -> None:
    """Renders what is missing of a shard. Raises ShardIncomplete, so that the run's page shows which clips and why."""
    # Weights may be long in coming; no clock of the launch runs meanwhile.
    with engine_module(launch.engine.name).weights_at_hand(launch.flags):
        receipts = launcher.run(work / "shards" / shard_id, jobs, launch, on_receipt, cancelled)
    failed = [receipt for receipt in receipts if not receipt.outcome.made_a_clip]
    if failed:
        raise ShardIncomplete("; ".join(describe(receipt) for receipt in failed))


def describe(receipt: Receipt) -> str:
    """A failed clip in a line."""
    outcome: Outcome = receipt.outcome
    return f"{receipt.scenario_id} v{receipt.variant} ({receipt.clip_id}): {outcome}: {receipt.reason}"
