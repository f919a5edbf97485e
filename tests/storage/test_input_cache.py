"""Inputs from S3 are on this machine once: whole, current, and no more of them than the limit allows."""

import errno
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from its_core import storage
from its_core.storage.input_cache import CacheFull, InputCache, of_this_machine

FETCH = """
import sys
from pathlib import Path
from its_core.storage.input_cache import InputCache
cache = InputCache(Path(sys.argv[1]), int(sys.argv[2]))
print(cache.fetch(sys.argv[3]).read_bytes().decode(), flush=True)
"""
THEN_WAIT = "sys.stdin.read()"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache"


def start(code, *arguments):
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def objects(folder):
    return sorted(path.read_bytes() for path in (folder / "objects").rglob("*") if path.is_file())


def test_an_input_is_fetched_once_until_it_changes(s3, folder):
    url = f"{s3.bucket}/frame.PNG"
    storage.write_bytes(url, b"old")
    with InputCache(folder, 100) as cache, InputCache(folder, 100) as other:
        path = cache.fetch(url)
        assert (path.read_bytes(), path.suffix) == (b"old", ".png")
        assert cache.fetch(url) == other.fetch(url) == path
        assert s3.proxy.count("GET") == 1
        storage.write_bytes(url, b"new")
        assert other.fetch(url).read_bytes() == b"new"
        assert path.read_bytes() == b"old"  # still in use
    assert s3.proxy.count("GET") == 2


def test_local_inputs_stay_where_they_are(folder, tmp_path):
    with InputCache(folder, 0) as cache:
        assert cache.fetch(str(tmp_path / "x.png")) == cache.fetch(f"file://{tmp_path}/x.png") == tmp_path / "x.png"


def test_threads_and_processes_fetch_together_but_once(s3, folder):
    url = f"{s3.bucket}/checkpoint.pt"
    storage.write_bytes(url, b"weights")
    asked = s3.proxy.delay(0.5, methods=("GET",))
    processes = [start(FETCH, folder, 100, url) for _ in range(2)]
    assert asked.wait(60)
    with InputCache(folder, 100) as cache, ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(cache.fetch, [url] * 8))
        assert [process.communicate()[0] for process in processes] == ["weights\n"] * 2
        assert [path.read_bytes() for path in paths] == [b"weights"] * 8
    assert s3.proxy.count("GET") == 1


def test_the_longest_unused_make_room(s3, folder):
    for name in "abcde":
        storage.write_bytes(f"{s3.bucket}/{name}", name.encode() * 100)
    for number, name in enumerate("abc"):
        with InputCache(folder, 300) as cache:
            os.utime(cache.fetch(f"{s3.bucket}/{name}"), (number, number))
    with InputCache(folder, 300) as cache:
        cache.fetch(f"{s3.bucket}/a")  # now b and c are the longest unused
    with InputCache(folder, 300) as cache:
        cache.fetch(f"{s3.bucket}/d")
        assert objects(folder) == [b"a" * 100, b"d" * 100]
        cache.fetch(f"{s3.bucket}/a")
        cache.fetch(f"{s3.bucket}/e")
        assert objects(folder) == [b"a" * 100, b"d" * 100, b"e" * 100]


def test_what_another_process_uses_is_kept_until_it_ends(s3, folder):
    for name in "ab":
        storage.write_bytes(f"{s3.bucket}/{name}", name.encode() * 100)
    user = start(FETCH + THEN_WAIT, folder, 150, f"{s3.bucket}/a")
    try:
        assert user.stdout.readline() == "a" * 100 + "\n"
        with InputCache(folder, 150) as cache:
            with pytest.raises(CacheFull, match=r"/b: its 100 bytes do not fit beside 100 bytes in use .* raise the"):
                cache.fetch(f"{s3.bucket}/b")
            assert objects(folder) == [b"a" * 100]
            user.kill()
            user.wait()
            cache.fetch(f"{s3.bucket}/b")
            assert objects(folder) == [b"b" * 100]
    finally:
        user.kill()
        user.communicate()


