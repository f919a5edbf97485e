"""The same scenarios in two versions: pairs, means, floors, and what a definition's gate makes of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from its_flows.cli.main import app
from its_tasks.likeness import judge_likeness
from PIL import Image
from typer.testing import CliRunner

from its_core import definition as definitions
from its_core import storage
from its_core.dataset import reader
from its_core.dataset.finished_clip import FinishedClip
from its_core.dataset.publish import Published, publish
from its_core.definition import DefinitionError
from its_core.evaluation.likeness import floors, versions
from its_core.evaluation.likeness.versions import NothingInCommon
from its_core.video import Frame, write_mp4
from tests.dataset import samples


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Published, Published]:
    """Four scenarios, and three of them again: one darker, one of another size."""
    made = []
    for name, numbers in (("exact", (0, 1, 2, 3)), ("short", (0, 1, 2))):
        work, folder = tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp(name)
        clips = [samples.finished(work, number, samples.truth()) for number in numbers]
        if name == "short":
            clips[1:3] = _darker(clips[1]), _narrower(clips[2])
        made.append(publish(clips, samples.dataset(folder), samples.rejected(work), samples.run_of(work), work))
    return made[0], made[1]


def _darker(clip: FinishedClip) -> FinishedClip:
    return _again(clip, [(frame * 0.8).astype(np.uint8) for frame in samples.frames(1)])


def _narrower(clip: FinishedClip) -> FinishedClip:
    return _again(clip, [frame[:, ::2] for frame in samples.frames(2)])


def _again(clip: FinishedClip, frames: list[Frame]) -> FinishedClip:
    """The same clip with other frames."""
    video = clip.files.video
    write_mp4(video, iter(frames), replace(samples.GEOMETRY, width_px=frames[0].shape[1]))
    return replace(clip, receipt=clip.receipt.model_copy(update={"clip_sha256": storage.sha256_file(video)}))


def test_pairs_are_of_the_same_scenario(both: tuple[Published, Published]) -> None:
    exact, short = (reader.open_version(each.url) for each in both)
    found, alone = versions.pairs(exact, short)
    assert ([pair.scenario for pair in found], alone) == (["scenario-0", "scenario-1", "scenario-2"], 1)
    assert [pair.scenario for pair in versions.spread(found, 2)] == ["scenario-0", "scenario-1"]

    result = versions.compare(found, alone)

    assert [each.pair.scenario for each in result.compared] == ["scenario-2", "scenario-1", "scenario-0"]
    unlike, darker, same = result.compared
    assert unlike.likeness is None
    assert "32×48" in unlike.reason
    assert darker.likeness is not None
    assert same.likeness is not None
    assert (same.likeness.psnr_db, same.likeness.ssim) == (100.0, 1.0)
    assert result.means["psnr_db"] == pytest.approx((100 + darker.likeness.psnr_db) / 2)


def test_versions_of_other_scenarios_have_nothing_in_common(both: tuple[Published, Published], tmp_path: Path) -> None:
    work = tmp_path / "work"
    other = publish(
        [samples.finished(work, 9, samples.truth())],
        samples.dataset(tmp_path / "other"),
        samples.rejected(work),
        samples.run_of(work),
        work,
    )
    with pytest.raises(NothingInCommon) as raised:
        versions.pairs(reader.open_version(both[0].url), reader.open_version(other.url))
    assert raised.value.code == "likeness.nothing_in_common"


def test_floors_name_what_is_below_them(both: tuple[Published, Published]) -> None:
    exact, short = (reader.open_version(each.url) for each in both)
    same = floors.judge(exact, exact, {"psnr_db": 100.0, "ssim": 1.0}, clips=4)
    assert (same.worse, same.below) == (False, [])
    low = floors.judge(short, exact, {"psnr_db": 99.0, "ssim": 0.0}, clips=4)
    assert low.worse
    assert [line.split()[0] for line in low.below] == ["psnr_db", "scenario-2:"]


def test_the_gate_of_a_definition(both: tuple[Published, Published], tmp_path: Path) -> None:
    exact, short = both
    (tmp_path / "dataset.yaml").write_text(f"name: short\nlikeness: {{against: {exact.url}, ssim: 0.999}}\n")
    definition = definitions.load(tmp_path)
    assert judge_likeness.fn(definition, short.url).worse
    assert not judge_likeness.fn(definition, exact.url).worse

    (tmp_path / "dataset.yaml").write_text(f"name: short\nlikeness: {{against: {exact.url}}}\n")
    with pytest.raises(DefinitionError, match=r"psnr_db, ssim, vmaf"):
        definitions.load(tmp_path)


def test_the_command_writes_pictures_of_the_least_alike(both: tuple[Published, Published], tmp_path: Path) -> None:
    exact, short = both
    done = CliRunner().invoke(app, ["compare", exact.url, short.url, "--out", str(tmp_path), "--clips", "1"])
    assert done.exit_code == 1, done.output  # one pair could not be compared
    report = json.loads((tmp_path / "compare.json").read_text())
    assert [clip["scenario"] for clip in report["clips"]] == ["scenario-2", "scenario-1", "scenario-0"]
    assert report["clips_of_one_only"] == 1
    assert Image.open(tmp_path / "sheet.png").width > 3 * 400
    with av.open(str(tmp_path / "1.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.frames) == (128, 48, 9)
    assert not (tmp_path / "2.mp4").exists()
