"""Conditioning images and videos: whole, small enough, and only from where they may come from."""

import hashlib
import os
import struct
import zlib
from itertools import repeat
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from its_core import video
from its_core.clip import Geometry
from its_core.scenarios.manifest import images
from its_core.scenarios.manifest.images import Input, InputChecker
from tests.scenarios.manifest.manifests import read, row, write
from tests.scenarios.manifest.pictures import picture


def clip(path: Path) -> Path:
    geometry = Geometry(128, 72, 10, 5)
    video.write_mp4(path, iter(list(repeat(np.zeros((72, 128, 3), np.uint8), 5))), geometry)
    return path


def png_header(path: Path, width: int, height: int) -> Path:
    """A PNG that promises ``width`` × ``height`` pixels in a few bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 1000)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b""))
    return path


def check(folder: Path, given: str, allowed: list[str] | None = None) -> Input | str:
    checker = InputChecker(str(folder), [str(folder)] if allowed is None else allowed, folder / "cache")
    return checker.check([given])[given]


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.JPEG", "a.webp", "deep/er/a.png"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_good_image_is_found_with_its_digest(tmp_path, name, mode):
    path = picture(tmp_path / name, mode=mode)
    assert check(tmp_path, name) == Input(str(path), hashlib.sha256(path.read_bytes()).hexdigest())
    assert check(tmp_path, str(path)) == check(tmp_path, f"file://{path}") == check(tmp_path, name)


def test_a_good_video_is_found(tmp_path):
    path = clip(tmp_path / "a.mp4")
    assert check(tmp_path, "a.mp4") == Input(str(path), hashlib.sha256(path.read_bytes()).hexdigest())


def cut(path: Path, share: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def playlist(path: Path) -> None:
    secret = path.with_name("secret.ts")
    secret.write_bytes(b"G" * 188)
    path.write_text(f"#EXTM3U\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n")


BROKEN = {
    "missing": ("a.png", str, "does not exist"),
    "folder": ("a.png", Path.mkdir, "is not a regular file"),
    "pipe": ("a.png", os.mkfifo, "is not a regular file"),
    "empty": ("a.png", lambda path: path.write_bytes(b""), "is empty"),
    "no image": ("a.jpg", lambda path: path.write_text("hello"), "is not a PNG, JPEG or WebP image"),
    "another kind of image": (
        "a.png",
        lambda path: Image.new("RGB", (99, 99)).save(path, "BMP"),
        "is not a PNG, JPEG or WebP image",
    ),
    "cut png": ("a.png", lambda path: cut(picture(path), 0.6), "cannot be decoded as image ("),
    "cut jpg": ("a.jpg", lambda path: cut(picture(path), 0.6), "cannot be decoded as image ("),
    "cut webp": ("a.webp", lambda path: cut(picture(path), 0.6), "cannot be decoded as image ("),
    "a bit flipped": (
        "a.png",
        lambda path: flip(picture(path), 5000),
        "cannot be decoded as image (",
    ),
    "too many pixels": (
        "a.png",
        lambda path: png_header(path, 10_000, 6_401),
        "is 10000×6401 pixels; at most 64 megapixels are read",
    ),
    "a bomb": (
        "a.png",
        lambda path: png_header(path, 60_000, 60_000),
        "cannot be decoded as image (Image size (3600000000 pixels) exceeds limit",
    ),
    "a dot": ("a.png", lambda path: picture(path, (63, 64)), "is 63×64 pixels; each side needs 64 at least"),
    "a sliver": (
        "a.png",
        lambda path: picture(path, (1000, 100)),
        "is 1000×100 pixels; one side may be 8 times the other at most",
    ),
    "wrong ending": ("a.gif", picture, "is a .gif; use png, jpg, jpeg, webp or mp4"),
    "no ending": (
        "a",
        lambda path: path.write_bytes(b"x"),
        "is a file without ending; use png, jpg, jpeg, webp or mp4",
    ),
    "no video": ("a.mp4", lambda path: path.write_text("hello"), "cannot be decoded as video ("),
    "cut video": ("a.mp4", lambda path: cut(clip(path), 0.3), "cannot be decoded as video ("),
    "an image called video": (
        "a.mp4",
        lambda path: path.write_bytes(picture(path.with_suffix(".png")).read_bytes()),
        "cannot be decoded as video (",
    ),
    "a playlist called video": ("a.mp4", playlist, "cannot be decoded as video ("),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_input_is_rejected_and_says_why(tmp_path, case):
    name, make, reason = BROKEN[case]
    make(tmp_path / name)
    path = write(tmp_path / "m.parquet", [row("a", input_image=name), row("b")])
    scenarios, (rejection,) = read(path, tmp_path)
    assert [each.scenario_id for each in scenarios] == ["b"]
    assert (rejection.row, rejection.column, rejection.value) == (0, "input_image", name)
    assert reason in rejection.reason


def test_a_large_file_is_not_opened(tmp_path):
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(images.MAX_BYTES + 2**20)
    assert check(tmp_path, "a.png") == "has 51.0 MiB; at most 50 are read"


@pytest.mark.parametrize("given", ["../outside.png", "{outside}", "file://{outside}", "link.png", "linked/outside.png"])
def test_nothing_is_read_from_outside(tmp_path, given):
    outside = picture(tmp_path / "outside.png")
    dataset = tmp_path / "dataset"
    dataset.mkdir()
    (dataset / "link.png").symlink_to(outside)
    (dataset / "linked").symlink_to(tmp_path)
    reason = check(dataset, given.format(outside=outside))
    assert reason == f"lies outside the allowed inputs ({dataset}); move it there or allow its place"
    assert isinstance(check(dataset, given.format(outside=outside), [str(dataset), str(tmp_path)]), Input)


def test_what_lies_outside_is_not_even_told_to_exist(tmp_path):
    dataset = tmp_path / "dataset"
    dataset.mkdir()
    picture(tmp_path / "there.png")
    assert check(dataset, "../there.png") == check(dataset, "../missing.png")


def test_a_link_inside_is_followed(tmp_path):
    path = picture(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to(path)
    assert check(tmp_path, "b.png") == check(tmp_path, "a.png")


def test_a_link_to_itself_is_rejected(tmp_path):
    (tmp_path / "a.png").symlink_to(tmp_path / "a.png")
    assert str(check(tmp_path, "a.png")).startswith("cannot be read (") or check(tmp_path, "a.png") == "does not exist"


@pytest.mark.parametrize("url", ["https://host/a.png", "gs://bucket/a.png", "s3a://bucket/a.png"])
def test_other_places_are_refused(tmp_path, url):
    assert "lies outside" in str(check(tmp_path, url))


@pytest.mark.parametrize("url", ["s3://other/a.png", "s3://bucket/framesque/a.png", "s3://bucket/frames/../a.png"])
def test_other_prefixes_are_refused_without_asking_the_server(tmp_path, url):
    reason = check(tmp_path, url, ["s3://bucket/frames/"])
    assert reason == "lies outside the allowed inputs (s3://bucket/frames/); move it there or allow its place"


def test_each_distinct_image_is_opened_once(tmp_path, monkeypatch):
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png", (320, 180))
    (tmp_path / "bad.png").write_text("hello")
    opened = []
    decode = images._decode_image
    monkeypatch.setattr(images, "_decode_image", lambda path: (opened.append(path.name), decode(path)))
    names = ["a.png", "b.png", "bad.png", None]
    rows = [row(f"s-{i}", input_image=names[i % 4]) for i in range(400)]
    scenarios, rejections = read(write(tmp_path / "m.parquet", rows), tmp_path, batch_rows=50)
    assert sorted(opened) == ["a.png", "b.png", "bad.png"]
    assert (len(scenarios), len(rejections)) == (300, 100)
    first, second, third, *_ = scenarios
    assert (first.input_image, first.input_path) == ("a.png", str(tmp_path / "a.png"))
    assert first.input_sha256 == hashlib.sha256((tmp_path / "a.png").read_bytes()).hexdigest() != second.input_sha256
    assert (third.input_image, third.input_path, third.input_sha256) == (None, None, None)


def test_the_engine_hears_of_the_image(tmp_path):
    picture(tmp_path / "a.png")
    heard = []
    rows = [row("a", input_image="a.png"), row("b")]
    read(write(tmp_path / "m.parquet", rows), tmp_path, refuses=lambda _, has_input: heard.append(has_input))
    assert heard == [True, False]