def test_what_can_never_fit_removes_nothing(s3, folder):
    storage.write_bytes(f"{s3.bucket}/a", b"a")
    storage.write_bytes(f"{s3.bucket}/large", bytes(101))
    with InputCache(folder, 100) as cache:
        cache.fetch(f"{s3.bucket}/a")
    with InputCache(folder, 100) as cache:
        with pytest.raises(CacheFull, match="its 101 bytes do not fit beside 0 bytes in use under the limit of 100"):
            cache.fetch(f"{s3.bucket}/large")
        assert objects(folder) == [b"a"]


@pytest.mark.parametrize("limit_bytes", [100, 1000])
def test_a_killed_fetch_leaves_nothing_that_counts(s3, folder, limit_bytes):
    url = f"{s3.bucket}/x"
    storage.write_bytes(url, b"x" * 80)
    asked = s3.proxy.delay(600, methods=("GET",))
    killed = start(FETCH, folder, limit_bytes, url)
    assert asked.wait(60)
    killed.kill()
    killed.communicate()
    assert [path.name[0] for path in (folder / "objects").iterdir()] == ["."]
    with InputCache(folder, limit_bytes) as cache:
        assert cache.fetch(url).read_bytes() == b"x" * 80
        assert objects(folder) == [b"x" * 80]


def test_a_fetch_that_fails_gives_its_room_back(s3, folder):
    for name in "ab":
        storage.write_bytes(f"{s3.bucket}/{name}", name.encode() * 80)
    with InputCache(folder, 100) as cache:
        s3.proxy.corrupt(methods=("GET",))
        with pytest.raises(storage.Damaged):
            cache.fetch(f"{s3.bucket}/a")
        assert objects(folder) == []
        assert cache.fetch(f"{s3.bucket}/b").read_bytes() == b"b" * 80


def test_a_full_disk_is_told_and_leaves_nothing_half(s3, folder):
    url = f"{s3.bucket}/x"
    storage.write_bytes(url, b"x" * 100_000)
    limited = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n" + FETCH
    full = start(limited, folder, 10**6, url)
    _, told = full.communicate()
    assert f"DiskFull: {url}: does not fit into {folder / 'objects'} (File too large): make room and run again" in told
    assert objects(folder) == []
    assert s3.proxy.count("GET") == 0  # it was known before anything was fetched
    with InputCache(folder, 10**6) as cache:
        assert cache.fetch(url).stat().st_size == 100_000


@pytest.fixture
def small_disk(folder, monkeypatch):
    """The cache's disk has room for 250 bytes of objects, less what ``small_disk["others"]`` says."""
    taken = {"others": 0}

    def free():
        return 250 - taken["others"] - sum(map(len, objects(folder)))

    def reserve(descriptor, _offset, size_bytes):
        if size_bytes > free():
            raise OSError(errno.ENOSPC, "No space left on device")
        os.truncate(descriptor, size_bytes)

    monkeypatch.setattr(os, "posix_fallocate", reserve)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=10**9, free=free()))
    return taken


def test_what_nobody_uses_makes_room_on_a_full_disk(s3, folder, small_disk):
    for name in "abc":
        storage.write_bytes(f"{s3.bucket}/{name}", name.encode() * 100)
    for number, name in enumerate("ab"):
        with InputCache(folder, 10**6) as cache:
            os.utime(cache.fetch(f"{s3.bucket}/{name}"), (number, number))
    with InputCache(folder, 10**6) as cache:
        assert cache.fetch(f"{s3.bucket}/c").read_bytes() == b"c" * 100
        assert objects(folder) == [b"b" * 100, b"c" * 100]  # the longest unused went
        small_disk["others"] = 200
        with pytest.raises(storage.DiskFull):
            cache.fetch(f"{s3.bucket}/a")
        assert objects(folder) == [b"c" * 100]  # in use
        small_disk["others"] = 0
        assert cache.fetch(f"{s3.bucket}/a").read_bytes() == b"a" * 100


def test_without_an_answer_a_kept_copy_is_not_used(s3, folder):
    storage.write_bytes(f"{s3.bucket}/a", b"a")
    with InputCache(folder, 100) as cache:
        cache.fetch(f"{s3.bucket}/a")
        s3.proxy.drop(times=1000)
        with pytest.raises(storage.Unreachable, match=r"/a: .*; the copy kept here may be out of date"):
            cache.fetch(f"{s3.bucket}/a")
        with pytest.raises(storage.Unreachable, match=r"\(ConnectionClosedError\)$"):
            cache.fetch(f"{s3.bucket}/b")


