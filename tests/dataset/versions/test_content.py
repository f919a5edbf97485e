"""The version: equal for equal content, another one for anything that readers would see changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from its_core.dataset.finished_clip import FinishedClip
from its_core.dataset.labels import metadata
from its_core.dataset.versions import content
from its_core.scenarios.manifest import write_rejections
from tests.dataset import samples


def _version(folder: Path, clips: list[FinishedClip], rejected: Path, **changes: Any) -> str:
    return content.write_content(folder, clips, samples.dataset(folder, **changes), rejected).version


@pytest.fixture
def rejected(work: Path) -> Path:
    return samples.rejected(work)


def test_equal_content_has_an_equal_version(clips: list[FinishedClip], rejected: Path, tmp_path: Path) -> None:
    versions = {_version(tmp_path / name, clips, rejected) for name in ("here", "there")}

    assert len(versions) == 1


def test_a_run_is_no_content(clips: list[FinishedClip], rejected: Path, tmp_path: Path) -> None:
    slower = clips[0].receipt.attempts[0].model_copy(update={"duration_s": 99.0, "started_at": "2027"})
    again = replace(clips[0], receipt=clips[0].receipt.model_copy(update={"attempts": (slower,)}))

    assert _version(tmp_path / "a", [again], rejected) == _version(tmp_path / "b", clips[:1], rejected)


@pytest.mark.parametrize("changed", [{"name": "other"}, {"license": "other"}, {"description": "other"}])
def test_the_definitions_words_are_content(
    clips: list[FinishedClip], rejected: Path, tmp_path: Path, changed: dict[str, str]
) -> None:
    assert _version(tmp_path, clips, rejected, **changed) != _version(tmp_path, clips, rejected)


def test_clips_and_their_labels_are_content(clips: list[FinishedClip], rejected: Path, tmp_path: Path) -> None:
    clip = clips[0]
    variants = [
        [clip],
        [clip, clips[1]],
        [replace(clip, planned=replace(clip.planned, extra={"site": "elsewhere"}))],
        [replace(clip, planned=replace(clip.planned, pair_id="pair-1"))],
        [replace(clip, receipt=clip.receipt.model_copy(update={"clip_sha256": "0" * 64}))],
        [samples.finished(tmp_path / "work", 0, samples.truth().model_copy(update={"contacts": []}))],
    ]

    assert len({_version(tmp_path, variant, rejected) for variant in variants}) == len(variants)


def test_rejected_rows_are_content(clips: list[FinishedClip], rejected: Path, tmp_path: Path) -> None:
    none = tmp_path / "none.parquet"
    write_rejections(none, [])

    assert _version(tmp_path, clips, none) != _version(tmp_path, clips, rejected)


def test_thousands_of_rows_are_written_in_order(clips: list[FinishedClip], tmp_path: Path) -> None:
    row = {"clip_id": "", "split": "train"}
    with metadata.MetadataWriter(tmp_path, metadata.schema([])) as writer:
        for number in range(2500):
            writer.add(clips[0].planned.split, row | {"clip_id": str(number)})

    found = pq.read_table(tmp_path / "train" / "metadata.parquet", columns=["clip_id"])
    assert found["clip_id"].to_pylist() == [str(number) for number in range(2500)]
