"""Training clips from published versions, folders and manifests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from its_core.dataset.publish import publish
from its_core.post_training.data.clips import Refusal, SourceClip
from its_core.post_training.data.part_models import FolderPart, ManifestPart, PublishedPart
from its_core.post_training.data.parts import read_part
from its_core.post_training.errors import PostTrainingError
from its_core.storage.input_cache import InputCache
from tests.dataset import samples


@pytest.fixture
def cache(tmp_path: Path) -> InputCache:
    return InputCache(tmp_path / "cache", 1 << 20)


def read(
    part: Any, cache: InputCache, publish_url: str = "", share: float = 0.0
) -> tuple[list[SourceClip], list[Refusal]]:
    found = list(read_part(part, 3, publish_url, share, cache))
    return [each for each in found if isinstance(each, SourceClip)], [
        each for each in found if isinstance(each, Refusal)
    ]


def test_a_published_version(tmp_path: Path, cache: InputCache) -> None:
    made = samples.four(tmp_path / "work")
    published = publish(
        made,
        samples.dataset(tmp_path / "published"),
        samples.rejected(tmp_path / "work"),
        samples.run_of(tmp_path / "work"),
        tmp_path / "work",
    )
    folder = Path(published.url)
    for version in (folder.name, "latest"):
        clips, refusals = read(
            PublishedPart(dataset=folder.parent.name, version=version), cache, str(folder.parent.parent)
        )
        assert sorted(clip.use for clip in clips) == [
            "train",
            "train",
            "validate",
        ]  # clips of the test split are not read
        assert refusals == []
        for clip in clips:
            assert Path(clip.video_url).is_file()
            assert clip.kind == "incident"
            assert clip.event_s == 0.24
            assert clip.origin == {
                "dataset": folder.parent.name,
                "version": folder.name,
                "clip_id": Path(clip.video_url).stem,
            }


def make_folder(folder: Path, captions: dict[str, str | None]) -> Path:
    (folder / "videos").mkdir(parents=True)
    (folder / "metas").mkdir()
    for name, caption in captions.items():
        (folder / "videos" / f"{name}.mp4").write_bytes(b"")
        if caption is not None:
            (folder / "metas" / f"{name}.txt").write_text(caption)
    return folder


def test_a_folder_in_nvidias_layout(tmp_path: Path, cache: InputCache) -> None:
    folder = make_folder(tmp_path / "normal", {"a": " A street. \n", "b": None, "c": " "})
    (folder / "t5_xxl").mkdir()
    (folder / "t5_xxl" / "a.pickle").write_bytes(b"not to be read")
    clips, refusals = read(FolderPart(folder=str(folder), kind="normal"), cache)
    assert [(clip.name, clip.caption, clip.kind, clip.use) for clip in clips] == [
        ("3/a", "A street.", "normal", "train")
    ]
    assert [(refusal.name, refusal.code) for refusal in refusals] == [
        ("3/b", "post_training.clip.no_caption"),
        ("3/c", "post_training.clip.no_caption"),
    ]


def test_a_folder_without_videos_is_refused_whole(tmp_path: Path, cache: InputCache) -> None:
    with pytest.raises(PostTrainingError) as caught:
        read(FolderPart(folder=str(tmp_path / "nothing"), kind="normal"), cache)
    assert caught.value.code == "post_training.part.empty"


def test_a_share_is_kept_for_validation(tmp_path: Path, cache: InputCache) -> None:
    folder = make_folder(tmp_path / "normal", {f"{number}": "A street." for number in range(200)})
    part = FolderPart(folder=str(folder), kind="normal")
    chosen = {clip.name for clip in read(part, cache, share=0.1)[0] if clip.use == "validate"}
    assert 5 <= len(chosen) <= 40
    assert chosen == {clip.name for clip in read(part, cache, share=0.1)[0] if clip.use == "validate"}


def test_a_manifest_of_clips(tmp_path: Path, cache: InputCache) -> None:
    rows = [
        {"video": "clips/a.mp4", "caption": "A crash.", "kind": "incident", "accident_time": 1.5, "split": "val"},
        {"video": "clips/b.mp4", "caption": "A street.", "kind": "normal"},
        {"video": "clips/c.mp4", "caption": None, "kind": "normal"},
        {"video": "clips/d.mp4", "caption": "A street.", "kind": "calm"},
        {"video": "/etc/passwd.mp4", "caption": "A street.", "kind": "normal"},
        {"video": "clips/../../e.mp4", "caption": "A street.", "kind": "normal"},
        {"video": "", "caption": "A street.", "kind": "normal"},
    ]
    pd.DataFrame(rows).to_parquet(tmp_path / "clips.parquet")
    clips, refusals = read(ManifestPart(manifest=str(tmp_path / "clips.parquet")), cache)
    assert [(clip.video_url, clip.kind, clip.use, clip.event_s) for clip in clips] == [
        (str(tmp_path / "clips/a.mp4"), "incident", "validate", 1.5),
        (str(tmp_path / "clips/b.mp4"), "normal", "train", None),
    ]
    assert [refusal.name for refusal in refusals] == ["3/2", "3/3", "3/4", "3/5", "3/6"]


def test_a_manifest_may_name_what_its_part_allows(tmp_path: Path, cache: InputCache) -> None:
    pd.DataFrame([{"video": "/footage/a.mp4", "caption": "A street."}]).to_parquet(tmp_path / "clips.parquet")
    part = ManifestPart(manifest=str(tmp_path / "clips.parquet"), kind="normal", allowed_inputs=("/footage",))
    assert [clip.video_url for clip in read(part, cache)[0]] == ["/footage/a.mp4"]


@pytest.mark.parametrize("content", ["columns", "text", "nothing"])
def test_a_manifest_that_is_none_is_refused_whole(tmp_path: Path, cache: InputCache, content: str) -> None:
    file = tmp_path / "clips.parquet"
    if content == "columns":
        pd.DataFrame([{"video": "a.mp4"}]).to_parquet(file)
    elif content == "text":
        file.write_text("video,caption")
    with pytest.raises(PostTrainingError) as caught:
        read(ManifestPart(manifest=str(file), kind="normal"), cache)
    assert caught.value.code == (
        "post_training.part.columns" if content == "columns" else "post_training.part.unreadable"
    )
