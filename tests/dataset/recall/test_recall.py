"""Clips withdrawn from published versions: what is left, what readers see, and what is published instead."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from its_core.dataset import reader
from its_core.dataset.finished_clip import FinishedClip
from its_core.dataset.formats import export
from its_core.dataset.loading import index
from its_core.dataset.publish import Published, publish
from its_core.dataset.recall import recall as recalling
from its_core.dataset.recall import records
from its_core.dataset.recall.recall import recall
from its_core.dataset.trace import Origin, trace
from its_core.dataset.verification import verify
from its_core.dataset.versions import tombstones
from tests.dataset import samples
from tests.storage.server import S3

pytestmark = pytest.mark.slow


def _published(folder: str, work: Path, clips: list[FinishedClip], scratch: Path) -> list[Published]:
    """Two versions: one of three clips, and the latest of all four, with a clip that failed."""
    target = samples.dataset(work, publish_url=folder)
    failed = samples.failed(scratch / "failed", 4)
    return [
        publish(chosen, target, samples.rejected(work), samples.run_of(work), scratch, missing)
        for chosen, missing in ((clips[:3], []), (clips, [failed]))
    ]


@pytest.fixture(scope="module")
def published_once(work: Path, clips: list[FinishedClip], tmp_path_factory: pytest.TempPathFactory) -> list[Published]:
    folder = tmp_path_factory.mktemp("once")
    return _published(str(folder / "published"), work, clips, folder)


@pytest.fixture
def two(published_once: list[Published], tmp_path: Path) -> list[Published]:
    """A copy of its own for a test that changes it."""
    root = Path(_root(published_once[0]))
    shutil.copytree(root, tmp_path / "published" / root.name)
    return [replace(each, url=f"{tmp_path}/published/{root.name}/{each.version}") for each in published_once]


def _root(published: Published) -> str:
    return published.url.rpartition("/")[0]


def _names(url: str) -> set[str]:
    return {path.relative_to(url).as_posix() for path in Path(url).rglob("*") if path.is_file()}


def test_a_recall_leaves_tombstones_and_publishes_a_version_without_the_clip(two: list[Published]) -> None:
    root = _root(two[0])
    before = reader.latest(root)

    done = recall(reader.versions(root), Origin(camera="cam-1"), "no consent")

    old, latest = reader.open_version(two[1].url), reader.latest(root)
    assert sorted(version.url for version in done.withdrawn) == sorted(published.url for published in two)
    assert [published.url for published in done.published] == [latest.url]
    assert latest.version not in {published.version for published in two}
    for version in (old, latest, reader.open_version(two[0].url)):
        assert verify(version) == []
        assert "scenario-1" not in {row["scenario_id"] for row in version.rows()}
        assert not any(f"{1:024x}" in name for name in _names(version.url))
    rows = [row for row in before.rows() if row["camera_id"] != "cam-1"]
    assert list(old.rows()) == list(latest.rows()) == rows
    (stone,) = tombstones.read(old.url)
    assert (stone.row["scenario_id"], stone.position, stone.reason) == ("scenario-1", 1, "no consent")


def test_what_was_made_beside_a_clip_goes_with_it_and_stays_with_the_others(tmp_path: Path) -> None:
    clips = [samples.finished(tmp_path, number, samples.truth()) for number in range(2)]
    for clip in clips:
        clip.files.video.with_suffix(".depth.npz").write_bytes(clip.clip_id.encode())
    target = samples.dataset(tmp_path / "published")
    publish(clips, target, samples.rejected(tmp_path), samples.run_of(tmp_path), tmp_path)
    root = str(tmp_path / "published" / "sample")
    (before,) = reader.versions(root)

    recall([before], Origin(camera="cam-1"), "no consent")

    left = {f"beside/00/{clips[0].clip_id}.depth.npz"}
    for version in (reader.open_version(before.url), reader.latest(root)):
        assert {name for name in _names(version.url) if name.startswith("beside/")} == left
        assert verify(version) == []


def test_the_page_the_sheet_and_the_descriptions_of_the_old_version_show_it_no_more(two: list[Published]) -> None:
    old = Path(two[1].url)
    sheet, prompt = (old / "contact_sheet.png").read_bytes(), "scenario-1"
    assert prompt in (old / "index.html").read_text()

    recall(reader.versions(_root(two[0])), Origin(row="scenario-1"), "")

    html = (old / "index.html").read_text()
    data = json.loads(html.split('id="data">')[1].split("</script>")[0])
    assert [clip["scenario"] for clip in data["clips"]] == ["scenario-0", "scenario-2", "scenario-3"]
    assert data["total"] == 3
    assert [row[1] for row in data["missing"] if row[2] == "recalled"] == ["scenario-1"]
    assert "1 clips were recalled since" in html
    assert (old / "contact_sheet.png").read_bytes() != sheet
    assert "| rear\\_end\\_collision | 1 | 1 |" in (old / "README.md").read_text()


def test_readers_and_exports_have_only_what_is_left(two: list[Published], tmp_path: Path) -> None:
    recall(reader.versions(_root(two[0])), Origin(camera="cam-0"), "")

    assert reader.open_version(two[1].url).clips == {"train": 1, "val": 1, "test": 1}
    assert len(index.rows(two[1].url, None)) == 3
    assert export(reader.open_version(two[1].url), "coco", str(tmp_path / "coco")) == 3
    assert reader.clips_by_id(_root(two[0]), [f"{0:024x}"]) == {}


def test_the_new_version_is_the_one_that_a_build_without_the_clip_makes(
    two: list[Published], work: Path, clips: list[FinishedClip], tmp_path: Path
) -> None:
    (new,) = recall(reader.versions(_root(two[0])), Origin(camera="cam-2"), "").published

    withheld = samples.failed(tmp_path / "other", 2, samples.Outcome.RECALLED, "recalled on 2026-01-02")
    failed = [withheld, samples.failed(tmp_path / "other", 4)]
    chosen = [clips[0], clips[1], clips[3]]
    target = samples.dataset(work, publish_url=str(tmp_path / "elsewhere"))
    built = publish(chosen, target, samples.rejected(work), samples.run_of(work), tmp_path, failed)

    assert new.version == built.version
    assert list(reader.open_version(new.url).rows()) == list(reader.open_version(built.url).rows())


def test_recalls_one_after_another_add_up(two: list[Published]) -> None:
    root = _root(two[0])
    for camera in ("cam-0", "cam-1"):  # all clips to train on
        recall(reader.versions(root), Origin(camera=camera), camera)

    old = reader.open_version(two[1].url)
    assert old.clips == {"val": 1, "test": 1}
    assert [(stone.position, stone.reason) for stone in tombstones.read(old.url)] == [(0, "cam-0"), (1, "cam-1")]
    assert verify(old) == []
    assert len(list(trace(reader.versions(root), Origin(camera="cam-0")))) == 2
    assert [each.recalled_at for each in trace(reader.versions(root), Origin(camera="cam-2"))].count(None) == 4


def test_a_tombstone_that_was_edited_is_found(two: list[Published]) -> None:
    recall(reader.versions(_root(two[0])), Origin(camera="cam-0"), "")
    old = reader.open_version(two[1].url)
    (stone,) = tombstones.read(old.url)
    edited = replace(stone, row=stone.row | {"camera_id": "cam-9"})
    tombstones.write(old.url, [edited], old.table(samples.Split.TEST).schema)

    assert {(problem.code, problem.path) for problem in verify(old)} == {
        ("changed", "recalled.parquet"),
        ("content", "_SUCCESS.json"),
    }


def test_a_recall_of_every_clip_leaves_no_latest_version(two: list[Published]) -> None:
    root = _root(two[0])

    done = recall(reader.versions(root), Origin(row=None, clip_ids=frozenset(f"{n:024x}" for n in range(4))), "all")

    assert (done.published, done.emptied) == ([], [root])
    with pytest.raises(reader.NotPublished) as caught:
        reader.latest(root)
    assert caught.value.code == "not_published.no_latest"
    assert [verify(version) for version in reader.versions(root) if verify(version)] == []
    assert [sum(version.clips.values()) for version in reader.versions(root)] == [0, 0]


@pytest.mark.parametrize("cut_off", ["withdraw", "publish_without_recalled"])
def test_a_recall_that_was_interrupted_is_finished_by_the_next(
    two: list[Published], cut_off: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, origin = _root(two[0]), Origin(camera="cam-3")
    whole = getattr(recalling, cut_off)

    def interrupted(*args: object) -> None:
        if cut_off == "withdraw":
            whole(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(recalling, cut_off, interrupted)
        with pytest.raises(KeyboardInterrupt):
            recall(reader.versions(root), origin, "")

    done = recall(reader.versions(root), origin, "")

    assert [published.url for published in done.published] == [reader.latest(root).url]
    assert [verify(version) for version in reader.versions(root) if verify(version)] == []
    assert len(records.read(root)) == 1


def test_a_withdrawal_cut_off_before_its_marker_is_finished(
    two: list[Published], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = _root(two[0])
    from its_core.dataset.recall import withdrawal

    def cut_off(*args: object) -> None:
        raise KeyboardInterrupt(args)

    with monkeypatch.context() as patched:
        patched.setattr(withdrawal, "_write_descriptions", cut_off)
        with pytest.raises(KeyboardInterrupt):
            recall(reader.versions(root), Origin(camera="cam-2"), "")

    recall(reader.versions(root), Origin(camera="cam-2"), "")

    assert [verify(version) for version in reader.versions(root) if verify(version)] == []
    assert all("cam-2" not in {row["camera_id"] for row in version.rows()} for version in reader.versions(root))


@pytest.mark.parametrize(
    ("origin", "covers"),
    [
        (Origin(camera="cam-7"), True),
        (Origin(frame="frames/bridge.jpg"), True),
        (Origin(frame="fe" * 32), True),
        (Origin(weights="ab" * 6), True),
        (Origin(camera="cam-7", row="scenario-7"), False),
        (Origin(row="scenario-7"), False),
        (Origin(clip_ids=frozenset({"0"})), False),
        (Origin(camera="cam-6"), False),
    ],
)
def test_what_a_recall_says_of_later_clips(origin: Origin, covers: bool) -> None:
    planned = samples.planned(7, input_image="frames/bridge.jpg")
    planned = replace(planned, request=replace(planned.request, input_sha256="fe" * 32))
    found = records.Recall(
        recalled_at="2026-01-02", reason="", clip_ids=frozenset({"0"}), origin=records.lasting(origin)
    )

    assert found.covers(planned, "ab" * 32) is covers
    assert found.model_copy(update={"clip_ids": frozenset({f"{7:024x}"})}).covers(planned, None)


def test_a_record_that_cannot_be_read_stops_the_build(two: list[Published]) -> None:
    folder = Path(_root(two[0])) / records.FOLDER
    folder.mkdir()
    (folder / "a.json").write_text("{}")

    with pytest.raises(records.RecallError) as caught:
        records.read(_root(two[0]))

    assert caught.value.code == "recall.bad_record"


def test_recall_on_s3(s3: S3, work: Path, clips: list[FinishedClip], tmp_path: Path) -> None:
    two = _published(f"{s3.bucket}/datasets", work, clips, tmp_path)
    root = _root(two[0])

    (new,) = recall(reader.versions(root), Origin(camera="cam-1"), "no consent").published

    assert reader.latest(root).url == new.url
    for version in reader.versions(root):
        assert verify(version) == []
        assert "cam-1" not in {row["camera_id"] for row in version.rows()}
    assert [stone.reason for stone in tombstones.read(two[1].url)] == ["no consent"]
    assert [each.origin for each in records.read(root)] == [Origin(camera="cam-1")]
