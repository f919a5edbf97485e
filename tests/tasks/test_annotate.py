"""The task ``annotate``, with a tiny detector, on clips that lie in a work folder."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from its_tasks.annotate import annotate, forget_observations
from its_tasks.clip_table import ClipTable
from its_tasks.reporting.progress import Progress
from rich.console import Console

from its_core import definition as definitions
from its_core import storage, video
from its_core.checks import ledger
from its_core.checks.measures import Measures
from its_core.clip import Geometry, Outcome, Scene
from its_core.definition import Definition, DefinitionError
from its_core.engines.engine import engine_module
from its_core.observed import record
from its_core.scenarios.scenario import Batch, Scenario
from its_core.shards import plan as planning
from its_core.shards.plan import Plan
from its_core.shards.receipts import clip_files, synthetic_attempt
from its_core.taxonomy import IncidentType, Split
from tests.observed.test_detector import save_detector
from tests.shards.troubled_worker import mosaic

GEOMETRY = Geometry(96, 64, 10, 6)


def build(folder: Path, detector: Path) -> tuple[Definition, Plan, ClipTable]:
    """A clip that was made and measured."""
    (folder / "dataset.yaml").write_text("name: small\nresolution: 480\nfps: 10\n")
    definition = definitions.load(folder, {"annotate.detector": str(detector), "annotate.min_confidence": 0.05})
    work = definition.work_path
    work.mkdir(parents=True, exist_ok=True)
    module = engine_module("simulator")
    identity = module.identity(module.parse_options({}, "480", 10))
    row = Scenario(
        0, "s0", Scene("cam", IncidentType.NORMAL_TRAFFIC), "P", "", 1, 1, 7.0, None, None, "", None, None, {}
    )
    plan = planning.make(work, [Batch([row], [])], identity, GEOMETRY, lambda *_: [Split.TRAIN])
    (clip,) = plan.clips()
    files = clip_files(work, clip.request.clip_id)
    video.write_mp4(files.video, mosaic(1, GEOMETRY), GEOMETRY)
    attempt = synthetic_attempt(Outcome.GENERATED, "", "test")
    receipt = files.add_attempt(clip.request, attempt, clip_sha256=storage.sha256_file(files.video))
    ledger.write(files, receipt, Measures(problem=None))
    return definition, plan, ClipTable(work, plan)


def test_a_clip_is_observed_once_and_again_with_another_detector(tmp_path: Path) -> None:
    progress = Progress(Console(file=io.StringIO()))
    definition, plan, clips = build(tmp_path, save_detector(tmp_path / "models" / "first", {0: "car", 1: "bench"}))
    (clip_id,) = plan.clip_ids
    path = clip_files(definition.work_path, clip_id).detections

    agreed = annotate.fn(definition, plan, clips, progress)

    first, written = record.read(path), path.stat().st_mtime_ns
    assert first.made_with["detector"] == "first"
    assert (first.agreement, {each.true_boxes for each in agreed}) == (None, {0})
    annotate.fn(definition, plan, clips, progress)
    assert path.stat().st_mtime_ns == written

    other = save_detector(tmp_path / "models" / "second", {0: "truck"})
    annotate.fn(*build(tmp_path, other), progress)
    assert record.read(path).made_with["detector"] == "second"
    forget_observations(plan, clips)
    assert not path.exists()


def test_a_folder_that_is_no_detector_is_the_definitions_fault(tmp_path: Path) -> None:
    definition, plan, clips = build(tmp_path, tmp_path / "missing")

    with pytest.raises(DefinitionError) as refused:
        annotate.fn(definition, plan, clips, Progress(Console(file=io.StringIO())))

    assert refused.value.code == "annotate.detector"
    assert str(tmp_path / "missing") in str(refused.value)
