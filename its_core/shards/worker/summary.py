"""What a hand-typed command says at its end: the clips that were not made, as an error that ends torchrun."""

from __future__ import annotations

import os

from its_core.shards.batch import Job
from its_core.shards.receipts import LAUNCH
from its_core.shards.worker.multi_node import Nodes
from its_core.shards.worker.rank import RankGroup


def failures(jobs: list[Job], launch: str) -> str | None:
    """What went wrong, from the rank that ends last: torchrun ends every rank when one exits with an error, so the
    earlier ones must not. A launcher reads the receipts instead."""
    if LAUNCH in os.environ:
        return None
    receipts = [job.files.success_receipt() or job.files.read_receipt() for job in jobs]
    if any(r is None or not (r.outcome.made_a_clip or r.attempts[-1].launch == launch) for r in receipts):
        return None  # another rank has not ended yet
    return _error(_not_made(jobs), len(jobs))


def failures_everywhere(jobs: list[Job], group: RankGroup, nodes: Nodes) -> str | None:
    """What went wrong on any machine, when all have ended; one rank a machine says so and ends its agent with an
    error. What another machine wrote may not be seen here yet, so each reports its own."""
    failed = nodes.end_together(_not_made(group.share(jobs)) if group.writes else [])
    return _error(failed, len(jobs)) if nodes.leads else None


def _not_made(jobs: list[Job]) -> list[str]:
    """A line for each clip that was not made."""
    lines = []
    for job in jobs:
        receipt = job.files.read_receipt()
        if receipt is None:
            lines.append(f"{job.request.clip_id}: no receipt")
        elif not receipt.outcome.made_a_clip:
            lines.append(f"{receipt.clip_id}: {receipt.outcome}: {receipt.reason}")
    return lines


def _error(failed: list[str], clips: int) -> str | None:
    return "\n".join([f"error: {len(failed)} of {clips} clips were not made", *failed]) if failed else None
