"""What is removed from published text, and what is not taken for a path."""

from __future__ import annotations

import socket

import pytest

from its_core.dataset.privacy import without_local_paths


@pytest.mark.parametrize(
    ("text", "published"),
    [
        ("/home/alice/frames/x.png", "…/x.png"),
        ("lies outside of /srv/its/frames/, which is read", "lies outside of …/, which is read"),
        ("from file:///srv/published/a/b.mp4", "from …/b.mp4"),
        ("C:\\data\\frames\\x.png is missing", "…/x.png is missing"),
        ("s3://bucket/frames/x.png", "s3://bucket/frames/x.png"),
        ("https://example.org/a/b", "https://example.org/a/b"),
        ("frames/night/x.png", "frames/night/x.png"),
        ("3/4 of the clips, 16:9, and/or", "3/4 of the clips, 16:9, and/or"),
        ("/", "/"),
    ],
)
def test_text(text: str, published: str) -> None:
    assert without_local_paths(text) == published


def test_nested_values_and_the_host() -> None:
    value = {"a": ["/x/y/z", 3, None], "b": f"on {socket.gethostname()}:8265"}

    assert without_local_paths(value) == {"a": ["…/z", 3, None], "b": "on …:8265"}
