"""The published folder is what Hugging Face's videofolder builder takes it for."""

from __future__ import annotations

import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # read when the library is imported

import datasets
from its_core.dataset.finished_clip import FinishedClip
from its_core.dataset.labels.label_rows import COLUMNS
from its_core.dataset.publish import Published, publish
from tests.dataset import samples


def _load(folder: str, cache: Path) -> datasets.DatasetDict:
    return datasets.load_dataset(folder, cache_dir=str(cache))


def test_splits_counts_and_columns(published: Published, clips: list[FinishedClip], tmp_path: Path) -> None:
    loaded = _load(published.url, tmp_path)

    assert {name: split.num_rows for name, split in loaded.items()} == {"train": 2, "val": 1, "test": 1}
    columns = [column.name for column in COLUMNS if column.name != "file_name"]
    for split in loaded.values():
        assert split.column_names == ["video", *columns, "lanes", "site", "sources"]

    first = loaded["train"].cast_column("video", datasets.Video(decode=False))[0]
    assert Path(first["video"]["path"]) == Path(published.url, "train", clips[0].clip_id[:2], f"{clips[0].clip_id}.mp4")
    assert Path(first["video"]["path"]).read_bytes() == clips[0].files.video.read_bytes()
    assert (first["accident_frame"], first["camera_id"]) == (4, "cam-0")
    assert first["sources"]["accident_frame"] == {"source": "simulated", "confidence": 1.0}


def test_one_split_alone_and_misleading_names(work: Path, clips: list[FinishedClip], tmp_path: Path) -> None:
    target = samples.dataset(tmp_path / "test", name="train-val-test")
    published = publish(clips[:2], target, samples.rejected(work), samples.run_of(work), work)
    (Path(published.url) / ".lease-1").write_text("{}")  # left by a publisher that was killed after its marker

    loaded = _load(published.url, tmp_path / "cache")

    assert {name: split.num_rows for name, split in loaded.items()} == {"train": 2}


def test_columns_of_the_manifest_with_names_of_the_builder_or_ours(work: Path, tmp_path: Path) -> None:
    names = ("video", "sample_file_name", "frame_file_names", "file_name", "file_names", "weather", "sources", "label")
    clip = samples.finished(tmp_path / "work", 0, extra={name: f"the manifest's {name}" for name in names})
    published = publish([clip], samples.dataset(tmp_path), samples.rejected(work), samples.run_of(work), work)

    row = _load(published.url, tmp_path / "cache")["train"].cast_column("video", datasets.Video(decode=False))[0]

    assert {f"the manifest's {name}" for name in names} <= {value for value in row.values() if isinstance(value, str)}
    assert row["video"]["path"].endswith(".mp4")
