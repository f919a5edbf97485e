"""What was published can be read back, checked, and used again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from its_core import storage
from its_core.dataset import reader
from its_core.dataset.finished_clip import FinishedClip
from its_core.dataset.publish import Published
from its_core.taxonomy import Split
from tests.dataset import samples


@pytest.fixture
def copied(published: Published, tmp_path: Path) -> Path:
    """A published dataset that a test may damage."""
    folder = tmp_path / "sample"
    shutil.copytree(Path(published.url).parent, folder)
    return folder


def test_the_latest_version(published: Published, copied: Path) -> None:
    found = reader.latest(str(copied))

    assert (found.dataset, found.version) == ("sample", published.version)
    assert found.clips == {Split.TRAIN: 2, Split.VAL: 1, Split.TEST: 1}
    assert [row["scenario_id"] for row in found.rows()] == [f"scenario-{number}" for number in range(4)]
    assert [row["scenario_id"] for row in found.rows(["scenario_id"])] == [f"scenario-{n}" for n in range(4)]
    assert Path(found.contact_sheet_url).exists()


def test_annotations(copied: Path) -> None:
    found = reader.latest(str(copied))

    truth = found.annotations(next(found.rows()))

    assert truth == samples.truth()


def test_a_whole_version_is_not_damaged(copied: Path) -> None:
    assert reader.latest(str(copied)).damaged() == []


def test_damage_is_found(copied: Path, clips: list[FinishedClip]) -> None:
    version = reader.latest(str(copied))
    changed = Path(version.url, "train", clips[0].clip_id[:2], f"{clips[0].clip_id}.mp4")
    changed.write_bytes(changed.read_bytes()[:-1])
    Path(version.url, "README.md").unlink()

    assert version.damaged() == ["README.md", f"train/{clips[0].clip_id[:2]}/{clips[0].clip_id}.mp4"]


def test_checksums_that_were_changed_too_are_found(copied: Path) -> None:
    version = reader.latest(str(copied))
    Path(version.url, "checksums.sha256").write_text("")

    assert version.damaged() == ["checksums.sha256"]


def test_clips_are_found_by_their_ids(copied: Path, clips: list[FinishedClip]) -> None:
    found = reader.clips_by_id(str(copied), [clips[0].clip_id, clips[2].clip_id, "f" * 24])

    assert found.keys() == {clips[0].clip_id, clips[2].clip_id}
    clip = found[clips[0].clip_id]
    assert storage.sha256_file(Path(clip.video_url)) == clip.clip_sha256 == clips[0].receipt.clip_sha256
    assert clip.annotations_url is not None
    assert Path(clip.annotations_url).exists()
    assert clip.record == clips[0].receipt.record


def test_a_version_without_a_marker_is_none(copied: Path, published: Published, clips: list[FinishedClip]) -> None:
    (copied / published.version / "_SUCCESS.json").unlink()

    assert reader.versions(str(copied)) == []
    assert reader.clips_by_id(str(copied), [clips[0].clip_id]) == {}
    with pytest.raises(reader.NotPublished) as missing:
        reader.latest(str(copied))
    assert missing.value.code == "not_published.no_marker"


def test_nothing_published_is_told(tmp_path: Path) -> None:
    with pytest.raises(reader.NotPublished) as missing:
        reader.latest(str(tmp_path / "sample"))
    assert missing.value.code == "not_published.no_latest"
    assert reader.clips_by_id(str(tmp_path / "sample"), ["0" * 24]) == {}


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"version": 3'])
def test_a_broken_latest_file_is_told(copied: Path, content: str) -> None:
    (copied / "latest.json").write_text(content)

    with pytest.raises(reader.NotPublished) as broken:
        reader.latest(str(copied))
    assert broken.value.code == "not_published.bad_latest"
