"""The task ``render``: one shard under torchrun, its clips' receipts as they come."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from its_tasks.steps import step

from its_core.clip import Outcome
from its_core.engines.engine import engine_module
from its_core.errors import FactoryError
from its_core.shards import launcher
from its_core.shards.batch import EngineSettings, Job
from its_core.shards.launcher import LaunchError
from its_core.shards.receipts import Receipt

TASK_RUN_NAME = "render shard {shard_id} try {attempt}"


class ShardIncomplete(FactoryError, RuntimeError):
    """Some clips of a shard were not made; the message says which and why."""

    default_code = "shard_incomplete"


@step(name="render", task_run_name=TASK_RUN_NAME)
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
    # Fetching weights may take long; no clock of the launch runs meanwhile.
    with _localized_weights(launch.engine):
        receipts = launcher.run(work / "shards" / shard_id, jobs, launch, on_receipt, cancelled)
    failed = [receipt for receipt in receipts if not receipt.outcome.made_a_clip]
    if failed:
        raise ShardIncomplete("; ".join(describe(receipt) for receipt in failed))


def _localized_weights(engine: EngineSettings) -> AbstractContextManager[object]:
    module = engine_module(engine.name)
    if engine.resolution is None or engine.fps is None:
        raise LaunchError(f"engine {engine.name}: its settings name no resolution and frame rate", code="launch.engine")
    return module.localize_weights(module.parse_options(engine.options, engine.resolution, engine.fps))


def describe(receipt: Receipt) -> str:
    """A failed clip in a line."""
    outcome: Outcome = receipt.outcome
    return f"{receipt.scenario_id} v{receipt.variant} ({receipt.clip_id}): {outcome}: {receipt.reason}"
