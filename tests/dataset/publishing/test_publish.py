"""A published version: what lies in it, that it is the same every time, and when nothing is published."""

from __future__ import annotations

import getpass
import gzip
import json
import shutil
import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest
from PIL import Image

from its_core import storage
from its_core.clip import Outcome
from its_core.dataset.finished_clip import FinishedClip
from its_core.dataset.publish import Published, PublishError, publish
from its_core.dataset.versions.ownership import NameTaken
from its_core.scenarios.manifest import write_rejections
from its_core.scenarios.scenario import Rejection
from tests.dataset import samples

pytestmark = pytest.mark.slow

RUNS_OWN = ("lineage/", "report/index.html", "report/validation.json", "croissant.json", "_SUCCESS.json", "index.html")


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_layout(published: Published, clips: list[FinishedClip]) -> None:
    files = _files(Path(published.url))

    expected = {
        *(f"{clip.planned.split}/{clip.clip_id[:2]}/{clip.clip_id}.mp4" for clip in clips),
        *(f"annotations/{clip.clip_id[:2]}/{clip.clip_id}.json.gz" for clip in clips),
        *(f"{split}/metadata.parquet" for split in ("train", "val", "test")),
        *(
            "README.md",
            "croissant.json",
            "index.html",
            "rejected.parquet",
            "checksums.sha256",
            "contact_sheet.png",
            "_SUCCESS.json",
        ),
        *("lineage/run.json", "lineage/clips.parquet"),
        *("report/index.html", "report/validation.json", "report/measures.parquet"),
    }
    assert expected == files.keys()
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

    assert names == {published.version, "latest.json", "dataset.json", ".publishing"}


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
    assert event["run"]["facets"]["nominalTime"]["nominalStartTime"] == "2026-01-02T03:04:05.000+00:00"
    assert event["run"]["facets"]["its_code"]["version"].startswith("0.")
    assert event["job"]["facets"]["its_configuration"]["engine"]["name"] == "simulator"
    manifest = event["inputs"][0]["facets"]["version"]["datasetVersion"]
    assert manifest == storage.sha256_file(work / "rejected.parquet")
    facets = event["outputs"][0]["facets"]
    assert facets["its_counts"]["counts"] == {"train": 2, "val": 1, "test": 1, "rejected": 1, "failed": 0}
    assert facets["version"]["datasetVersion"] == published.version
    assert "accident_frame" in {field["name"] for field in facets["schema"]["fields"]}
    assert all(assertion["success"] for assertion in facets["dataQualityAssertions"]["assertions"])

    clip = pq.read_table(folder / "clips.parquet").to_pylist()[0]
    assert [attempt["outcome"] for attempt in clip["attempts"]] == ["timed_out", "generated"]
    assert clip["duration_s"] == 3.0
    assert json.loads(clip["engine_record"])["road_surface"] == "wet"


def test_annotations_can_be_read_back(published: Published, clips: list[FinishedClip]) -> None:
    packed = Path(published.url, "annotations", clips[0].clip_id[:2], f"{clips[0].clip_id}.json.gz").read_bytes()

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


def test_rows_and_clips_that_were_not_made_are_in_the_version(
    work: Path, clips: list[FinishedClip], tmp_path: Path
) -> None:
    frozen = samples.failed(tmp_path / "work", 9)
    made = publish(clips, samples.dataset(tmp_path), samples.rejected(work), samples.run_of(work), work, [frozen])

    missing = pq.read_table(Path(made.url, "rejected.parquet")).to_pylist()
    assert [(each["row"], each["outcome"], each["clip_id"]) for each in missing] == [
        (7, "rejected_input", None),
        (9, "invalid_output", frozen.receipt.clip_id),
    ]
    assert missing[1]["reason"] == "frozen"
    lineage = pq.read_table(Path(made.url, "lineage", "clips.parquet")).to_pylist()
    assert [each["outcome"] for each in lineage] == ["generated"] * 4 + ["invalid_output"]
    assert "1 rejected rows, 1 failed clips" in Path(made.url, "README.md").read_text(encoding="utf-8")


def test_the_version_does_not_depend_on_where_the_checkout_is(
    clips: list[FinishedClip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "render-node-17")
    monkeypatch.setattr(getpass, "getuser", lambda: "alice.example")
    made = []
    for name in ("alice", "bob"):
        work = tmp_path / name
        reason = f"{work}/frames/x.png: lies outside of {work}/frames"
        rejected = work / "rejected.parquet"
        write_rejections(rejected, [Rejection(7, "scenario-7", "input_image", f"{work}/frames/x.png", reason)])
        failed = samples.failed(
            work, 9, Outcome.ENGINE_ERROR, f"cannot read {work}/weights.pt on {socket.gethostname()}"
        )
        run = samples.run_of(tmp_path, {"name": "sample", "manifest": f"{work}/scenarios.parquet"})
        made.append(publish(clips, samples.dataset(work), rejected, run, work, [failed]))

    assert made[0].version == made[1].version
    for each in made:
        for path in Path(each.url).rglob("*"):
            published = path.read_bytes() if path.is_file() and path.suffix != ".mp4" else b""
            if path.suffix == ".parquet":
                published = json.dumps(pq.read_table(path).to_pylist(), default=str).encode()
            for secret in (str(tmp_path), "render-node-17", "alice.example"):
                assert secret.encode() not in published, path


def test_host_and_login_are_published_only_where_asked_for(
    work: Path, clips: list[FinishedClip], tmp_path: Path
) -> None:
    run = replace(samples.run_of(work), names_machine=True)

    made = publish(clips, samples.dataset(tmp_path), samples.rejected(work), run, work)

    event = json.loads(Path(made.url, "lineage", "run.json").read_text())
    assert event["run"]["facets"]["its_code"]["host"] == socket.gethostname()
    assert event["inputs"][0]["name"] == str(work / "rejected.parquet")


def test_two_datasets_of_one_name_do_not_share_a_place(work: Path, clips: list[FinishedClip], tmp_path: Path) -> None:
    first = publish(clips, samples.dataset(tmp_path, source="a"), samples.rejected(work), samples.run_of(work), work)
    other = samples.dataset(tmp_path, source="b")

    with pytest.raises(NameTaken) as taken:
        publish(clips[:1], other, samples.rejected(work), samples.run_of(work), work)

    assert taken.value.code == "publish.name_taken"
    assert "'a'" in str(taken.value) and "'b'" in str(taken.value)
    assert json.loads((tmp_path / "sample" / "latest.json").read_text())["version"] == first.version
    (tmp_path / "sample" / "dataset.json").unlink()  # as the message says
    assert publish(clips[:1], other, samples.rejected(work), samples.run_of(work), work).version != first.version
