"""The task ``check``: every clip that was made is decoded and measured; what is not as asked is to be made again."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from its_tasks.plan import EngineOrder
from its_tasks.progress import Progress
from prefect import task
from prefect.cache_policies import NO_CACHE

from its_core.checks import ledger, suite
from its_core.checks.measures import Measures, measure, table
from its_core.clip import Outcome
from its_core.definition import Definition
from its_core.errors import FactoryError
from its_core.shards.plan import Plan, PlannedClip
from its_core.shards.receipts import files_of, found_by


class ClipsInvalid(FactoryError, RuntimeError):
    """Some clips are not what was asked for; the message says which and why."""

    default_code = "clips_invalid"


@task(name="check", task_run_name="check clips, try {attempt}", cache_policy=NO_CACHE)
def check(
    definition: Definition,
    order: EngineOrder,
    plan: Plan,
    attempt: int,  # noqa: ARG001 (it names the run)
    progress: Progress,
) -> None:
    """Measures the clips that no earlier check has seen. Raises ClipsInvalid, so that the run's page shows which and
    why; their receipts say ``invalid_output`` by then."""
    unseen = list(plan.clips(_unseen(definition, plan)))
    if not unseen:
        return
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = dict(pool.map(lambda clip: (clip.request.clip_id, _measure(definition, order, clip)), unseen))
    verdict = suite.validate(table(found), list(found), definition.geometry, gates=definition.gates)
    invalid = []
    for clip in unseen:
        clip_id = clip.request.clip_id
        if reasons := verdict.reasons[clip_id]:
            invalid.append(f"{clip.request.scenario_id} v{clip.request.variant} ({clip_id}): {'; '.join(reasons)}")
            _mark_invalid(definition, clip, "; ".join(reasons), progress)
        else:
            files = files_of(definition.work_path, clip_id)
            if receipt := files.made():
                ledger.write(files, receipt, found[clip_id])
    if invalid:
        raise ClipsInvalid(" | ".join(invalid))


def _unseen(definition: Definition, plan: Plan) -> list[int]:
    """Places in the plan of clips that were made and not measured since."""
    unseen = []
    for place, clip_id in enumerate(plan.clip_ids):
        files = files_of(definition.work_path, clip_id)
        receipt = files.made()
        if receipt is not None and ledger.read(files, receipt) is None:
            unseen.append(place)
    return unseen


def _measure(definition: Definition, order: EngineOrder, clip: PlannedClip) -> Measures:
    wanted = order.module.first_frame(order.options, clip.request)
    return measure(files_of(definition.work_path, clip.request.clip_id).video, definition.geometry, wanted)


def _mark_invalid(definition: Definition, clip: PlannedClip, reason: str, progress: Progress) -> None:
    attempt = found_by(Outcome.INVALID_OUTPUT, reason, "check")
    files = files_of(definition.work_path, clip.request.clip_id)
    progress.clip_found_invalid(files.add_attempt(clip.request, attempt))
