"""Disks that fill up and folders that cannot be written end in one line, and nothing is lost.

A limit on the size of files stands for the full disk: it needs no rights, so every user runs the same test.
"""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from its_flows.build_dataset import build_dataset

from its_core import storage
from its_core.shards import build
from its_core.shards.receipts import TooFewClips
from tests.system.conftest import Dataset, contents, receipts, small, tries

pytestmark = pytest.mark.usefixtures("prefect_server")

FULL = "(No space left on device|File too large)"


@contextmanager
def no_file_beyond(size_bytes: int) -> Iterator[None]:
    """For this process and what it starts, as a quota would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_fills_while_clips_are_written_costs_only_those(tmp_path, trouble, calm):
    folder = small(tmp_path)
    trouble(s2="no-file-beyond 5000")
    with pytest.raises(TooFewClips, match=rf"[12] of 3 clips were not made(.|\n)*s2 v0 .*: engine_error: .*{FULL}"):
        build_dataset(str(folder))
    trouble()
    assert contents(build_dataset(str(folder))) == calm[1]


def test_a_rank_that_can_write_no_receipt_ends_and_what_it_had_in_hand_is_told_by_the_launcher(tmp_path, trouble, calm):
    folder = small(tmp_path)
    trouble(s1="no-file-beyond 0")
    with pytest.raises(TooFewClips, match=r"s1 v0 .*: engine_error: its rank ended early"):
        build_dataset(str(folder))
    assert tries(folder)["s0"] == ["generated"]
    trouble()
    assert contents(build_dataset(str(folder))) == calm[1]
    assert len(receipts(folder)["s0"]["attempts"]) == 1


def test_a_disk_that_has_no_room_for_the_builds_own_files_ends_it_in_a_line(finished, calm):
    folder = finished
    with (
        no_file_beyond(1000),
        pytest.raises(storage.DiskFull, match=rf"plan.parquet: .* \({FULL}\): make room and run"),
    ):
        build_dataset(str(folder))
    assert contents(build_dataset(str(folder))) == calm[1]


def test_a_disk_that_fills_while_publishing_leaves_no_version_and_the_next_build_publishes(tmp_path, calm):
    folder = small(tmp_path)
    build_dataset(str(folder))  # makes the clips
    disk = tmp_path / "disk"
    elsewhere = {"publish_url": str(disk)}
    with no_file_beyond(20_000), pytest.raises(storage.DiskFull):
        build_dataset(str(folder), elsewhere)
    assert [path.name for path in (disk / "small").iterdir() if not path.name.startswith(".")] == []
    assert build.read(folder / ".its").state is build.BuildState.FAILED
    assert contents(build_dataset(str(folder), elsewhere)) == calm[1]
    assert not (disk / "small" / ".staging").exists()


# Places that nobody can write to, root neither: below a file, and where the kernel keeps what it shows.
UNWRITABLE = ["{file}/below", "/proc/its", "/sys/its"]


@pytest.mark.parametrize("key", ["publish_url", "work_dir"])
@pytest.mark.parametrize("place", UNWRITABLE)
def test_a_place_that_cannot_be_written_is_told_before_anything_is_made(tmp_path, key, place):
    (tmp_path / "file").touch()
    where = place.format(file=tmp_path / "file")
    folder = small(tmp_path, **{key: where})
    with pytest.raises(
        storage.StorageError, match=rf"^{key} {where}[^ ]*: cannot be written \(.*\): correct that, or name"
    ):
        build_dataset(str(folder))
    assert receipts(folder) == {}
    assert not list(tmp_path.glob("**/plan.parquet"))


def test_the_command_tells_a_place_that_cannot_be_written_in_one_line(dataset: Dataset):
    dataset.define(work_dir="dataset.yaml/below")
    dataset.ask(["ok"])
    told = dataset.build()
    assert told.returncode == 1
    assert told.stderr.count("\n") == 1
    assert "error: work_dir" in told.stderr and "dataset.yaml/below: cannot be written" in told.stderr
