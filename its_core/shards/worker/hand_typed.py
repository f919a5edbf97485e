"""What a command typed by hand is held to, before anything is loaded: there is no plan behind it.

Nothing that is not a clip of ours is overwritten, and a clip that was made from something else is not taken for this
one.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from its_core import storage
from its_core.clip import EngineIdentity, Outcome
from its_core.engines.engine import EngineModule
from its_core.shards import batch
from its_core.shards.receipts import Receipt, synthetic_attempt
from its_core.shards.worker.rank import RankGroup, made_from

_log = logging.getLogger("its_core.shards.worker")


def check_outputs(jobs: list[batch.Job], batch_path: Path | None, module: EngineModule, options: Any) -> None:
    """Raises BatchError where an output would replace what the command reads, or a file that was not made here."""
    also_read = {str(batch_path): "the batch file"} if batch_path else {}
    for name in module.TRAITS.path_options:
        if value := getattr(options, name):
            also_read[str(value)] = f"what --{name} names"
    batch.refuse_overwriting(
        jobs, lambda position: f"{batch_path}: entry[{position}]" if batch_path else "--save_path", also_read
    )


def with_input_digest(job: batch.Job) -> batch.Job:
    """The job with the digest of its input, as a planned one has it."""
    request = job.request
    if request.input_path is None or request.input_sha256 is not None or not Path(request.input_path).is_file():
        return job
    return replace(job, request=replace(request, input_sha256=storage.sha256_file(Path(request.input_path))))


def identity_of(
    jobs: Sequence[batch.Job], module: EngineModule, options: Any, named: batch.EngineSettings | None
) -> EngineIdentity:
    """The engine's identity. Its weights are hashed only where there are clips to compare them with."""
    identity = module.identity_without_weights(options)
    if named is not None and named.weights_sha256 is not None:
        return replace(identity, weights_sha256=named.weights_sha256)
    if module.TRAITS.has_weights and any(job.files.success_receipt() for job in jobs):
        return module.identity(options)
    return identity


def reject_unsupported(
    jobs: list[batch.Job], group: RankGroup, module: EngineModule, identity: EngineIdentity, launch: str
) -> list[batch.Job]:
    """The jobs that the engine cannot make, which get their receipts here; it need not be loaded to say so."""
    rejected = []
    for job in jobs:
        no = module.unsupported(job.request.scene, job.request.input_path is not None)
        if no is None:
            continue
        rejected.append(job)
        if group.writes and job in group.share(jobs):
            source = made_from(job.request, identity)
            job.files.begin(source, identity.reads)
            attempt = synthetic_attempt(Outcome.REJECTED_INPUT, no.reason, launch)
            job.files.add_attempt(job.request, attempt, made_from=source)
    return rejected


def is_current(job: batch.Job, identity: EngineIdentity) -> bool:
    """Whether the clip is there, made from what is asked for now."""
    receipt = job.files.success_receipt()
    if receipt is None:
        return False
    differing = _differing(receipt, job, identity)
    if differing:
        _log.info("%s: was made from other %s: it is made again", job.files.video, ", ".join(differing))
    return not differing


def _differing(receipt: Receipt, job: batch.Job, identity: EngineIdentity) -> list[str]:
    if receipt.made_from is None:
        return ["things, which its receipt does not name"]
    return receipt.made_from.differences(made_from(job.request, identity), identity.reads)
