"""Digests that are remembered are those of the files."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from its_core import storage
from its_core.storage import digests

LONG_AGO = (1_700_000_000, 1_700_000_000)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ITS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(digests, "_SETTLED_AFTER_NS", 0)  # times of change of files that a test has just written
    return tmp_path / "cache"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were read to be hashed."""
    files: list[Path] = []
    real = storage.sha256_file

    def counted(path: Path) -> str:
        files.append(path)
        return real(path)

    monkeypatch.setattr(digests, "sha256_file", counted)
    return files


def test_a_file_is_read_once(tmp_path: Path, cache: Path, reads: list[Path]):
    path = tmp_path / "weights.pt"
    path.write_bytes(b"weights")
    link = tmp_path / "link.pt"
    link.symlink_to(path)
    expected = hashlib.sha256(b"weights").hexdigest()
    assert [storage.sha256_remembered(path), storage.sha256_remembered(link)] == [expected] * 2
    assert len(reads) == 1
    assert len(list((cache / "digests").iterdir())) == 1


def replaced(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_bytes(b"changed")
    os.utime(other, LONG_AGO)
    other.replace(path)


def in_place(path: Path) -> None:
    path.write_bytes(b"changed")
    os.utime(path, LONG_AGO)  # as if it had not been touched


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("change", [replaced, in_place])
def test_a_file_of_the_same_size_and_time_is_read_again_when_it_is_another(tmp_path: Path, reads: list[Path], change):
    path = tmp_path / "weights.pt"
    path.write_bytes(b"weights")
    os.utime(path, LONG_AGO)
    storage.sha256_remembered(path)
    change(path)
    assert storage.sha256_remembered(path) == hashlib.sha256(b"changed").hexdigest()
    assert len(reads) == 2


def test_a_file_that_changed_a_moment_ago_is_not_remembered(tmp_path: Path, monkeypatch, reads: list[Path]):
    monkeypatch.setenv("ITS_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "weights.pt"
    path.write_bytes(b"weights")
    storage.sha256_remembered(path)
    storage.sha256_remembered(path)
    assert len(reads) == 2


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 3}'])
def test_a_broken_memory_is_written_anew(tmp_path: Path, cache: Path, reads: list[Path], content: bytes):
    path = tmp_path / "weights.pt"
    path.write_bytes(b"weights")
    storage.sha256_remembered(path)
    (entry,) = (cache / "digests").iterdir()
    entry.write_bytes(content)
    assert storage.sha256_remembered(path) == storage.sha256_remembered(path)
    assert len(reads) == 2


def test_without_a_cache_folder_files_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "weights.pt"
    path.write_bytes(b"weights")
    monkeypatch.setenv("ITS_CACHE", str(path / "below"))
    assert storage.sha256_remembered(path) == hashlib.sha256(b"weights").hexdigest()


@pytest.mark.usefixtures("cache")
def test_of_processes_that_ask_at_once_one_reads(tmp_path: Path):
    path = tmp_path / "weights.pt"
    with path.open("wb") as file:
        file.truncate(64 << 20)
    code = (
        "import sys; from pathlib import Path; from its_core.storage import digests;"
        "digests._SETTLED_AFTER_NS = 0; real = digests.sha256_file;"
        "digests.sha256_file = lambda path: print('read', flush=True) or real(path);"
        "digests.sha256_remembered(Path(sys.argv[1]))"
    )
    asking = [
        subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    assert sorted(process.communicate()[0] for process in asking) == ["", "", "read\n"]
