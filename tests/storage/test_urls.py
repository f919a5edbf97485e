"""URLs mean what RFC 8089 and the S3 tools say, whoever wrote them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from its_core import storage


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("/a/b", "/a/b"),
        ("a/b", "a/b"),
        ("/a%20b", "/a%20b"),  # a path, not a URL
        ("file:///a/b", "/a/b"),
        ("FILE:///a/b", "/a/b"),
        ("file://localhost/a/b", "/a/b"),
        ("file:/a/b", "/a/b"),
        ("file:///a%20b/%C3%BC.png", "/a b/ü.png"),
        ("file:///a?b#c", "/a?b#c"),
        ("file:name", "file:name"),
    ],
)
def test_local_urls(url, path):
    assert storage.local_path(url) == Path(path)
    assert storage.can_rename(url)


@pytest.mark.parametrize("url", ["s3://bucket/a", "https://host/a", "file://server/share/a"])
def test_what_is_not_on_this_disk(url):
    with pytest.raises(storage.UnusableUrl):
        storage.local_path(url)


@given(st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1).map(lambda name: Path("/", name)))
def test_a_path_survives_being_written_as_a_url(path):
    assert storage.local_path(path.as_uri()) == path


def test_join_and_split_keep_schemes_and_roots():
    assert storage.join("s3://bucket/x/", "y", "z.txt") == "s3://bucket/x/y/z.txt"
    assert storage.join("/", "a") == "/a"
    assert storage.split("s3://bucket/x/y/") == ("s3://bucket/x", "y")
    assert [storage.split(path) for path in ("/a", "a", "b/a")] == [("/", "a"), (".", "a"), ("b", "a")]


def test_resolved_urls_are_absolute():
    assert storage.resolve("S3://Bucket/Key", Path("/base")) == "s3://Bucket/Key"
    assert storage.resolve("file:///a%20b", Path("/base")) == "/a b"
    assert storage.resolve("a/../b", Path("/base")) == "/base/b"
    assert storage.is_absolute("file:/a") and storage.is_absolute("s3://b/a") and not storage.is_absolute("a/b")


@pytest.mark.parametrize(
    ("folder", "url", "inside"),
    [
        ("s3://bucket", "s3://bucket/a", True),
        ("s3://bucket/frames", "s3://bucket/frames/a", True),
        ("s3://bucket/frames/", "s3://bucket/framesque/a", False),
        ("s3://bucket/frames", "s3://bucket/frames/../a", False),
        ("s3://bucket/frames", "s3://bucket/frames//a", False),
        ("s3://bucket", "/bucket/a", False),
        ("/", "s3://bucket/a", False),
    ],
)
def test_what_lies_in_a_folder(folder, url, inside):
    assert storage.contains(folder, url) is inside


def test_links_lead_out_of_a_folder(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "outside")
    (tmp_path / "to the folder").symlink_to(folder)
    assert not storage.contains(str(folder), f"{folder}/link")
    assert storage.contains(str(folder), f"file://{tmp_path}/to%20the%20folder/a")
