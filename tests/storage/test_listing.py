"""The same names are found on a disk and on S3."""

import hashlib
import os

import pytest

from its_core import storage


@pytest.fixture(params=["disk", "S3"])
def root(request, tmp_path):
    return str(tmp_path) if request.param == "disk" else request.getfixturevalue("s3").bucket


@pytest.fixture
def tree(root):
    for name in ("a.parquet", "._a.parquet", "x[1]/b.parquet", "x/y/c.parquet", "x/.old/d.parquet", "x/e.csv"):
        storage.write_bytes(f"{root}/{name}", name.encode())
    return root


def test_files_below_a_folder(tree):
    found = storage.find(tree)
    assert list(found) == ["._a.parquet", "a.parquet", "x/.old/d.parquet", "x/e.csv", "x/y/c.parquet", "x[1]/b.parquet"]
    assert {name: each.size_bytes for name, each in found.items()} == {name: len(name) for name in found}
    assert storage.find(f"{tree}/x/") == {k.removeprefix("x/"): v for k, v in found.items() if k.startswith("x/")}
    assert storage.find(f"{tree}/none") == {}
    assert storage.stat(f"{tree}/a.parquet") == found["a.parquet"]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.parquet", ["a.parquet"]),
        ("._*", ["._a.parquet"]),
        ("*/*.parquet", ["x[1]/b.parquet"]),
        ("**/*.parquet", ["a.parquet", "x/y/c.parquet", "x[1]/b.parquet"]),
        ("x/**", ["x/e.csv", "x/y/c.parquet"]),
        ("x?1?/[!a]*", ["x[1]/b.parquet"]),
        ("[w-y]/e.*", ["x/e.csv"]),
        ("*.PARQUET", []),
    ],
)
def test_patterns(tree, pattern, names):
    found = storage.glob(f"{tree}/{pattern}")
    assert list(found) == [f"{tree}/{name}" for name in names]
    assert [each.size_bytes for each in found.values()] == list(map(len, names))


def test_what_is_a_file_and_what_a_folder(tree):
    assert storage.is_folder(f"{tree}/x") and storage.is_folder(f"{tree}/x/")
    assert not storage.is_folder(f"{tree}/a.parquet") and not storage.is_folder(f"{tree}/none")
    for name in ("x", "none"):
        with pytest.raises(storage.NotThere):
            storage.stat(f"{tree}/{name}")


def test_content_of_any_url(tree):
    with storage.open_input(f"{tree}/x/e.csv") as file:
        file.seek(-4, os.SEEK_END)
        assert file.read() == b".csv"
        file.seek(0)
        assert file.read(1) == b"x"
        assert file.read() == b"/e.csv"
    assert storage.sha256(f"{tree}/x/e.csv") == hashlib.sha256(b"x/e.csv").hexdigest()
    assert storage.age_s(f"{tree}/x/e.csv") < 600


def test_etags_tell_contents_apart(tree):
    before = storage.stat(f"{tree}/a.parquet")
    assert storage.stat(f"{tree}/a.parquet") == before
    storage.write_bytes(f"{tree}/a.parquet", b"A.parquet")
    after = storage.stat(f"{tree}/a.parquet")
    assert after.size_bytes == before.size_bytes and after.etag != before.etag


def test_the_pattern_and_the_folder_before_it():
    assert storage.split_glob("/a/b*/c.parquet") == ("/a", "b*/c.parquet")
    assert storage.split_glob("s3://bucket/a/*.parquet") == ("s3://bucket/a", "*.parquet")
    assert storage.split_glob("*.parquet") == (".", "*.parquet")
    assert storage.split_glob("/*.parquet") == ("/", "*.parquet")


def test_links_to_folders_are_followed_once(tmp_path):
    (tmp_path / "data" / "part").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a").touch()
    (tmp_path / "data" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data" / "part" / "back").symlink_to(tmp_path / "data")
    assert list(storage.find(str(tmp_path / "data"))) == ["link/a"]


def test_a_bucket_is_no_object(s3):
    with pytest.raises(storage.NotThere):
        storage.stat(s3.bucket)
    assert storage.is_folder(s3.bucket)
    with pytest.raises(storage.NotThere):
        storage.find("s3://no-such-bucket/x")


def test_a_file_that_changes_while_it_is_read(s3):
    storage.write_bytes(f"{s3.bucket}/x", b"old")
    with storage.open_input(f"{s3.bucket}/x") as file:
        storage.write_bytes(f"{s3.bucket}/x", b"new")
        with pytest.raises(storage.Changed):
            file.read()
