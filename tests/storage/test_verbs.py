"""Storage: writes are whole or absent, locks are let go of when their holder dies."""

import os
import subprocess
import sys

import pytest

from its_core import storage


def test_a_replaced_file_is_whole_or_as_it_was(tmp_path):
    path = tmp_path / "deep" / "file.txt"
    storage.write_bytes(str(path), b"old")
    with pytest.raises(RuntimeError), storage.replacing(path) as part:
        part.write_bytes(b"half")
        raise RuntimeError
    assert path.read_bytes() == b"old"
    with storage.replacing(path) as part:
        part.write_bytes(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert [entry.name for entry in path.parent.iterdir()] == ["file.txt"]


def test_nobody_else_can_put_a_link_where_a_file_is_being_written(tmp_path):
    tmp_path.chmod(0o777)
    before = os.umask(0)
    try:
        with storage.replacing(tmp_path / "clip.mp4") as part:
            assert part.parent.parent == tmp_path
            assert part.parent.stat().st_mode & 0o777 == 0o700
            part.write_bytes(b"clip")
    finally:
        os.umask(before)
    assert [entry.name for entry in tmp_path.iterdir()] == ["clip.mp4"]


def test_links_share_bytes_and_survive_their_source(tmp_path):
    source = tmp_path / "a"
    source.write_bytes(b"clip")
    storage.upload(source, str(tmp_path / "b" / "c"))
    assert (tmp_path / "b" / "c").samefile(source)
    source.unlink()
    assert (tmp_path / "b" / "c").read_bytes() == b"clip"


def test_a_download_shares_nothing_with_its_source(tmp_path):
    source = tmp_path / "a"
    source.write_bytes(b"manifest")
    storage.download(f"file://{source}", tmp_path / "b" / "c")
    source.write_bytes(b"changed")
    assert storage.read_bytes(str(tmp_path / "b" / "c")) == b"manifest"


def test_removing_a_tree_follows_no_link(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    (tmp_path / "tree" / "deep").mkdir(parents=True)
    (tmp_path / "tree" / "link").symlink_to(tmp_path / "kept")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    for name in ("tree", "link", "nothing"):
        storage.remove_tree(str(tmp_path / name))
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert storage.exists(str(tmp_path / "kept" / "file"))


def test_folder_listing(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "a.txt").touch()
    assert storage.list_folder(str(tmp_path)) == ["a.txt", "b"]
    assert storage.list_folder(str(tmp_path / "nothing")) == []


def test_a_lock_names_its_holder_and_ends_with_it(tmp_path):
    path = tmp_path / "lock"
    code = (
        "import sys, time; from pathlib import Path; from its_core import storage\n"
        "with storage.exclusive(Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(600)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        named = f"{holder.pid} on {os.uname().nodename}"
        with pytest.raises(storage.Busy, match=f"is held by process {named}: wait"), storage.exclusive(path):
            pass
        assert storage.holder(path) == named
    finally:
        holder.kill()
        holder.wait()
    with storage.exclusive(path):
        pass
