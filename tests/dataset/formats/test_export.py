"""Exports: linked, not copied; nothing overwritten; to S3 too."""

from __future__ import annotations

from pathlib import Path

import pytest

from its_core import storage
from its_core.dataset import reader
from its_core.dataset.finished_clip import FinishedClip
from its_core.dataset.formats import FORMATS, ExportError, export
from tests.storage.server import S3


def test_clips_are_linked(version: reader.Version, clips: list[FinishedClip], tmp_path: Path) -> None:
    assert export(version, "cosmos-predict2", str(tmp_path / "out")) == 2

    made = tmp_path / "out" / "videos" / f"{clips[0].clip_id}.mp4"
    assert made.stat().st_ino == (Path(version.url) / "train" / "00" / made.name).stat().st_ino


def test_nothing_is_overwritten(version: reader.Version, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")

    with pytest.raises(ExportError) as refused:
        export(version, "coco", str(tmp_path))

    assert refused.value.code == "export.target_exists"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_unknown_format_is_refused_with_the_known_ones(version: reader.Version, tmp_path: Path) -> None:
    with pytest.raises(ExportError) as refused:
        export(version, "voc", str(tmp_path / "out"))

    assert refused.value.code == "export.unknown_format"
    assert all(name in str(refused.value) for name in FORMATS)


def test_from_s3_to_s3(s3: S3, version: reader.Version, clips: list[FinishedClip]) -> None:
    folder = Path(version.url)
    for path in folder.rglob("*"):
        if path.is_file():
            url = storage.join(s3.bucket, "sample", version.version, path.relative_to(folder).as_posix())
            storage.write_bytes(url, path.read_bytes())
    published = reader.open_version(f"{s3.bucket}/sample/{version.version}")

    assert export(published, "huggingface", f"{s3.bucket}/exports/flat") == 4

    url = f"{s3.bucket}/exports/flat/train/00/{clips[0].clip_id}.mp4"
    assert storage.read_bytes(url) == clips[0].files.video.read_bytes()
    assert len([name for name in storage.find(f"{s3.bucket}/exports/flat") if name.endswith(".mp4")]) == 4
