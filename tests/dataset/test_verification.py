"""What --verify finds: any change to a published version."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from its_core import marking, storage
from its_core.dataset import reader
from its_core.dataset.publish import Published
from its_core.dataset.verification import verify
from its_core.dataset.versions import checksums
from tests.test_marking import SOURCE_TYPE, configured

__all__ = ["configured"]


@pytest.fixture
def folder(published: Published, tmp_path: Path) -> Path:
    copied = tmp_path / published.version
    shutil.copytree(published.url, copied)
    return copied


def _found(folder: Path) -> set[tuple[str, str]]:
    return {(problem.code, problem.path) for problem in verify(reader.open_version(str(folder)))}


def _clip(folder: Path) -> Path:
    return next((folder / "train").rglob("*.mp4"))


def _edit_label(folder: Path) -> None:
    path = folder / "train" / "metadata.parquet"
    rows = pq.read_table(path)
    values = rows["accident_time"].to_pylist()
    index = rows.schema.get_field_index("accident_time")
    edited = rows.set_column(index, rows.schema.field(index), pa.array([values[0] + 1, *values[1:]]))
    path.unlink()
    pq.write_table(edited, path)


def _update_checksums(folder: Path) -> None:
    """As somebody does who covers up an edit."""
    path = folder / checksums.FILE_NAME
    listed = checksums.read(path.read_text())
    path.unlink()
    checksums.write(folder, dict.fromkeys(listed).items())
    marker = json.loads((folder / "_SUCCESS.json").read_text())
    marker["checksums_sha256"] = storage.sha256_file(path)
    (folder / "_SUCCESS.json").unlink()
    (folder / "_SUCCESS.json").write_text(json.dumps(marker))


def test_an_untouched_version_has_no_problem(folder: Path) -> None:
    assert _found(folder) == set()


def test_a_clip_changed_by_one_byte(folder: Path) -> None:
    clip = _clip(folder)
    content = bytearray(clip.read_bytes())
    content[len(content) // 2] ^= 1
    clip.unlink()
    clip.write_bytes(content)

    assert ("changed", clip.relative_to(folder).as_posix()) in _found(folder)


def test_an_edited_label(folder: Path) -> None:
    _edit_label(folder)

    assert _found(folder) == {("changed", "train/metadata.parquet"), ("content", "_SUCCESS.json")}


def test_an_edited_label_whose_checksums_were_edited_too(folder: Path) -> None:
    _edit_label(folder)
    _update_checksums(folder)

    assert ("content", "_SUCCESS.json") in _found(folder)


@pytest.mark.parametrize("name", ["contact_sheet.png", "lineage/run.json", "report/index.html", "rejected.parquet"])
def test_a_removed_file(folder: Path, name: str) -> None:
    (folder / name).unlink()

    assert ("missing", name) in _found(folder)


def test_a_foreign_clip(folder: Path) -> None:
    foreign = folder / "train" / "ff" / f"{'f' * 24}.mp4"
    foreign.parent.mkdir()
    shutil.copy(_clip(folder), foreign)

    assert _found(folder) == {("added", foreign.relative_to(folder).as_posix())}


def test_an_edited_text_of_the_definition(folder: Path) -> None:
    marker = json.loads((folder / "_SUCCESS.json").read_text()) | {"license": "cc0-1.0"}
    (folder / "_SUCCESS.json").unlink()
    (folder / "_SUCCESS.json").write_text(json.dumps(marker))

    assert _found(folder) == {("content", "_SUCCESS.json")}


@pytest.mark.usefixtures("configured")
def test_a_broken_signature_whose_checksums_were_edited_too(folder: Path) -> None:
    clip = _clip(folder)
    marking.sign_where_configured(clip, "clip", SOURCE_TYPE)
    _update_checksums(folder)
    path = clip.relative_to(folder).as_posix()
    assert ("signature", path) not in _found(folder)
    content = bytearray(clip.read_bytes())
    content[-20] ^= 1
    clip.write_bytes(content)
    _update_checksums(folder)

    assert ("signature", path) in _found(folder)


@pytest.fixture
def strip() -> Callable[[Path], None]:
    def statement(path: Path) -> None:
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content.replace(b"Synthetic video", b"Authentic video"))

    return statement


def test_a_clip_that_no_longer_says_that_it_is_synthetic(folder: Path, strip: Callable[[Path], None]) -> None:
    clip = _clip(folder)
    strip(clip)
    _update_checksums(folder)  # so that only the statement is missing

    found = _found(folder)
    assert ("mark", clip.relative_to(folder).as_posix()) in found
