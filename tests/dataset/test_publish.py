"""A published version: what lies in it, that it is the same every time, and when nothing is published."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest
from PIL import Image

from its_core import storage
from its_core.dataset.finished_clip import FinishedClip
from its_core.dataset.publish import Published, PublishError, publish
from tests.dataset import samples

RUNS_OWN = ("lineage/", "report/index.html", "report/validation", "report/expectations", "report/static")


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_layout(published: Published, clips: list[FinishedClip]) -> None:
    files = _files(Path(published.url))

    expected = {
        *(f"{clip.planned.split}/{clip.clip_id}.mp4" for clip in clips),
        *(f"annotations/{clip.clip_id}.json.gz" for clip in clips),
        *(f"{split}/metadata.parquet" for split in ("train", "val", "test")),
        *("README.md", "rejected.parquet", "checksums.sha256", "contact_sheet.png", "_SUCCESS.json"),
        *("lineage/run.json", "lineage/clips.parquet"),
        *("report/index.html", "report/validation.json", "report/measures.parquet"),
    }
    assert expected <= files.keys()
    assert all(name.startswith(("report/static/", "report/validations/", "report/expectations/"))
               for name in files.keys() - expected)  # fmt: skip
    assert published.clips == 4
    assert not published.was_there


def test_latest_and_the_marker_name_the_version(published: Published) -> None:
    folder = Path(published.url)

    assert folder.name == published.version
    assert len(published.version) == 12
    assert json.loads((folder.parent / "latest.json").read_text()) == {
        "dataset": "sample",
        "version": published.version,
    }
    marker = json.loads((folder / "_SUCCESS.json").read_text())
    assert marker["clips"] == {"train": 2, "val": 1, "test": 1}
    assert marker["checksums_sha256"] == storage.sha256_file(folder / "checksums.sha256")


def test_nothing_is_left_aside(published: Published) -> None:
    names = {path.name for path in Path(published.url).parent.iterdir()}

    assert names == {published.version, "latest.json", ".publishing"}


def test_sha256sum_agrees(published: Published) -> None:
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "checksums.sha256"],
        cwd=published.url,
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_publishing_again_does_nothing_but_say_so(published: Published, work: Path, clips: list[FinishedClip]) -> None:
    folder = Path(published.url).parent.parent
    before = {path: path.stat().st_mtime_ns for path in Path(published.url).rglob("*")}

    again = publish(clips, samples.dataset(folder), samples.rejected(work), samples.run_of(work), work)

    assert again.was_there
    assert (again.url, again.version, again.clips) == (published.url, published.version, 4)
    assert {path: path.stat().st_mtime_ns for path in Path(published.url).rglob("*")} == before


def test_the_same_clips_give_the_same_bytes(
    published: Published, work: Path, clips: list[FinishedClip], tmp_path: Path
) -> None:
    again = publish(clips, samples.dataset(tmp_path), samples.rejected(work), samples.run_of(work), work)

    def content(url: str) -> dict[str, bytes]:
        return {name: data for name, data in _files(Path(url)).items() if not name.startswith(RUNS_OWN)}

    assert again.version == published.version
    assert content(again.url) == content(published.url)


def test_other_content_is_another_version_beside_the_old_one(
    work: Path, clips: list[FinishedClip], tmp_path: Path
) -> None:
    target = samples.dataset(tmp_path)
    first = publish(clips[:1], target, samples.rejected(work), samples.run_of(work), work)
    second = publish(clips[:2], target, samples.rejected(work), samples.run_of(work), work)

    assert first.version != second.version
    assert all(Path(each.url, "_SUCCESS.json").exists() for each in (first, second))
    assert json.loads((tmp_path / "sample" / "latest.json").read_text())["version"] == second.version


def test_lineage_tells_who_when_and_from_what(published: Published, work: Path) -> None:
    folder = Path(published.url, "lineage")
    event = json.loads((folder / "run.json").read_text())

    assert event["eventType"] == "COMPLETE"
    assert event["run"]["facets"]["started"] == {"at": "2026-01-02T03:04:05.000+00:00"}
    assert event["run"]["facets"]["by"].keys() == {"user", "host"}
    assert event["run"]["facets"]["code"]["version"].startswith("0.")
    assert event["job"]["facets"]["engine"]["name"] == "simulator"
    manifest = event["inputs"][0]["facets"]["content"]
    assert manifest["sha256"] == storage.sha256_file(work / "rejected.parquet")
    assert event["outputs"][0]["facets"]["counts"] == {"train": 2, "val": 1, "test": 1, "rejected": 1}

    clip = pq.read_table(folder / "clips.parquet").to_pylist()[0]
    assert [attempt["outcome"] for attempt in clip["attempts"]] == ["timed_out", "generated"]
    assert clip["duration_s"] == 3.0
    assert json.loads(clip["engine_record"])["road_surface"] == "wet"


def test_annotations_can_be_read_back(published: Published, clips: list[FinishedClip]) -> None:
    packed = Path(published.url, "annotations", f"{clips[0].clip_id}.json.gz").read_bytes()

    assert orjson.loads(gzip.decompress(packed))["accident_frame"] == 4


def test_the_contact_sheet_is_a_picture(published: Published) -> None:
    with Image.open(Path(published.contact_sheet_url)) as sheet:
        assert sheet.width == 2400
        assert sheet.height > 1000


def test_a_clip_changed_after_its_making_is_not_published(work: Path, tmp_path: Path) -> None:
    clip = samples.finished(tmp_path / "work", 5)
    clip.files.video.write_bytes(clip.files.video.read_bytes() + b"\0")

    with pytest.raises(PublishError) as refused:
        publish([clip], samples.dataset(tmp_path), samples.rejected(work), samples.run_of(work), work)

    assert refused.value.code == "publish.clip_changed"
    assert not (tmp_path / "sample" / "latest.json").exists()
    assert [path for path in (tmp_path / "sample").iterdir() if not path.name.startswith(".")] == []


def test_a_clip_that_fails_its_checks_is_not_published(work: Path, tmp_path: Path) -> None:
    clip = samples.finished(tmp_path / "work", 5)
    content = clip.files.video.read_bytes()
    black = samples.finished(tmp_path / "work", 6)
    broken = type(clip)(clip.planned, clip.receipt, clip.files, samples.measure(tmp_path, samples.GEOMETRY))

    with pytest.raises(PublishError) as refused:
        publish([broken, black], samples.dataset(tmp_path), samples.rejected(work), samples.run_of(work), work)

    assert refused.value.code == "publish.clips_invalid"
    assert broken.clip_id in str(refused.value) and black.clip_id not in str(refused.value)
    assert clip.files.video.read_bytes() == content


def test_no_clip_is_no_version(work: Path, tmp_path: Path) -> None:
    with pytest.raises(PublishError) as refused:
        publish([], samples.dataset(tmp_path), samples.rejected(work), samples.run_of(work), work)
    assert refused.value.code == "publish.no_clips"


def test_two_publishers_of_a_dataset_do_not_meet(work: Path, clips: list[FinishedClip], tmp_path: Path) -> None:
    with storage.exclusive(tmp_path / "sample" / ".publishing"), pytest.raises(storage.Busy):
        publish(clips, samples.dataset(tmp_path), samples.rejected(work), samples.run_of(work), work)


def test_a_version_folder_without_a_marker_is_made_anew(
    published: Published, work: Path, clips: list[FinishedClip], tmp_path: Path
) -> None:
    rest = tmp_path / "sample" / published.version
    shutil.copytree(published.url, rest)
    (rest / "_SUCCESS.json").unlink()
    (rest / "stray.txt").write_text("left behind")

    again = publish(clips, samples.dataset(tmp_path), samples.rejected(work), samples.run_of(work), work)

    assert not again.was_there
    assert (rest / "_SUCCESS.json").exists()
    assert not (rest / "stray.txt").exists()
