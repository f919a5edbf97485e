"""The task ``annotate``: what a detector and a tracker see in every clip, beside the clip's other files."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from its_tasks.clip_table import ClipTable
from its_tasks.reporting.progress import Progress
from its_tasks.steps import step
from pydantic import ValidationError

from its_core.dataset.finished_clip import FinishedClip
from its_core.definition import Definition, DefinitionError
from its_core.observed import record
from its_core.observed.agreement import total
from its_core.observed.record import Agreement
from its_core.shards.plan import Plan
from its_core.shards.receipts import clip_files


def require_packages(definition: Definition) -> None:
    """Raises DefinitionError where ``annotate`` needs a package that is not installed."""
    if definition.annotate is None:
        return
    absent = [name for name in ("transformers", "norfair") if importlib.util.find_spec(name) is None]
    if absent:
        raise DefinitionError(
            f"{definition.folder}: annotate needs the package {absent[0]}: pip install '.[annotation]'",
            code="annotate.package",
        )


def forget_observations(plan: Plan, clips: ClipTable) -> None:
    """Removes what an earlier build with ``annotate`` observed: the clip may be another one by now."""
    for clip_id in plan.clip_ids:
        clip_files(clips.work, clip_id).detections.unlink(missing_ok=True)


@step(name="annotate", task_run_name="annotate {definition.name}")
def annotate(definition: Definition, plan: Plan, clips: ClipTable, progress: Progress) -> list[Agreement]:
    """Observes the clips that the same detector has not observed yet.

    Returns how well the detections agree with the truth, where there is one. Raises DefinitionError where the detector
    cannot be read.
    """
    assert definition.annotate is not None
    made = clips.made()
    indices = [index for index, clip_id in enumerate(plan.clip_ids) if clip_id in made]
    from its_core.observed.detector import DetectorError, LocalDetector
    from its_core.observed.observe import made_with, observe

    try:
        detector = LocalDetector(Path(definition.annotate.detector), definition.annotate.min_confidence)
    except DetectorError as error:
        raise DefinitionError(f"{definition.folder}: annotate.detector {error}", code=error.code) from None
    agreements = []
    for number, planned in enumerate(plan.clips(indices), start=1):
        receipt, measures = clips.receipt(planned.request.clip_id), clips.measures(planned.request.clip_id)
        if receipt is None or measures is None or receipt.clip_sha256 is None:
            continue  # publishing says so
        files = clip_files(clips.work, planned.request.clip_id)
        observation = _current(files.detections, receipt.clip_sha256, made_with(detector))
        if observation is None:
            truth = FinishedClip(planned, receipt, files, measures).annotations()
            geometry = planned.request.geometry
            observation = observe(files.video, receipt.clip_sha256, geometry.fps, geometry.frames, detector, truth)
            record.write(files.detections, observation)
        if observation.agreement is not None:
            agreements.append(observation.agreement)
        if number % 100 == 0:
            progress.say(f"{number:,} of {len(indices):,} clips are observed")
    agreed = total(agreements)
    for each in agreed:
        if each.true_boxes:
            progress.say(
                f"the detector finds {each.found / each.true_boxes:.0%} of {each.true_boxes:,} {each.size} boxes"
            )
    return agreed


def _current(path: Path, clip_sha256: str, made_with: dict[str, str | float]) -> record.Observation | None:
    """The observation of just this clip with just these settings; None where there is none."""
    try:
        observation = record.read(path)
    except (FileNotFoundError, ValidationError, OSError, EOFError):
        return None
    same = (observation.clip_sha256, observation.made_with) == (clip_sha256, made_with)
    return observation if same else None
