"""Publishing to S3: a version is none until its marker is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from its_core import storage
from its_core.dataset import reader
from its_core.dataset.finished_clip import FinishedClip
from its_core.dataset.publish import Published, publish
from its_core.dataset.versions.version import MARKER_FILE
from tests.dataset import samples
from tests.storage.server import S3


def _publish(s3: S3, work: Path, clips: list[FinishedClip], scratch: Path) -> Published:
    target = samples.dataset(work, publish_url=f"{s3.bucket}/datasets")
    return publish(clips, target, samples.rejected(work), samples.run_of(work), scratch)


def test_a_version_on_s3_is_the_one_on_disk(
    s3: S3, published: Published, work: Path, clips: list[FinishedClip], tmp_path: Path
) -> None:
    made = _publish(s3, work, clips, tmp_path)
    again = _publish(s3, work, clips, tmp_path)

    assert made.url == f"{s3.bucket}/datasets/sample/{published.version}"
    assert (made.was_there, again.was_there) == (False, True)
    found = reader.latest(f"{s3.bucket}/datasets/sample")
    assert found.version == published.version
    assert found.damaged() == []
    assert list(found.rows()) == list(reader.open_version(published.url).rows())
    assert found.annotations(next(found.rows())) == samples.truth()
    clip = reader.clips_by_id(f"{s3.bucket}/datasets/sample", [clips[0].clip_id])[clips[0].clip_id]
    assert storage.read_bytes(clip.video_url) == clips[0].files.video.read_bytes()
    assert not (tmp_path / "publish" / "sample" / ".staging").exists()


def test_an_upload_cut_off_before_the_marker_is_no_version(
    s3: S3, work: Path, clips: list[FinishedClip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = f"{s3.bucket}/datasets/sample"
    old = _publish(s3, work, clips[:1], tmp_path)

    create = storage.create

    def cut_off(url: str, content: bytes) -> bool:
        if url.endswith(MARKER_FILE):
            raise ConnectionError(f"{len(content)} bytes never reached {url}")
        return create(url, content)

    with monkeypatch.context() as patched:
        patched.setattr(storage, "create", cut_off)
        with pytest.raises(ConnectionError, match=MARKER_FILE):
            _publish(s3, work, clips, tmp_path)
    assert len(storage.list_folder(root)) == 4  # latest.json, dataset.json, the old version, the new one's files
    assert [version.version for version in reader.versions(root)] == [old.version]
    assert reader.latest(root).damaged() == []

    new = _publish(s3, work, clips, tmp_path)

    assert not new.was_there
    assert reader.latest(root).version == new.version
    assert reader.latest(root).damaged() == []
    assert storage.list_folder(f"{new.url}/report") == ["index.html", "measures.parquet", "validation.json"]


def test_no_permission_changes_nothing(s3: S3, work: Path, clips: list[FinishedClip], tmp_path: Path) -> None:
    root = f"{s3.bucket}/datasets/sample"
    old = _publish(s3, work, clips[:1], tmp_path)
    s3.proxy.answer(403, "AccessDenied", methods=("PUT", "POST"))

    with pytest.raises(storage.Denied):
        _publish(s3, work, clips, tmp_path)

    assert reader.latest(root).version == old.version
    assert reader.latest(root).damaged() == []
