"""The flow ``build-dataset``: plan → reuse → render → check → publish, failed clips tried again, one at a time."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from its_flows.attempts import ClipMaking
from its_flows.build_summary import BuildSummary
from its_flows.outcomes import count_outcomes, refuse_too_few, refuse_too_many_rejected
from its_flows.redacted_flow import redacted_flow
from its_flows.run_flow import ignore_end, run_flow
from its_tasks.annotate import annotate, forget_observations, require_packages
from its_tasks.clip_table import ClipTable
from its_tasks.engines import resolve_engine, resolve_fallbacks, with_pinned_model
from its_tasks.executors.select import executor
from its_tasks.likeness import judge_likeness
from its_tasks.plan import plan
from its_tasks.preflight import preflight
from its_tasks.publish import Published, publish
from its_tasks.reporting.progress import Progress
from its_tasks.reporting.run_page import RunPage
from its_tasks.reuse import reuse
from its_tasks.steps import Steps, recorded
from its_tasks.utility import judge_utility
from its_tasks.withhold import withhold
from prefect.context import FlowRunContext
from rich.console import Console

from its_core import definition as definitions
from its_core import logs, storage
from its_core.clip import Outcome
from its_core.dataset.lineage.emit import reported
from its_core.dataset.versions import latest
from its_core.dataset.versions.ownership import refuse_taken_name
from its_core.dataset.versions.version import MARKER_FILE
from its_core.definition import Definition
from its_core.engines.engine import engine_module
from its_core.evaluation.likeness.floors import Verdict as LikenessVerdict
from its_core.evaluation.utility import Verdict
from its_core.shards import build
from its_core.shards.build import BuildRecorder
from its_core.shards.receipts import utc_now
from its_core.storage.preflight import check_writable


@dataclass(frozen=True, slots=True)
class Built:
    """What a build came to. ``outcomes`` counts every clip and every rejected row exactly once. ``verdicts`` are those
    of the likeness and the utility gate, where there is one and a version to compare with."""

    published: Published
    outcomes: Mapping[Outcome, int]
    rows: int
    verdicts: tuple[Verdict | LikenessVerdict, ...] = ()


@redacted_flow("build-dataset", "build {dataset}")
@recorded
def build_dataset(dataset: str, overrides: dict[str, Any] | None = None) -> Built:
    """Builds and publishes a dataset; what an earlier build made is not made again.

    ``dataset`` is a definition's folder; ``overrides`` maps its keys (dotted: ``engine.name``) to other values. Raises
    DefinitionError and ManifestError for what the user can mend, LaunchError and TooFewClips when clips cannot be
    made, Busy when another build of the same dataset runs on this machine.
    """
    definition = with_pinned_model(definitions.load(dataset, overrides))
    check_writable("work_dir", definition.work_dir)
    logs.configure(sys.stderr)
    console = Console(stderr=True, quiet=logs.as_json())
    run_id, started_at = _run_of_prefect() or (str(uuid.uuid4()), utc_now())
    with (
        storage.exclusive(definition.work_path / build.LOCK_FILE),
        build.recording(definition.work_path, str(definition.folder), overrides or {}) as record,
        reported(run_id, definition.name, definition.work_path),
        Progress(console) as progress,
    ):
        steps = Steps(FlowRunContext.get() is not None, progress.say)
        with RunPage(steps) as page:
            return _build(definition, record, progress, steps, page, run_id, started_at)


def build_with_or_without_prefect(
    dataset: str,
    overrides: dict[str, Any],
    with_prefect: bool,
    say: Callable[[str], None],
    on_end: Callable[[Built | BaseException], None] = ignore_end,
) -> Built:
    """The flow, also where Prefect's server is lost before its end. Raises what the build itself raises.

    ``say`` prints a line; ``on_end`` is called with what the build came to, before Prefect records it.
    """
    return run_flow(build_dataset, with_prefect, say, on_end, dataset, overrides)


def _build(
    definition: Definition,
    record: BuildRecorder,
    progress: Progress,
    steps: Steps,
    page: RunPage,
    run_id: str,
    started_at: str,
) -> Built:
    progress.show_on(page)
    published_at = storage.join(definition.publish_url, definition.name)
    check_writable("publish_url", published_at)
    refuse_taken_name(published_at, definition.folder.name)
    require_packages(definition)
    if engine_module(definition.engine.name).TRAITS.has_weights:
        progress.say("the weights are read, and fetched first where they are on S3")
    engine = resolve_engine(definition)
    engines = resolve_fallbacks(definition, engine)
    planned = steps.run(plan, definition, engine, progress)
    record.planned(planned.rows, len(planned.clip_ids))
    refuse_too_many_rejected(definition, planned)
    clips = ClipTable(definition.work_path, planned)
    steps.run(withhold, definition, engine, planned, clips)
    steps.run(reuse, definition, planned, clips)
    before = clips.made()
    if missing := len(planned.clip_ids) - len(before):
        for line in preflight(definition, missing):
            progress.say(line)
    with executor(definition, record.build.id, steps, progress.say) as where:
        ClipMaking(where, definition, engines, planned, clips, progress, steps).run()
    outcomes = count_outcomes(planned, clips, before)
    failed = [receipt for receipt in clips.in_order() if not receipt.outcome.made_a_clip]
    published = None
    try:
        refuse_too_few(definition, clips)
        if definition.annotate is None:
            forget_observations(planned, clips)
        else:
            steps.run(annotate, definition, planned, clips, progress)
        published = steps.run(publish, definition, engine, planned, clips, run_id, started_at)
    finally:
        BuildSummary(outcomes, failed, planned.rejections, steps.clock.seconds, published).show_on(page)
    verdicts = _promote(definition, published, progress, steps)
    record.published(published.url, storage.join(published.url, MARKER_FILE), outcomes)
    return Built(published, outcomes, planned.rows, verdicts)


def _promote(
    definition: Definition, published: Published, progress: Progress, steps: Steps
) -> tuple[Verdict | LikenessVerdict, ...]:
    """Makes the version the latest, unless a gate says that its clips differ too much or that a detector trained on it
    is worse. Without gates it is the latest already."""
    verdicts: list[Verdict | LikenessVerdict] = []
    if definition.likeness is not None:
        progress.say(f"clips are compared with those of {definition.likeness.against}")
        verdicts.append(steps.run(judge_likeness, definition, published.url))
    if definition.utility is not None and not any(verdict.worse for verdict in verdicts):
        progress.say("utility gate: detectors are trained on the new version and on the latest, where there is one")
        if (trained := steps.run(judge_utility, definition, published.url)) is not None:
            verdicts.append(trained)
    has_gate = definition.likeness is not None or definition.utility is not None
    if has_gate and not any(verdict.worse for verdict in verdicts):
        latest.promote(published.url, definition.name, published.version)
    return tuple(verdicts)


def _run_of_prefect() -> tuple[str, str] | None:
    """The id and the start of Prefect's run, None where it knows of none."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return None
    return str(context.flow_run.id), str(context.start_time)