def test_a_machine_has_one_cache_where_its_user_keeps_such_things(s3, tmp_path, monkeypatch):
    storage.write_bytes(f"{s3.bucket}/x", b"x")
    for name in ("ITS_CACHE", "ITS_CACHE_BYTES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    with of_this_machine() as cache:
        cache.fetch(f"{s3.bucket}/x")
        assert len(list((tmp_path / "xdg" / "its-accident-factory" / "sessions").iterdir())) == 1
    monkeypatch.setenv("ITS_CACHE", str(tmp_path / "own"))
    with of_this_machine() as cache, of_this_machine() as other:
        assert cache.fetch(f"{s3.bucket}/x") == other.fetch(f"{s3.bucket}/x")
        assert len(list((tmp_path / "own" / "sessions").iterdir())) == 2


def test_local_inputs_need_no_cache(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("ITS_CACHE", str(tmp_path / "file" / "cache"))
    with of_this_machine() as cache:
        assert cache.fetch(f"file://localhost{tmp_path}/file") == tmp_path / "file"
        assert cache.fetch_into(str(tmp_path / "file"), tmp_path / "inputs") == tmp_path / "file"
        assert cache.fetch_below(str(tmp_path), "file") == tmp_path
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_cache_that_cannot_be_used_ends_in_a_line(s3, tmp_path, monkeypatch):
    storage.write_bytes(f"{s3.bucket}/x", b"x")
    (tmp_path / "file").touch()
    monkeypatch.setenv("ITS_CACHE", str(tmp_path / "file" / "cache"))
    with of_this_machine() as cache, pytest.raises(storage.StorageError) as refused:
        cache.fetch(f"{s3.bucket}/x")
    assert refused.value.code == "storage.cache"
    assert str(tmp_path / "file" / "cache") in str(refused.value)
    monkeypatch.setenv("ITS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ITS_CACHE_BYTES", "200 GB")
    with pytest.raises(storage.StorageError) as refused:
        of_this_machine()
    assert refused.value.code == "storage.cache"
    assert "'200 GB'" in str(refused.value)


def test_parts_of_a_place_are_laid_out_as_there_until_the_cache_is_closed(s3, folder):
    for name in ("model/a.bin", "model/deep/b.json", "other/c.bin", "model-2/d.bin"):
        storage.write_bytes(f"{s3.bucket}/root/{name}", name.encode())
    with InputCache(folder, 1000) as cache:
        root = cache.fetch_below(f"{s3.bucket}/root", "model")
        assert cache.fetch_below(f"{s3.bucket}/root", "other/c.bin") == root
        found = {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*") if path.is_file()}
        assert found == {name: name for name in ("model/a.bin", "model/deep/b.json", "other/c.bin")}
        storage.write_bytes(f"{s3.bucket}/root/other/c.bin", b"new")
        cache.fetch_below(f"{s3.bucket}/root", "other")
        assert (root / "other" / "c.bin").read_text() == "new"
        with pytest.raises(storage.NotThere):
            cache.fetch_below(f"{s3.bucket}/root", "mod")
    assert not root.exists()


def test_inputs_are_used_let_go_and_removed_all_at_once(s3, folder):
    urls = [f"{s3.bucket}/{number}" for number in range(40)]
    for url in urls:
        storage.write_bytes(url, url[-2:].encode() * 50)

    def fetch(url):
        for _ in range(10):
            InputCache(folder, 500).close()
        with InputCache(folder, 500) as cache:
            return cache.fetch(url).read_bytes()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(fetch, urls)) == [url[-2:].encode() * 50 for url in urls]
    assert len(objects(folder)) <= 5
    assert list((folder / "sessions").iterdir()) == []


def test_a_cache_that_was_removed_can_be_closed(s3, folder):
    storage.write_bytes(f"{s3.bucket}/x", b"x")
    with InputCache(folder, 100) as cache:
        cache.fetch(f"{s3.bucket}/x")
        shutil.rmtree(folder)
