"""The task ``publish``: the clips that were made, labelled and with their lineage, under a version's name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from its_tasks.clip_table import ClipTable
from its_tasks.engines import ResolvedEngine, quality_gates
from its_tasks.plan import INPUTS_FOLDER, REJECTED_FILE
from its_tasks.steps import step

from its_core.dataset import publish as publishing
from its_core.dataset.finished_clip import FailedClip, FinishedClip
from its_core.dataset.lineage.run import Run
from its_core.dataset.publish import Published
from its_core.dataset.versions.content import Dataset
from its_core.definition import Definition
from its_core.evaluation.audit import report as audit_report
from its_core.scenarios.manifest.input_files import forget_inputs
from its_core.shards.plan import Plan
from its_core.shards.receipts import clip_files

__all__ = ["Published", "publish"]


@dataclass(frozen=True, slots=True)
class _FinishedClips:
    """The plan's clips that were made. Receipts and measures are in memory, requests are read anew at each
    iteration."""

    plan: Plan
    clips: ClipTable

    def __iter__(self) -> Iterator[FinishedClip]:
        for clip in self.plan.clips(_indices(self.plan, self.clips, made=True)):
            clip_id = clip.request.clip_id
            files = clip_files(self.clips.work, clip_id)
            receipt, measures = self.clips.receipt(clip_id), self.clips.measures(clip_id)
            if receipt is None or measures is None:
                raise publishing.PublishError(
                    f"{files.video}: was changed after it was checked; build again", code="publish.clip_changed"
                )
            yield FinishedClip(clip, receipt, files, measures)


@dataclass(frozen=True, slots=True)
class _FailedClips:
    """The plan's clips that were not made."""

    plan: Plan
    clips: ClipTable

    def __iter__(self) -> Iterator[FailedClip]:
        for clip in self.plan.clips(_indices(self.plan, self.clips, made=False)):
            if (receipt := self.clips.receipt(clip.request.clip_id)) is not None:
                yield FailedClip(clip, receipt)


def _indices(plan: Plan, clips: ClipTable, *, made: bool) -> list[int]:
    there = clips.made()
    return [index for index, clip_id in enumerate(plan.clip_ids) if (clip_id in there) is made]


@step(name="publish", task_run_name="publish {definition.name}")
def publish(
    definition: Definition, engine: ResolvedEngine, plan: Plan, clips: ClipTable, run_id: str, started_at: str
) -> Published:
    """Publishes what was made, unless just that is published already. Under a utility or a likeness gate it is not made
    the latest version yet. ``run_id`` and ``started_at`` name the build in the lineage. Raises PublishError, Busy."""
    dataset = Dataset(
        name=definition.name,
        description=definition.description,
        license=definition.license,
        publish_url=definition.publish_url,
        geometry=definition.geometry,
        engine=engine.identity,
        source=definition.folder.name,
        gates=quality_gates(definition, engine),
    )
    run = Run(
        run_id=run_id,
        started_at=started_at,
        manifest=plan.manifest,
        config=definition.model_dump(mode="json"),
        engine=engine.identity,
        names_machine=definition.publish_machine_names,
    )
    work = definition.work_path
    finished, failed = _FinishedClips(plan, clips), _FailedClips(plan, clips)
    is_latest = definition.utility is None and definition.likeness is None
    published = publishing.publish(
        finished,
        dataset,
        work / REJECTED_FILE,
        run,
        work,
        failed,
        make_latest=is_latest,
        write_audit=audit_report.write,
    )
    forget_inputs(work / INPUTS_FOLDER, (clip.request.input_path or "" for clip in plan.clips()))
    return published
