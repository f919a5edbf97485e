"""Conditioning images and videos: whole, small enough, and only from where they may come from."""

import hashlib
import os
import struct
import unicodedata
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from its_core import video
from its_core.clip import Geometry
from its_core.scenarios.manifest import input_files
from its_core.scenarios.manifest.input_files import MAX_BYTES, Input, InputChecker, Unusable
from tests.scenarios.manifest.manifests import read, row, write
from tests.scenarios.manifest.pictures import picture


def clip(path: Path, noisy: bool = False) -> Path:
    geometry = Geometry(128, 72, 10, 21)
    chance = np.random.default_rng(0)
    frames = (chance.integers(0, 256 if noisy else 1, (72, 128, 3), dtype=np.uint8) for _ in range(geometry.frames))
    video.write_mp4(path, frames, geometry)
    return path


def png_header(path: Path, width: int, height: int) -> Path:
    """A PNG that promises ``width`` × ``height`` pixels in a few bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 1000)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b""))
    return path


def check(folder: Path, given: str, allowed: list[str] | None = None) -> Input | Unusable:
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


def cover(path: Path, share: float = 0.7) -> None:
    """Zeros over a part of a file, as a camera's card leaves them; longer than a frame, so one lacks its start."""
    content = bytearray(path.read_bytes())
    start = int(len(content) * share)
    content[start : start + 6000] = bytes(min(6000, len(content) - start))
    path.write_bytes(content)


