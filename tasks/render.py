"""The task ``render``: one shard under torchrun, its clips' receipts as they come."""

from __future__ import annotations

import threading
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from its_core.clip import Outcome
from its_core.shards import launcher
from its_core.shards.batch import Job
from its_core.shards.plan import Plan, Shard
from its_core.shards.receipts import Receipt, files_of
from tasks.progress import Progress


class ShardIncomplete(RuntimeError):
    """Some clips of a shard were not made; the message says which and why."""


@task(name="render", task_run_name="render shard {shard.shard_id} try {attempt}", cache_policy=NO_CACHE)
def render(
    plan: Plan,
    shard: Shard,
    attempt: int,  # noqa: ARG001 (it names the run)
    work: Path,
    launch: launcher.Launch,
    progress: Progress,
    cancelled: threading.Event,
) -> None:
    """Renders what is missing of a shard. Raises ShardIncomplete, so that the run's page shows which clips and why."""
    jobs = [Job(clip.request, files_of(work, clip.request.clip_id)) for clip in plan.clips(shard.places)]
    folder = work / "shards" / shard.shard_id
    receipts = launcher.run(folder, jobs, launch, progress.clip_ended, cancelled)
    failed = [receipt for receipt in receipts if not receipt.outcome.made_a_clip]
    if failed:
        raise ShardIncomplete("; ".join(describe(receipt) for receipt in failed))


def describe(receipt: Receipt) -> str:
    """A failed clip in a line."""
    outcome: Outcome = receipt.outcome
    return f"{receipt.scenario_id} v{receipt.variant} ({receipt.clip_id}): {outcome}: {receipt.reason}"
