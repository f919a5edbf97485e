"""The task ``render`` as it runs on a machine of the cluster."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from its_tasks.executors.ray_cluster.running_shard import record_lost
from its_tasks.render import TASK_RUN_NAME, ShardIncomplete, render
from its_tasks.steps import step

from its_core.engines.engine import engine_module
from its_core.shards import build, devices, processors
from its_core.shards.batch import Job
from its_core.shards.launcher import Launch, LaunchError
from its_core.shards.receipts import Receipt
from its_core.storage.errors import StorageError

LOST_MACHINES = 5  # times that Ray starts a shard elsewhere, before its clips' receipts say so


@step(name="render", task_run_name=TASK_RUN_NAME)
def render_on_cluster(
    shard_id: str, jobs: Sequence[Job], attempt: int, work: Path, launch: Launch, build_id: str, starts: Path
) -> None:
    """The task ``render`` on the machine that Ray chose, on the GPUs that Ray set aside for it.

    ``starts`` grows by a byte with every start of this run: Ray itself starts a task without end that it killed because
    its machine ran short of memory. Raises LaunchError, naming the machine, where no shard can be made.
    """
    running = build.read(work)
    if running is None or running.id != build_id:
        raise LaunchError(
            f"{socket.gethostname()}: {work} is not the folder that the build works in: work_dir must lie on a disk "
            "that all machines of the cluster share, under the same path",
            code="launch.other_work_folder",
        )
    starts.parent.mkdir(parents=True, exist_ok=True)
    with starts.open("ab") as file:
        file.write(b".")
    if starts.stat().st_size > LOST_MACHINES + 1:
        unmade = [job for job in jobs if job.files.success_receipt() is None]
        reason = f"its shard was started {LOST_MACHINES + 1} times, and lost each time: machines died, or lacked memory"
        for job in unmade:
            record_lost(job, reason)
        raise ShardIncomplete(f"{len(unmade)} clips: {reason}")
    try:
        render.fn(shard_id, jobs, attempt, work, _on_this_machine(launch), _is_read_elsewhere, threading.Event())
    except (LaunchError, StorageError) as error:
        raise LaunchError(f"{socket.gethostname()}: {error}", code=error.code) from None


def _on_this_machine(launch: Launch) -> Launch:
    """The launch with the GPUs that Ray set aside, and each rank's share of the processors."""
    if not engine_module(launch.engine.name).TRAITS.uses_gpu:
        return replace(launch, threads=1)
    gpus = tuple(devices.visible_gpus()) or None
    return replace(launch, devices=gpus, threads=max(1, processors.available() // max(1, devices.gpus_of_machine())))


def _is_read_elsewhere(_: Receipt) -> None:
    """The flow's machine reads the receipts itself."""