# A name, what makes the file, and the code of the row's fault.
BROKEN = {
    "missing": ("a.png", str, "input.missing"),
    "folder": ("a.png", Path.mkdir, "input.missing"),
    "pipe": ("a.png", os.mkfifo, "input.missing"),
    "empty": ("a.png", lambda path: path.write_bytes(b""), "input.empty"),
    "no image": ("a.jpg", lambda path: path.write_text("hello"), "input.unreadable"),
    "another kind of image": (
        "a.png",
        lambda path: Image.new("RGB", (99, 99)).save(path, "BMP"),
        "input.unreadable",
    ),
    "cut png": ("a.png", lambda path: cut(picture(path), 0.6), "input.unreadable"),
    "cut jpg": ("a.jpg", lambda path: cut(picture(path), 0.6), "input.unreadable"),
    "cut webp": ("a.webp", lambda path: cut(picture(path), 0.6), "input.unreadable"),
    "a bit flipped": ("a.png", lambda path: flip(picture(path), 5000), "input.unreadable"),
    "too many pixels": ("a.png", lambda path: png_header(path, 10_000, 6_401), "input.size"),
    "a bomb": ("a.png", lambda path: png_header(path, 60_000, 60_000), "input.size"),
    "a dot": ("a.png", lambda path: picture(path, (63, 64)), "input.size"),
    "a sliver": ("a.png", lambda path: picture(path, (1000, 100)), "input.size"),
    "wrong ending": ("a.gif", picture, "input.type"),
    "no ending": ("a", lambda path: path.write_bytes(b"x"), "input.type"),
    "no video": ("a.mp4", lambda path: path.write_text("hello"), "input.unreadable"),
    "cut video": ("a.mp4", lambda path: cut(clip(path), 0.3), "input.unreadable"),
    "video cut at its end": ("a.mp4", lambda path: cut(clip(path, noisy=True), 0.8), "input.cut_off"),
    "video with a hole": ("a.mp4", lambda path: cover(clip(path, noisy=True)), "input.unreadable"),
    "an image called video": (
        "a.mp4",
        lambda path: path.write_bytes(picture(path.with_suffix(".png")).read_bytes()),
        "input.unreadable",
    ),
    "a playlist called video": ("a.mp4", playlist, "input.unreadable"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_input_costs_its_own_row(tmp_path, case):
    name, make, code = BROKEN[case]
    make(tmp_path / name)
    path = write(tmp_path / "m.parquet", [row("a", input_image=name), row("b")])
    scenarios, (rejection,) = read(path, tmp_path)
    assert [each.scenario_id for each in scenarios] == ["b"]
    assert (rejection.row, rejection.code, rejection.column, rejection.value) == (0, code, "input_image", name)
    assert str(tmp_path) not in rejection.reason and "\n" not in rejection.reason


def test_a_large_file_is_not_opened(tmp_path):
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(MAX_BYTES + 2**20)
    found = check(tmp_path, "a.png")
    assert found.code == "input.size" and "51.0 MiB" in found.reason


@pytest.mark.parametrize("given", ["../outside.png", "{outside}", "file://{outside}", "link.png", "linked/outside.png"])
def test_nothing_is_read_from_outside(tmp_path, given):
    outside = picture(tmp_path / "outside.png")
    dataset = tmp_path / "dataset"
    dataset.mkdir()
    (dataset / "link.png").symlink_to(outside)
    (dataset / "linked").symlink_to(tmp_path)
    assert check(dataset, given.format(outside=outside)).code == "input.outside"
    assert isinstance(check(dataset, given.format(outside=outside), [str(dataset), str(tmp_path)]), Input)


def test_what_lies_outside_is_not_even_told_to_exist(tmp_path):
    dataset = tmp_path / "dataset"
    dataset.mkdir()
    picture(tmp_path / "there.png")
    assert check(dataset, "../there.png") == check(dataset, "../missing.png")


def test_reasons_are_the_same_wherever_the_checkout_lies(tmp_path):
    """They are published, and the version's name depends on them."""
    found = []
    for home in ("alice", "bob/deep/er"):
        dataset = tmp_path / home / "dataset"
        dataset.mkdir(parents=True)
        (tmp_path / home / "share").mkdir()
        picture(tmp_path / home / "share" / "a.png")
        (dataset / "frames").symlink_to("../share")
        (dataset / "broken.png").write_text("hello")
        (dataset / "broken.mp4").write_text("hello")
        cut(picture(dataset / "cut.jpg"), 0.6)
        (dataset / "loop.png").symlink_to("loop.png")
        names = ["frames/a.png", "../share/a.png", "broken.png", "broken.mp4", "cut.jpg", "none.png", "loop.png"]
        found.append([check(dataset, name) for name in names])
        assert not any(home.partition("/")[0] in each.reason for each in found[-1])
    assert found[0] == found[1]


def test_a_link_that_leads_outside_says_where(tmp_path):
    (tmp_path / "nas").mkdir()
    (tmp_path / "dataset").mkdir()
    picture(tmp_path / "nas" / "a.png")
    (tmp_path / "dataset" / "frames").symlink_to(tmp_path / "nas")
    found = check(tmp_path / "dataset", "frames/a.png")
    assert found.code == "input.outside" and "…/nas" in found.reason and "allowed_inputs" in found.reason


def test_a_blank_at_the_end_is_shown(tmp_path):
    picture(tmp_path / "a.png")
    found = check(tmp_path, "a.png ")
    assert found.code == "input.type" or "'a.png '" in found.reason
    picture(tmp_path / "b.png")
    (tmp_path / "b.png").rename(tmp_path / "b .png")
    assert isinstance(check(tmp_path, "b .png"), Input)


@pytest.mark.parametrize("stored", ["NFC", "NFD"])
@pytest.mark.parametrize("written", ["NFC", "NFD"])
def test_a_name_is_found_in_any_unicode_form(tmp_path, stored, written):
    name = "Kreuzung Süd/à côté.jpg"
    folder, _, last = name.partition("/")
    path = tmp_path / unicodedata.normalize(stored, folder) / unicodedata.normalize("NFC", last)
    picture(path)
    assert check(tmp_path, unicodedata.normalize(written, name)).path == str(path)


def test_a_link_inside_is_followed(tmp_path):
    path = picture(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to(path)
    assert check(tmp_path, "b.png") == check(tmp_path, "a.png")


@pytest.mark.parametrize("url", ["https://host/a.png", "gs://bucket/a.png", "s3a://bucket/a.png"])
def test_other_places_are_refused(tmp_path, url):
    assert check(tmp_path, url).code == "input.outside"


@pytest.mark.parametrize(
    "url",
    ["s3://other/a.png", "s3://bucket/framesque/a.png", "s3://bucket/frames/../a.png", "s3://bucket/frames//a.png"],
)
def test_other_prefixes_are_refused_without_asking_the_server(tmp_path, url):
    assert check(tmp_path, url, ["s3://bucket/frames/"]).code == "input.outside"


def test_each_distinct_image_is_opened_once(tmp_path, monkeypatch):
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png", (320, 180))
    (tmp_path / "bad.png").write_text("hello")
    opened = []
    decode = input_files.check_picture
    monkeypatch.setattr(input_files, "check_picture", lambda path: (opened.append(path.name), decode(path)))
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
    read(write(tmp_path / "m.parquet", rows), tmp_path, unsupported=lambda _, has_input: heard.append(has_input))
    assert heard == [True, False]
