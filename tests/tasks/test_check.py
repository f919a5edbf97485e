"""The task ``check``, on clips that lie in a work folder."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from its_tasks.check import ClipsInvalid, check
from its_tasks.clip_table import ClipTable
from its_tasks.engines import ResolvedEngine
from its_tasks.reporting.progress import Progress
from PIL import Image
from rich.console import Console

from its_core import definition as definitions
from its_core import storage, video
from its_core.clip import Geometry, Outcome, Scene
from its_core.engines.engine import engine_module
from its_core.scenarios.scenario import Batch, Scenario
from its_core.shards import plan as planning
from its_core.shards.batch import EngineSettings
from its_core.shards.receipts import clip_files, synthetic_attempt
from its_core.taxonomy import IncidentType, Split
from tests.shards.troubled_worker import mosaic

GEOMETRY = Geometry.of("480", 10)
Checked = Callable[..., ClipTable]


@pytest.fixture
def frame(tmp_path: Path) -> Path:
    """The picture with which the clip begins."""
    path = tmp_path / "frame.png"
    Image.fromarray(next(mosaic(1, GEOMETRY))).save(path)
    return path


@pytest.fixture
def checked(tmp_path: Path, frame: Path) -> Checked:
    """Checks clips of an engine, one of each of ``pairs``, whose planned frame is ``frame`` as it was."""
    sha256 = storage.sha256_file(frame)

    def run(
        engine: str,
        frames: Any = None,
        before: Callable[[], Any] = lambda: None,
        pairs: tuple[str | None, ...] = (None,),
        **keys: object,
    ) -> ClipTable:
        text = f"name: small\nresolution: 480\nfps: 10\nengine: {{name: {engine}}}\n"
        (tmp_path / "dataset.yaml").write_text(text)
        definition = definitions.load(tmp_path, keys)
        module = engine_module(engine)
        options = module.parse_options({}, "480", 10)
        identity = module.identity_without_weights(options)
        resolved = ResolvedEngine(module, EngineSettings(engine, {}, "480", 10), options, identity, ())
        scene = Scene("cam", IncidentType.NORMAL_TRAFFIC)
        rows = [
            Scenario(n, f"s{n}", scene, "P", "", 1 + n, 1, 7.0, pair, None, "frame.png", str(frame), sha256, {})
            for n, pair in enumerate(pairs)
        ]
        work = definition.work_path
        work.mkdir(parents=True)
        splits = [Split.TRAIN] * len(rows)
        plan = planning.make(work, [Batch(rows, [])], identity, GEOMETRY, lambda *_: splits)
        for clip in plan.clips():
            files = clip_files(work, clip.request.clip_id)
            video.write_mp4(files.video, frames or mosaic(1, GEOMETRY), GEOMETRY)
            attempt = synthetic_attempt(Outcome.GENERATED, "", "test")
            files.add_attempt(clip.request, attempt, clip_sha256=storage.sha256_file(files.video))
        before()
        clips = ClipTable(work, plan)
        check.fn(definition, resolved, plan, clips, 1, Progress(Console(file=io.StringIO())))
        return clips

    return run


def change(frame: Path) -> None:
    Image.new("RGB", (768, 432), "red").save(frame)


def test_a_clip_must_begin_with_its_frame(checked: Checked, tmp_path: Path):
    with pytest.raises(ClipsInvalid, match="first frame"):
        checked("cosmos", mosaic(2, GEOMETRY))
    (receipt,) = [clip_files(tmp_path / ".its", p.stem).read_receipt() for p in tmp_path.rglob("*.mp4")]
    assert receipt is not None and receipt.outcome is Outcome.INVALID_OUTPUT
    assert receipt.can_be_retried  # of GPUs it is not known that they would make the same again


@pytest.mark.parametrize("what", [change, Path.unlink], ids=["changed", "removed"])
def test_a_frame_that_is_another_by_now_is_nothing_to_compare_with(checked: Checked, frame: Path, what: Any):
    clips = checked("cosmos", before=lambda: what(frame))
    (receipt,) = clips.in_order()
    assert receipt.outcome is Outcome.GENERATED
    measures = clips.measures(receipt.clip_id)
    assert measures is not None and measures.first_frame_difference is None


def test_a_frame_as_it_was_is_compared(checked: Checked):
    clips = checked("cosmos")
    (receipt,) = clips.in_order()
    measures = clips.measures(receipt.clip_id)
    assert measures is not None and measures.first_frame_difference is not None
    assert clips.unmeasured() == []


BLACK = [np.zeros((432, 768, 3), np.uint8)] * GEOMETRY.frames


def receipt_of_black(checked: Checked, tmp_path: Path, **keys: object) -> Any:
    with pytest.raises(ClipsInvalid, match="black"):
        checked("simulator", iter(BLACK), **keys)
    (receipt,) = [clip_files(tmp_path / ".its", p.stem).read_receipt() for p in tmp_path.rglob("*.mp4")]
    return receipt


def test_what_a_deterministic_engine_made_wrong_is_not_asked_for_again(checked: Checked, tmp_path: Path):
    receipt = receipt_of_black(checked, tmp_path)
    assert (receipt.outcome, receipt.attempts[-1].is_final, receipt.can_be_retried) == ("invalid_output", True, False)
    last = receipt.attempts[-1].model_copy(update={"code_version": "0.0.1"})
    assert receipt.model_copy(update={"attempts": (last,)}).can_be_retried  # newer code may do better


def test_what_a_script_made_wrong_is(checked: Checked, tmp_path: Path):
    assert receipt_of_black(checked, tmp_path, **{"engine.script": "run.py"}).can_be_retried


def test_a_clip_that_was_damaged_on_the_disk_is(checked: Checked, tmp_path: Path):
    def damage() -> None:
        (path,) = tmp_path.rglob("*.mp4")
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0xFF
        path.write_bytes(content)

    with pytest.raises(ClipsInvalid):
        checked("simulator", iter(BLACK), damage)
    (receipt,) = [clip_files(tmp_path / ".its", p.stem).read_receipt() for p in tmp_path.rglob("*.mp4")]
    assert receipt is not None and receipt.can_be_retried


def test_a_clip_that_is_removed_meanwhile_is_named(checked: Checked, tmp_path: Path):
    clips = checked("cosmos")
    (path,) = tmp_path.rglob("*.mp4")
    path.unlink()
    with pytest.raises(Exception, match=path.name) as raised:
        list(clips.in_order())
    assert raised.value.code == "build.clips_removed"


ALIKE = {"near_duplicate_bits": 5}


def test_a_clip_that_looks_like_another_is_not_published(checked: Checked, tmp_path: Path):
    with pytest.raises(ClipsInvalid, match="looks like clip"):
        checked("simulator", pairs=(None, None), gates=ALIKE)
    found = [clip_files(tmp_path / ".its", path.stem).read_receipt() for path in tmp_path.rglob("*.mp4")]
    outcomes = {receipt.scenario_id: receipt.outcome for receipt in found if receipt is not None}
    assert outcomes == {"s0": Outcome.GENERATED, "s1": Outcome.INVALID_OUTPUT}


@pytest.mark.parametrize(("pairs", "gates"), [(("p", "p"), ALIKE), ((None, None), {})], ids=["a pair", "no gate"])
def test_clips_may_look_alike_in_a_pair_or_without_the_gate(checked: Checked, pairs: Any, gates: Any):
    assert len(checked("simulator", pairs=pairs, gates=gates).made()) == 2
