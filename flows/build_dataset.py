"""The flow ``build-dataset``: plan → reuse → render → check → publish, failed clips tried again, one at a time."""

from __future__ import annotations

import queue
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from its_tasks.check import ClipsInvalid, check
from its_tasks.executors.base import Executor, ShardRun
from its_tasks.executors.select import executor
from its_tasks.plan import EngineOrder, order_engine, order_fallbacks, plan
from its_tasks.progress import Progress
from its_tasks.publish import Published, publish
from its_tasks.render import ShardIncomplete, describe
from its_tasks.reuse import reuse
from its_tasks.train import judge_utility
from prefect import flow
from prefect.artifacts import create_table_artifact
from prefect.futures import PrefectFuture
from prefect.runtime import flow_run
from rich.console import Console

from its_core import definition as definitions
from its_core import logs, storage
from its_core.clip import Outcome
from its_core.dataset.lineage.emit import reported
from its_core.dataset.versions import latest
from its_core.dataset.versions.ownership import refuse_taken_name
from its_core.dataset.versions.version import MARKER_FILE
from its_core.definition import Definition
from its_core.evaluation.utility import Verdict
from its_core.shards import build
from its_core.shards.batch import Job
from its_core.shards.launcher import Launch
from its_core.shards.plan import Plan, Shard, shards, shards_of_one_seed
from its_core.shards.receipts import Receipt, TooFewClips, files_of
from its_core.storage.preflight import check_writable

_Places = queue.SimpleQueue[tuple[Launch, PrefectFuture[Any] | None]]
_MOST_NAMED = 100  # failures named one by one; all are in the receipts


@dataclass(frozen=True, slots=True)
class Built:
    """What a build came to. ``outcomes`` counts every clip and every rejected row exactly once. ``verdict`` is the
    utility gate's, where there is one and a version to compare with."""

    published: Published
    outcomes: Mapping[Outcome, int]
    rows: int
    verdict: Verdict | None = None


@flow(name="build-dataset", flow_run_name="build {dataset}")
def build_dataset(dataset: str, overrides: dict[str, Any] | None = None) -> Built:
    """Builds and publishes a dataset; what an earlier build made is not made again.

    ``dataset`` is a definition's folder; ``overrides`` maps its keys (dotted: ``engine.name``) to other values. Raises
    DefinitionError and ManifestError for what the user can mend, LaunchRefused and TooFewClips when clips cannot be
    made, Busy when another build of the same dataset runs on this machine.
    """
    definition = definitions.load(dataset, overrides)
    work = definition.work_path
    check_writable("work_dir", definition.work_dir)
    logs.configure(sys.stderr)
    console = Console(stderr=True, quiet=logs.as_json())
    with (
        storage.exclusive(work / build.LOCK_FILE),
        build.recording(work, dataset, overrides or {}) as record,
        reported(str(flow_run.id), definition.name, work),
        Progress(console) as progress,
    ):
        published_at = storage.join(definition.publish_url, definition.name)
        check_writable("publish_url", published_at)
        refuse_taken_name(published_at, definition.folder.name)
        if definition.engine.name == "cosmos":
            progress.say("the weights are read, and fetched first where they are on S3")
        order = order_engine(definition)
        orders = order_fallbacks(definition, order)
        planned = plan(definition, order, progress)
        record.planned(planned.rows, len(planned.clip_ids))
        reuse(definition, planned)
        before = _made(definition, planned)
        with executor(definition, record.build.id, progress.say) as where:
            _make(where, definition, orders, planned, progress)
        receipts = _settle(definition, planned)
        outcomes = _count(planned, receipts, before)
        published = publish(definition, order, planned, receipts)
        verdict = _promote(definition, published, progress) if definition.utility is not None else None
        record.published(published.url, storage.join(published.url, MARKER_FILE), outcomes)
        return Built(published, outcomes, planned.rows, verdict)


def _promote(definition: Definition, published: Published, progress: Progress) -> Verdict | None:
    """Makes the version the latest, unless the gate says that a detector trained on it is worse."""
    progress.say("two small detectors are trained, on the new version and on the latest")
    verdict = judge_utility(definition, published.url)
    if verdict is None or not verdict.worse:
        latest.promote(published.url, definition.name, published.version)
    return verdict


def _make(
    where: Executor, definition: Definition, orders: Sequence[EngineOrder], planned: Plan, progress: Progress
) -> None:
    """Renders and checks until nothing is missing that another try may bring, or the tries are used up."""
    _check(definition, orders[0], planned, 0, progress)
    missing = _missing(definition, planned)
    progress.starts(len(planned.clip_ids), len(planned.clip_ids) - len(missing))
    for attempt in range(definition.retries + 1):
        missing = _missing(definition, planned)
        if not missing:
            return
        if attempt:
            time.sleep(definition.retry_delay_s * 2 ** (attempt - 1))
        alike = shards_of_one_seed if definition.engine.script else shards
        # A clip that failed is tried again alone: it may be what breaks its neighbours.
        size = definition.shard_size if attempt == 0 else 1
        for fallback, places in _by_fallback(definition, planned, missing).items():
            changed = definition.under_fallback(fallback)
            batches = alike(planned, places, size)
            _render_all(where, changed, orders[fallback], planned, batches, attempt + 1, progress)
        _check(definition, orders[0], planned, attempt + 1, progress)


