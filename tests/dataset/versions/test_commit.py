"""Versions on their way to S3: one publisher at a time, none of whom is missed when it dies."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from its_core import storage
from its_core.dataset.versions import checksums, commit, lease
from its_core.dataset.versions.integrity import is_complete
from its_core.dataset.versions.lease import Lease
from its_core.storage.preflight import check_writable
from its_core.storage.s3 import objects as s3_objects
from tests.storage.server import S3

CLIPS = 30
UPLOAD = """
import sys
from pathlib import Path
from its_core import storage
from its_core.dataset.versions import commit, integrity
folder, url, work = sys.argv[1:]
try:
    print(commit.commit_s3(Path(folder), url, lambda: integrity.is_complete(url, {}), Path(work)))
except storage.Busy as error:
    print(f"Busy: {error}")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small version, complete."""
    made = tmp_path / "version"
    names = [f"train/{number:02}.mp4" for number in range(CLIPS)]
    for name in [*names, "report/page.html", "README.md"]:
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(name)
    checksums.write(made, dict.fromkeys(names).items())
    marker = {"checksums_sha256": storage.sha256_file(made / checksums.FILE_NAME)}
    (made / "_SUCCESS.json").write_text(json.dumps(marker))
    return made


@pytest.fixture
def url(s3: S3) -> str:
    return f"{s3.bucket}/datasets/sample/0123456789ab"


def start(folder: Path, url: str, work: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", UPLOAD, str(folder), url, str(work)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err[-2000:]
    return out.strip()


def upload(folder: Path, url: str, work: Path) -> bool:
    return commit.commit_s3(folder, url, lambda: is_complete(url, {}), work)


def sent(s3: S3) -> list[str]:
    """What was put into the version's folder, but for leases and probes."""
    paths = [request.path.partition("?")[0] for request in s3.proxy.requests if request.method == "PUT"]
    return [path.partition("/0123456789ab/")[2] for path in paths if "/." not in path]


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_of_two_publishers_on_two_machines_one_uploads(s3: S3, url: str, folder: Path, tmp_path: Path) -> None:
    s3.proxy.delay(0.03, times=1000, methods=("PUT",))

    both = sorted(said(process) for process in [start(folder, url, tmp_path / name) for name in "ab"])

    assert both[1] == "True"
    assert both[0] == "False" or both[0].startswith(f"Busy: {url}: is being published by ")
    assert sorted(sent(s3)) == sorted(files(folder))  # each file once
    assert storage.find(url).keys() == files(folder)
    assert not upload(folder, url, tmp_path / "c")
    assert is_complete(url, {})


def test_a_publisher_that_was_killed_goes_on_where_it_stopped(s3: S3, url: str, folder: Path, tmp_path: Path) -> None:
    s3.proxy.delay(0.1, times=1000, methods=("PUT",))
    killed = start(folder, url, tmp_path / "a")
    deadline = time.monotonic() + 60
    while len(sent(s3)) < CLIPS // 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    killed.kill()
    killed.communicate()
    time.sleep(0.3)  # what was on its way arrives
    there = storage.find(url).keys()
    assert CLIPS // 4 < len(there) < CLIPS
    assert not is_complete(url, {})
    with pytest.raises(storage.Busy) as held:
        upload(folder, url, tmp_path / "another machine")
    assert held.value.code == "lease.held"
    assert f"{url}/.lease-1" in str(held.value)
    s3.proxy.reset()

    assert upload(folder, url, tmp_path / "a")

    again = [name for name in sent(s3) if name in there]
    assert again == []
    assert storage.find(url).keys() == files(folder)
    assert is_complete(url, {})


def test_a_version_that_lost_its_files_is_no_version_until_it_is_complete_again(
    s3: S3, url: str, folder: Path, tmp_path: Path
) -> None:
    assert upload(folder, url, tmp_path)
    storage.remove_tree(f"{url}/train/00.mp4")
    s3.proxy.reset()

    assert upload(folder, url, tmp_path)

    assert set(sent(s3)) == {"train/00.mp4", "_SUCCESS.json"}
    assert is_complete(url, {})


