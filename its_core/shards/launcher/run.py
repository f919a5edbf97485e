"""Runs a shard: launches torchrun until every clip has its receipt.

A rank that dies or hangs costs the clip it was rendering: that clip gets its receipt, and the rest are launched again.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from its_core import logs
from its_core.clip import Outcome
from its_core.shards import batch
from its_core.shards.launcher.launch import Launch, OnReceipt
from its_core.shards.launcher.settlement import failure_summary, record_failure, settle
from its_core.shards.launcher.supervision import RunningLaunch
from its_core.shards.receipts import Receipt

# A launch that torchrun itself did not survive is no clip's fault; more than this many without any receipt are.
FRUITLESS_LAUNCHES = 3


def run(
    folder: Path, jobs: Sequence[batch.Job], launch: Launch, on_receipt: OnReceipt, cancelled: threading.Event
) -> list[Receipt]:
    """Renders the jobs of a shard and returns a receipt for each, in order. ``on_receipt`` is called with each new one.

    ``folder`` keeps the batch files and a log a rank. Clips that are there already are not rendered again. Raises
    LaunchError, and InterruptedError when ``cancelled`` is set; no process of the shard is alive afterwards.
    """
    receipts = {job.request.clip_id: made for job in jobs if (made := job.files.success_receipt())}
    fruitless = 0
    while pending := [job for job in jobs if job.request.clip_id not in receipts]:
        launched = RunningLaunch(folder, pending, launch, on_receipt)
        with logs.about(shard=folder.name, launch=launched.id):
            ended = launched.run(cancelled)
            settle(launched, ended)
            fruitless = 0 if launched.receipts else fruitless + 1
            if fruitless >= FRUITLESS_LAUNCHES:
                for job in list(launched.waiting.values()):
                    record_failure(launched, job, Outcome.ENGINE_ERROR, failure_summary(launched, ended))
        receipts |= {receipt.clip_id: receipt for receipt in launched.receipts}
    return [receipts[job.request.clip_id] for job in jobs]
