"""Only what no build needs is removed, and versions vanish whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from its_flows.cli.main import app
from typer.testing import CliRunner

from its_core import storage
from its_core.clip import Outcome
from its_core.dataset import pruning, reader
from its_core.dataset.pruning import Kind
from its_core.dataset.publish import publish
from its_core.shards import build
from its_core.shards.receipts import clip_files
from tests.dataset import samples
from tests.shards.test_status import building, ends

pytestmark = pytest.mark.slow

HOUR_S = 3600.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A dataset of three clips that was published; clip 3 is of an earlier plan. Each launch has a log."""
    folder = tmp_path / "datasets" / "small"
    folder.mkdir(parents=True)
    (folder / "dataset.yaml").write_text("name: small\npublish_url: ../../published\n")
    work = folder / ".its"
    for launch in ("shard/early", "shard/failed", "other/early"):
        (work / "shards" / launch).mkdir(parents=True)
        (work / "shards" / launch / "torchrun.log").write_text("a log")
        os.utime(work / "shards" / launch, (1_000_000_000, 1_000_000_000))
    with building(work, clips=3) as record:
        for index in range(4):
            ends(work, index, Outcome.GENERATED)
        failed = clip_files(work, f"{2:024x}")
        ends(work, 2, Outcome.TIMED_OUT)
        text = failed.receipt.read_text()
        failed.receipt.write_text(text.replace('"launch": "one"', '"launch": "failed"'))
        clip_files(work, f"{3:024x}").annotations.write_bytes(b"truth")
        (work / "shards" / "shard" / "now").mkdir()
        record.published("published", "marker", {})
    return folder


def found(folder: Path, keep: int = 3) -> list[tuple[Kind, str]]:
    items = pruning.superseded(folder / ".its", str(folder.parent.parent / "published" / "small"), keep)
    return [(item.kind, Path(item.url).name) for item in items]


def test_clips_of_earlier_plans_and_old_launches_go(folder: Path):
    assert found(folder) == [
        (Kind.CLIP, f"{3:024x}.mp4"),
        (Kind.LAUNCH, "early"),
        (Kind.LAUNCH, "early"),
    ]
    done = CliRunner().invoke(app, ["prune", str(folder.parent)])
    assert (done.exit_code, "removed 1 clip, 2 launches" in done.output) == (0, True)
    left = {path.name.partition(".")[0] for path in folder.glob(".its/clips/*/*")}
    assert left == {f"{index:024x}" for index in range(3)}
    assert sorted(path.name for path in folder.glob(".its/shards/*/*")) == ["failed", "now"]
    assert not (folder / ".its" / "shards" / "other").exists()
    assert found(folder) == []


def test_a_dry_run_removes_nothing(folder: Path):
    before = sorted(folder.rglob("*"))
    done = CliRunner().invoke(app, ["prune", str(folder), "--dry-run"])
    assert done.exit_code == 0
    assert "would remove 1 clip, 2 launches" in done.output and f"clip {folder}" in done.output
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("state", [state for state in build.BuildState if state != "published"])
def test_after_a_build_that_was_not_published_the_work_folder_is_left_alone(folder: Path, state: build.BuildState):
    last = build.read(folder / ".its")
    assert last is not None
    (folder / ".its" / build.FILE).write_text(last.model_copy(update={"state": state}).model_dump_json())
    assert found(folder) == []


def test_without_a_readable_plan_no_clip_goes(folder: Path):
    (folder / ".its" / "plan.parquet").write_bytes(b"cut off")
    assert [kind for kind, _ in found(folder)] == [Kind.LAUNCH] * 3


def test_a_dataset_that_is_being_built_is_left_alone(folder: Path):
    with storage.exclusive(folder / ".its" / build.LOCK_FILE):
        done = CliRunner().invoke(app, ["prune", str(folder)])
    assert done.exit_code == 3
    assert len(found(folder)) == 3


def test_a_dataset_that_was_never_built_stays_as_it_is(tmp_path: Path):
    (tmp_path / "dataset.yaml").write_text("name: small")
    done = CliRunner().invoke(app, ["prune", str(tmp_path)])
    assert (done.exit_code, [path.name for path in tmp_path.iterdir()]) == (0, ["dataset.yaml"])


@pytest.fixture
def versions(tmp_path: Path) -> list[str]:
    """Four versions, the oldest first; the oldest but one is the latest."""
    work = tmp_path / "work"
    clips = samples.four(work)
    dataset = samples.dataset(tmp_path)
    names = []
    for count in (1, 2, 3, 4):
        published = publish(clips[:count], dataset, samples.rejected(work), samples.run_of(work), work)
        names.append(published.version)
        marker = Path(published.url) / "_SUCCESS.json"
        os.utime(marker, (1_000_000_000 + count * HOUR_S,) * 2)
    publish(clips[:2], dataset, samples.rejected(work), samples.run_of(work), work)
    return names


@pytest.mark.parametrize(("keep", "gone"), [(4, []), (3, [0]), (2, [0]), (1, [2, 0])])
def test_the_newest_versions_and_the_latest_stay(tmp_path: Path, versions: list[str], keep: int, gone: list[int]):
    (root,) = [path.parent.parent for path in tmp_path.rglob("_SUCCESS.json") if versions[0] in str(path)]
    items = list(pruning.superseded(tmp_path / "none", str(root), keep))
    assert [Path(item.url).name for item in items] == [versions[index] for index in gone]
    for item in items:
        assert item.size_bytes > 1000
        pruning.remove(item)
    assert {version.version for version in reader.versions(str(root))} == {
        name for index, name in enumerate(versions) if index not in gone
    }
    assert reader.latest(str(root)).damaged() == []