def test_a_publisher_that_is_gone_for_ever_is_replaced(
    url: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = Lease(url, tmp_path / "gone")
    with monkeypatch.context() as after_an_hour:
        after_an_hour.setattr(lease, "LEASE_TTL_S", 0.0)
        new = Lease(url, tmp_path / commit.LEASE_FILE)
    assert storage.list_folder(url) == [".lease-1", ".lease-2"]
    with pytest.raises(storage.Busy) as lost:
        gone.renew()  # it was only slow
    assert lost.value.code == "lease.lost"
    new.renew()

    assert upload(folder, url, tmp_path)

    assert storage.find(url).keys() == files(folder)
    with pytest.raises(storage.Busy) as lost:
        gone.renew()
    assert lost.value.code == "lease.lost"


@pytest.mark.parametrize("asleep_after", ["the look whether it is there", "the marker's removal"])
def test_a_publisher_that_wakes_up_late_leaves_what_was_published_meanwhile(
    s3: S3, url: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asleep_after: str
) -> None:
    remove_tree = storage.remove_tree

    def sleep() -> None:
        with monkeypatch.context() as after_an_hour:
            after_an_hour.setattr(lease, "LEASE_TTL_S", 0.0)
            after_an_hour.setattr(storage, "remove_tree", remove_tree)
            assert upload(folder, url, tmp_path / "b")
        assert is_complete(url, {})
        s3.proxy.reset()

    def look() -> bool:
        found = is_complete(url, {})
        if asleep_after == "the look whether it is there":
            sleep()
        return found

    def remove(name: str) -> None:
        remove_tree(name)
        if asleep_after == "the marker's removal" and name.endswith("/_SUCCESS.json"):
            sleep()

    monkeypatch.setattr(storage, "remove_tree", remove)
    with pytest.raises(storage.Busy) as lost:
        commit.commit_s3(folder, url, look, tmp_path / "a")
    assert lost.value.code == "lease.lost"

    assert {request.method for request in s3.proxy.requests} == {"GET"}
    assert storage.find(url).keys() == files(folder)
    assert is_complete(url, {})


def test_a_late_renewal_is_not_overlooked(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Lease(url, tmp_path / "slow")
    silences_s = iter([lease.LEASE_TTL_S, 1.0])
    monkeypatch.setattr(s3_objects, "age_s", lambda _: next(silences_s))

    with pytest.raises(storage.Busy) as held:
        Lease(url, tmp_path / "hasty")

    assert held.value.code == "lease.held"
    assert " 1 s ago" in str(held.value)
    assert storage.list_folder(url) == [".lease-1"]
    slow.renew()


def test_a_leases_age_is_by_the_servers_clock(url: str, tmp_path: Path) -> None:
    mine = Lease(url, tmp_path / "lease")
    time.sleep(1.1)
    before_s = s3_objects.age_s(f"{url}/.lease-1")

    def renewed_age_s() -> float:
        mine.renew()
        return s3_objects.age_s(f"{url}/.lease-1")

    assert before_s >= 1
    assert any(renewed_age_s() < before_s for _ in range(30))  # ages are whole seconds, and a busy machine takes some
    mine.release()
    assert storage.list_folder(url) == []
    assert list(tmp_path.iterdir()) == []


def test_a_lease_whose_age_is_unknown_is_not_taken_over(s3: S3, url: str, folder: Path, tmp_path: Path) -> None:
    Lease(url, tmp_path / "other")
    s3.proxy.strip_date = True
    with pytest.raises(storage.StorageError, match="Date header"):
        upload(folder, url, tmp_path / "mine")
    assert storage.list_folder(url) == [".lease-1"]


def test_a_server_that_gives_a_lease_to_several_is_refused_before_anything_is_sent(
    s3: S3, url: str, folder: Path, tmp_path: Path
) -> None:
    s3.proxy.ignore_conditions = True
    with pytest.raises(storage.ConditionalPutIgnored):
        check_writable("publish_url", f"{s3.bucket}/datasets")
    with pytest.raises(storage.ConditionalPutIgnored):
        upload(folder, url, tmp_path)
    assert sent(s3) == storage.list_folder(s3.bucket) == []


def test_a_bucket_that_cannot_be_written_is_told_before_anything_is_made(s3: S3) -> None:
    check_writable("publish_url", f"{s3.bucket}/datasets")
    s3.proxy.answer(403, "AccessDenied", methods=("PUT",))
    with pytest.raises(storage.Denied, match=r"may not write \(s3:PutObject\) here"):
        check_writable("publish_url", f"{s3.bucket}/datasets")
    assert storage.list_folder(s3.bucket) == []


def test_a_publisher_that_slept_before_a_renewal_unpublishes_nothing(
    url: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It renews its lease after another one has taken over, published and gone."""
    write, slept = storage.write_bytes, []

    def sleep_first(place: str, content: bytes) -> None:
        if place.endswith(".lease-1") and len(slept) == 1:
            slept.append("now")
            storage.remove_tree(place)  # as who takes over leaves it in the end
            assert upload(folder, url, tmp_path / "b")
        elif place.endswith(".lease-1"):
            slept.append("renewal")
        write(place, content)

    monkeypatch.setattr(storage, "write_bytes", sleep_first)
    assert not upload(folder, url, tmp_path / "a")
    assert is_complete(url, {})
    assert storage.find(url).keys() == files(folder)


def test_a_lease_that_was_left_in_a_published_version_is_released(url: str, folder: Path, tmp_path: Path) -> None:
    Lease(url, tmp_path / "a" / commit.LEASE_FILE)
    for path in files(folder):
        storage.write_bytes(f"{url}/{path}", (folder / path).read_bytes())
    commit.release_stale_lease(url, tmp_path / "another machine")
    assert f"{url}/.lease-1".rpartition("/")[2] in storage.list_folder(url)
    commit.release_stale_lease(url, tmp_path / "a")
    assert storage.find(url).keys() == files(folder)


def test_leases_that_come_and_go_end_in_an_error(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that lists a lease it cannot return: no endless loop, no recursion error."""
    monkeypatch.setattr(storage, "list_folder", lambda _: [".lease-1"])
    with pytest.raises(storage.Changed) as unreadable:
        Lease(url, tmp_path / "lease")
    assert unreadable.value.code == "lease.unreadable"
