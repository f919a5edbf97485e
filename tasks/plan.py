"""The task ``plan``: from a dataset's definition to the clips that it asks for."""

from __future__ import annotations

from dataclasses import replace

from its_tasks.engines import ResolvedEngine
from its_tasks.reporting.progress import Progress
from its_tasks.steps import step

from its_core.dataset import splits
from its_core.definition import Definition
from its_core.scenarios import manifest
from its_core.scenarios.manifest.snapshot import snapshot
from its_core.scenarios.manifest.survey import announced
from its_core.shards import plan as planning
from its_core.shards.first_frames import frame_makers

REJECTED_FILE = "rejected.parquet"
INPUTS_FOLDER = "inputs"


@step(name="plan", task_run_name="plan {definition.name}")
def plan(definition: Definition, engine: ResolvedEngine, progress: Progress) -> planning.Plan:
    """Reads and checks the manifest; names, splits and orders the clips. Raises ManifestError, DefinitionError,
    and StorageError when S3 does not give the manifest or an input."""
    traits, inputs = engine.module.TRAITS, definition.work_path / INPUTS_FOLDER
    with snapshot(definition.manifest) as taken:
        batches = manifest.read(
            taken,
            base_folder=str(definition.folder),
            allowed_inputs=definition.allowed_inputs,
            input_cache=inputs,
            engine_needs_input=traits.needs_input,
            unsupported=engine.module.unsupported,
            layout_of=engine.module.layout_of,
            frame_makers=frame_makers(traits, definition.geometry, inputs),
        )
        planned = planning.make(
            definition.work_path,
            announced(batches, taken.not_read, progress.say),
            engine.identity,
            definition.geometry,
            lambda cameras, pairs, requested: splits.assign(cameras, pairs, requested, definition.splits),
            progress.rows_read,
        )
    planned = replace(planned, manifest=taken.files)
    manifest.write_rejections(definition.work_path / REJECTED_FILE, planned.rejections)
    progress.planned(planned)
    if not planned.clip_ids:
        first = planned.rejections[0]
        raise manifest.ManifestError(
            f"{definition.manifest}: no usable row among {planned.rows}; the first, row {first.row}"
            f"{f', {first.column}' if first.column else ''}: {first.reason}",
            code="manifest.no_usable_row",
        )
    return planned
