"""A manifest that changes while it is read is told; what was read is known by its digest."""

from pathlib import Path

import pytest

from its_core.scenarios.manifest import snapshot
from its_core.scenarios.scenario import ManifestError
from tests.scenarios.manifest.manifests import read, row, write


def test_each_file_is_named_with_its_digest(tmp_path):
    (tmp_path / "b.parquet").write_bytes(b"two")
    (tmp_path / "a.parquet").write_bytes(b"one")
    found = snapshot.files_of(str(tmp_path))
    assert [(Path(file.url).name, file.size_bytes) for file in found] == [("a.parquet", 3), ("b.parquet", 3)]
    assert found[0].sha256 == "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"


def test_a_manifest_that_is_gone_is_told(tmp_path):
    with pytest.raises(ManifestError, match="no such manifest"):
        snapshot.files_of(str(tmp_path / "gone.parquet"))


def test_what_stays_is_read(tmp_path):
    path = write(tmp_path / "m.parquet", [row()])
    with snapshot.unchanged(str(path)) as files:
        assert len(read(path, tmp_path)[0]) == 1
    assert files == snapshot.files_of(str(path))


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
    with (
        pytest.raises(ManifestError, match=r"\.parquet: was changed while it was read; build again once it is written"),
        snapshot.unchanged(str(folder)),
    ):
        CHANGES[change](folder)
        read(folder, tmp_path)


def test_a_manifest_that_was_wrong_from_the_start_is_told_as_such(tmp_path):
    (tmp_path / "a.parquet").write_text("no Parquet")
    with pytest.raises(ManifestError, match="cannot be read as Parquet"), snapshot.unchanged(str(tmp_path)):
        read(tmp_path, tmp_path)