def _by_fallback(definition: Definition, planned: Plan, missing: Iterable[int]) -> dict[int, list[int]]:
    """The missing places, apart by how often their clips ran out of memory: 0, 1 … up to the last fallback."""
    apart: dict[int, list[int]] = defaultdict(list)
    for place in missing:
        receipt = files_of(definition.work_path, planned.clip_ids[place]).read_receipt()
        attempts = receipt.attempts if receipt else ()
        exhausted = sum(attempt.outcome is Outcome.OUT_OF_MEMORY for attempt in attempts)
        apart[min(exhausted, len(definition.out_of_memory_fallbacks))].append(place)
    return dict(sorted(apart.items()))


def _missing(definition: Definition, planned: Plan) -> list[int]:
    """Places in the plan of clips that are not there and not known to be beyond help."""
    return [
        place
        for place, clip_id in enumerate(planned.clip_ids)
        if (receipt := files_of(definition.work_path, clip_id).standing()) is None or receipt.can_be_retried
    ]


def _render_all(
    where: Executor,
    definition: Definition,
    order: EngineOrder,
    planned: Plan,
    batches: Iterable[Shard],
    attempt: int,
    progress: Progress,
) -> None:
    """Runs shards side by side, as many as there are places; a shard that fails does not stop the others."""
    launches = where.launches(definition, order)
    places: _Places = queue.SimpleQueue()
    for launch in launches:
        places.put((launch, None))

    def free_place() -> Launch:
        launch, ended = places.get()
        if ended is not None:
            _tolerate(where.failure(ended), ShardIncomplete)
        return launch

    try:
        for shard in batches:
            launch = free_place()
            jobs = [
                Job(clip.request, files_of(definition.work_path, clip.request.clip_id))
                for clip in planned.clips(shard.places)
            ]
            run = ShardRun(shard.shard_id, jobs, attempt, definition.work_path)
            future = where.submit(run, launch, progress.clip_ended)
            future.add_done_callback(partial(_put_back, places, launch))
        for _ in launches:
            free_place()
    except BaseException:
        where.cancel()
        raise


def _put_back(places: _Places, launch: Launch, ended: PrefectFuture[Any]) -> None:
    places.put((launch, ended))


def _check(definition: Definition, order: EngineOrder, planned: Plan, attempt: int, progress: Progress) -> None:
    state = check(definition, order, planned, attempt, progress, return_state=True)
    _tolerate(state.result(raise_on_failure=False), ClipsInvalid)


def _tolerate(result: object, failure: type[Exception]) -> None:
    """Goes on after a task's ``failure``, whose clips have receipts that say it all; raises any other."""
    if isinstance(result, BaseException) and not isinstance(result, failure):
        raise result


def _settle(definition: Definition, planned: Plan) -> dict[str, Receipt]:
    """The receipts of all clips, or TooFewClips when too few are of clips that were made."""
    receipts = {}
    for clip_id in planned.clip_ids:
        receipt = files_of(definition.work_path, clip_id).standing()
        assert receipt is not None, f"{clip_id} ended without a receipt"
        receipts[clip_id] = receipt
    failed = [receipt for receipt in receipts.values() if not receipt.outcome.made_a_clip]
    if failed:
        create_table_artifact(
            [
                {"clip": r.clip_id, "scenario": r.scenario_id, "outcome": r.outcome, "reason": r.reason}
                for r in failed[:_MOST_NAMED]
            ],
            key="failed-clips",
            description=f"{len(failed)} of {len(receipts)} clips were not made",
        )
    ratio = 1 - len(failed) / len(receipts)
    if ratio < definition.min_success_ratio:
        named = "\n  ".join(describe(receipt) for receipt in failed[:_MOST_NAMED])
        raise TooFewClips(
            f"{len(failed)} of {len(receipts)} clips were not made: {ratio:.1%} succeeded, min_success_ratio is "
            f"{definition.min_success_ratio:.1%}; nothing is published\n  {named}"
        )
    return receipts


def _made(definition: Definition, planned: Plan) -> frozenset[str]:
    return frozenset(clip_id for clip_id in planned.clip_ids if files_of(definition.work_path, clip_id).made())


def _count(planned: Plan, receipts: Mapping[str, Receipt], before: frozenset[str]) -> dict[Outcome, int]:
    """``before`` are the clips that were there when the build began."""
    outcomes = Counter(
        Outcome.REUSED if clip_id in before and receipt.outcome.made_a_clip else receipt.outcome
        for clip_id, receipt in receipts.items()
    )
    outcomes[Outcome.REJECTED_INPUT] += len(planned.rejections)
    assert outcomes.total() == len(planned.clip_ids) + len(planned.rejections)
    return dict(outcomes)
