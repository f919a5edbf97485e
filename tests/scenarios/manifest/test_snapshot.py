"""A manifest that changes while it is read is told; what was read is known by its digest."""

from pathlib import Path

import pytest

from its_core.scenarios.manifest.snapshot import snapshot
from its_core.scenarios.scenario import ManifestError
from tests.scenarios.manifest.manifests import read, row, write


def test_each_file_is_named_with_its_digest(tmp_path):
    (tmp_path / "b.parquet").write_bytes(b"two")
    (tmp_path / "a.parquet").write_bytes(b"one")
    with snapshot(str(tmp_path)) as taken:
        found = taken.files
    assert [(Path(file.url).name, file.size_bytes) for file in found] == [("a.parquet", 3), ("b.parquet", 3)]
    assert found[0].sha256 == "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"


def test_a_manifest_that_is_gone_is_told(tmp_path):
    with pytest.raises(ManifestError) as stopped, snapshot(str(tmp_path / "gone.parquet")):
        pass
    assert stopped.value.code == "manifest.not_there"


def test_what_stays_is_read(tmp_path):
    path = write(tmp_path / "m.parquet", [row()])
    with snapshot(str(path)) as taken:
        assert len(read(taken, tmp_path)[0]) == 1


def truncated(folder: Path) -> None:
    path = folder / "a.parquet"
    path.write_bytes(path.read_bytes()[:-9])


CHANGES = {
    "overwritten in place": lambda folder: write(folder / "a.parquet", [row("b")]),
    "half written": truncated,
    "emptied": lambda folder: (folder / "a.parquet").write_bytes(b""),
    "replaced": lambda folder: write(folder / ".new", [row("b")]).replace(folder / "a.parquet"),
    "added to": lambda folder: write(folder / "b.parquet", [row("b")]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_meanwhile_is_told_whatever_came_of_it(tmp_path, change):
    folder = tmp_path / "manifest"
    write(folder / "a.parquet", [row("a")])
    with pytest.raises(ManifestError) as stopped, snapshot(str(folder)) as taken:
        CHANGES[change](folder)
        read(taken, tmp_path)
    assert stopped.value.code == "manifest.changed"


def test_a_manifest_that_was_wrong_from_the_start_is_told_as_such(tmp_path):
    (tmp_path / "a.parquet").write_text("no Parquet")
    with pytest.raises(ManifestError) as stopped, snapshot(str(tmp_path)) as taken:
        read(taken, tmp_path)
    assert stopped.value.code == "manifest.unreadable"
