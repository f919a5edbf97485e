"""The task ``publish``: the clips that were made, labelled and with their lineage, under a version's name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from its_tasks.plan import INPUTS_FOLDER, REJECTED_FILE, EngineOrder
from prefect import task
from prefect.artifacts import create_link_artifact
from prefect.cache_policies import NO_CACHE
from prefect.context import TaskRunContext, get_run_context

from its_core import storage
from its_core.checks import ledger
from its_core.dataset import publish as publishing
from its_core.dataset.finished_clip import FailedClip, FinishedClip
from its_core.dataset.lineage.run import Run
from its_core.dataset.publish import Published
from its_core.dataset.versions.content import Dataset
from its_core.definition import Definition
from its_core.scenarios.manifest.images import forget_inputs
from its_core.shards.plan import Plan
from its_core.shards.receipts import Receipt, files_of

__all__ = ["Published", "publish"]


@dataclass(frozen=True, slots=True)
class _FinishedClips:
    """The plan's clips that were made, read anew each time one goes through them."""

    definition: Definition
    plan: Plan
    receipts: Mapping[str, Receipt]

    def __iter__(self) -> Iterator[FinishedClip]:
        for clip in self.plan.clips(_positions(self.plan, self.receipts, made=True)):
            receipt = self.receipts[clip.request.clip_id]
            files = files_of(self.definition.work_path, clip.request.clip_id)
            measures = ledger.read(files, receipt)
            if measures is None:
                raise publishing.PublishError(f"{files.video}: was changed after it was checked; build again")
            yield FinishedClip(clip, receipt, files, measures)


@dataclass(frozen=True, slots=True)
class _FailedClips:
    """The plan's clips that were not made, read anew each time one goes through them."""

    plan: Plan
    receipts: Mapping[str, Receipt]

    def __iter__(self) -> Iterator[FailedClip]:
        for clip in self.plan.clips(_positions(self.plan, self.receipts, made=False)):
            yield FailedClip(clip, self.receipts[clip.request.clip_id])


def _positions(plan: Plan, receipts: Mapping[str, Receipt], *, made: bool) -> list[int]:
    return [i for i, clip_id in enumerate(plan.clip_ids) if receipts[clip_id].outcome.made_a_clip is made]


@task(name="publish", task_run_name="publish {definition.name}", cache_policy=NO_CACHE)
def publish(definition: Definition, order: EngineOrder, plan: Plan, receipts: Mapping[str, Receipt]) -> Published:
    """Publishes what was made, unless just that is published already. Under a utility gate it is not made the latest
    version yet. Raises PublishError, Busy."""
    context = get_run_context()
    assert isinstance(context, TaskRunContext)
    dataset = Dataset(
        name=definition.name,
        description=definition.description,
        license=definition.license,
        publish_url=definition.publish_url,
        geometry=definition.geometry,
        engine=order.identity,
        source=definition.folder.name,
        gates=definition.gates,
    )
    run = Run(
        run_id=str(context.task_run.flow_run_id),
        started_at=str(context.start_time),
        manifest=plan.manifest,
        config=definition.model_dump(mode="json"),
        engine=order.identity,
        names_machine=definition.publish_machine_names,
    )
    work = definition.work_path
    published = publishing.publish(
        _FinishedClips(definition, plan, receipts),
        dataset,
        work / REJECTED_FILE,
        run,
        work,
        _FailedClips(plan, receipts),
        make_latest=definition.utility is None,
    )
    forget_inputs(work / INPUTS_FOLDER, (clip.request.input_path or "" for clip in plan.clips()))
    if not storage.can_rename(published.url):  # the artifact is for people on other machines
        create_link_artifact(published.contact_sheet_url, key="contact-sheet", description=published.url)
    return published
