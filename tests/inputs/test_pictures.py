"""A picture starts a clip as every viewer shows it: upright, in sRGB, in 8 bits, with square pixels."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from its_core import inputs
from its_core.inputs import UnusableInput, check_picture, read_picture

SIZE = (160, 96)
CORNERS = {"top left": (8, 8), "top right": (8, -8), "bottom left": (-8, 8), "bottom right": (-8, -8)}


def scene() -> Image.Image:
    """Red at the top left, blue at the bottom right, grey elsewhere."""
    pixels = np.full((SIZE[1], SIZE[0], 3), 120, np.uint8)
    pixels[:40, :60] = (220, 20, 20)
    pixels[-40:, -60:] = (20, 20, 220)
    return Image.fromarray(pixels)


def differs(found: np.ndarray, expected: Image.Image) -> float:
    assert found.shape == (expected.height, expected.width, 3)
    return float(np.abs(found.astype(int) - np.asarray(expected.convert("RGB"), int)).mean())


def png(path: Path, width: int, height: int, depth: int, kind: int, row: bytes, *chunks: tuple[bytes, bytes]) -> Path:
    """A PNG of equal rows; ``kind`` is PNG's colour type."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress((b"\0" + row) * height)), (b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts))
    return path


# EXIF 2.32, tag 0x0112: where the first row and column of what is stored belong.
STORED = {
    1: lambda shown: shown,
    2: lambda shown: shown.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    3: lambda shown: shown.transpose(Image.Transpose.ROTATE_180),
    4: lambda shown: shown.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    5: lambda shown: shown.transpose(Image.Transpose.TRANSPOSE),
    6: lambda shown: shown.transpose(Image.Transpose.ROTATE_90),
    7: lambda shown: shown.transpose(Image.Transpose.TRANSVERSE),
    8: lambda shown: shown.transpose(Image.Transpose.ROTATE_270),
}


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
@pytest.mark.parametrize("tag", STORED)
def test_a_picture_is_turned_as_its_exif_says(tmp_path, tag, suffix):
    exif = Image.Exif()
    exif[0x0112] = tag
    path = tmp_path / f"a.{suffix}"
    STORED[tag](scene()).save(path, exif=exif, quality=95)
    assert differs(read_picture(path), scene()) < 4
    check_picture(path)


def test_damaged_exif_says_nothing(tmp_path):
    scene().save(tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff", quality=95)
    assert differs(read_picture(tmp_path / "a.jpg"), scene()) < 4


@pytest.mark.parametrize("tag", [1, 3, 6])
def test_sixteen_bits_of_grey_are_scaled_to_eight(tmp_path, tag):
    exif = Image.Exif()
    exif[0x0112] = tag
    grey = np.asarray(scene().convert("L"))
    stored = STORED[tag](Image.fromarray(grey)) if tag > 1 else Image.fromarray(grey)
    Image.fromarray(np.asarray(stored).astype(np.uint16) * 257).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read_picture(tmp_path / "a.png"), np.repeat(grey[..., None], 3, axis=2))


@pytest.mark.parametrize(
    ("kind", "samples", "shown"),
    [
        (0, [20_000], 78),
        (2, [40_000, 20_000, 1_000], None),
        (4, [20_000, 65_535], 78),
        (6, [40_000, 20_000, 1_000, 65_535], None),
    ],
)
def test_sixteen_bits_of_any_kind(tmp_path, kind, samples, shown):
    path = png(tmp_path / "a.png", 64, 64, 16, kind, struct.pack(f">{len(samples)}H", *samples) * 64)
    expected = (shown,) * 3 if shown else (40_000 / 257, 20_000 / 257, 1_000 / 257)
    assert np.abs(read_picture(path)[5, 5] - np.array(expected)).max() <= 1


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_few_bits_of_grey_reach_white(tmp_path, depth):
    path = png(tmp_path / "a.png", 64, 64, depth, 0, b"\xff" * (64 * depth // 8))
    assert (read_picture(path) == 255).all()


def test_transparent_pixels_are_white_whatever_colour_they_hide(tmp_path):
    hiding = scene().convert("RGBA")
    hiding.putalpha(
        Image.fromarray(np.where(np.arange(SIZE[0]) < 60, 0, 255).astype(np.uint8)[None].repeat(SIZE[1], 0))
    )
    for suffix in ("png", "webp"):
        hiding.save(tmp_path / f"a.{suffix}", lossless=True)
        found = read_picture(tmp_path / f"a.{suffix}")
        assert (found[8, 8] == 255).all() and (found[-8, -8] == (20, 20, 220)).all()
    palette = Image.new("P", SIZE, 1)
    palette.putpalette([255, 0, 255, 10, 20, 30])
    palette.paste(0, (0, 0, 60, 40))
    palette.save(tmp_path / "p.png", transparency=0)
    found = read_picture(tmp_path / "p.png")
    assert (found[8, 8] == 255).all() and (found[-8, -8] == (10, 20, 30)).all()


def profile_of_swapped_colours() -> bytes:
    """An ICC profile in which the file's red channel is shown as blue."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    places = {}
    for entry in range(struct.unpack_from(">I", profile, 128)[0]):
        name, start, size = struct.unpack_from(">4sII", profile, 132 + 12 * entry)
        places[name] = (start, size)
    red, blue = places[b"rXYZ"], places[b"bXYZ"]
    first, second = (bytes(profile[start : start + size]) for start, size in (red, blue))
    profile[red[0] : red[0] + red[1]], profile[blue[0] : blue[0] + blue[1]] = second, first
    return bytes(profile).replace(b"s\0R\0G\0B", b"t\0e\0s\0t").replace(b"sRGB", b"test")


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_colours_are_those_of_the_embedded_profile(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    scene().save(path, icc_profile=profile_of_swapped_colours(), quality=95, lossless=True, subsampling=0)
    red, green, blue = scene().split()
    assert differs(read_picture(path), Image.merge("RGB", (blue, green, red))) < 4


@pytest.mark.parametrize("profile", [b"damaged", None])
def test_a_profile_that_says_nothing_changes_nothing(tmp_path, profile):
    profile = profile or ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    scene().save(tmp_path / "a.png", icc_profile=profile)
    assert differs(read_picture(tmp_path / "a.png"), scene()) == 0


def test_a_cmyk_jpeg_keeps_its_colours(tmp_path):
    scene().convert("CMYK").save(tmp_path / "a.jpg", quality=98)
    assert differs(read_picture(tmp_path / "a.jpg"), scene()) < 6


def test_linear_light_is_encoded(tmp_path):
    gamma = (b"gAMA", struct.pack(">I", 100_000))
    assert (read_picture(png(tmp_path / "a.png", 64, 64, 8, 0, b"\x80" * 64, gamma)) == 188).all()
    usual = (b"gAMA", struct.pack(">I", 45_455))
    assert (read_picture(png(tmp_path / "b.png", 64, 64, 8, 0, b"\x80" * 64, usual)) == 128).all()


@pytest.mark.parametrize("tag", [1, 6])
def test_pixels_that_are_not_square_are_stretched(tmp_path, tag):
    exif = Image.Exif()
    exif[0x0112] = tag
    squeezed = STORED[tag](scene()).resize((80, 96) if tag == 1 else (48, 160))
    squeezed.save(tmp_path / "a.jpg", dpi=(72, 144), exif=exif, quality=95)
    assert differs(read_picture(tmp_path / "a.jpg"), scene()) < 8
    aspect = (b"pHYs", struct.pack(">IIB", 1, 2, 0))
    assert read_picture(png(tmp_path / "a.png", 80, 96, 8, 0, bytes(80), aspect)).shape == (96, 160, 3)
    absurd = (b"pHYs", struct.pack(">IIB", 1, 200, 0))
    assert read_picture(png(tmp_path / "b.png", 80, 96, 8, 0, bytes(80), absurd)).shape == (96, 80, 3)


def test_stretched_pixels_count_in_the_limits(tmp_path):
    path = png(tmp_path / "a.png", 300, 64, 8, 0, bytes(300), (b"pHYs", struct.pack(">IIB", 1, 3, 0)))
    for read in (check_picture, read_picture):
        with pytest.raises(UnusableInput) as refused:
            read(path)
        assert refused.value.code == "input.size"


def test_the_first_of_several_pictures_counts(tmp_path):
    later = Image.new("RGB", SIZE, "white")
    scene().save(tmp_path / "a.png", save_all=True, append_images=[later])
    scene().save(tmp_path / "a.webp", save_all=True, append_images=[later], lossless=True)
    for name in ("a.png", "a.webp"):
        assert differs(read_picture(tmp_path / name), scene()) < 2


def test_no_message_has_the_path(tmp_path):
    folder = tmp_path / "secret place"
    folder.mkdir()
    buffer = io.BytesIO()
    scene().save(buffer, "PNG")
    whole = buffer.getvalue()
    for number, content in enumerate([b"", b"hello", whole[:200], whole[:-20], b"\xff\xd8\xff\xe0"]):
        path = folder / f"{number}.png"
        path.write_bytes(content)
        for read in (check_picture, read_picture) if content != whole[:-20] else (check_picture,):
            with pytest.raises(UnusableInput) as refused:
                read(path)
            assert "secret" not in str(refused.value) and "\n" not in str(refused.value)


def test_names_say_what_a_file_is():
    assert [inputs.kind_of(name) for name in ("a.PNG", "b.jpeg", "s3://b/c.webp", "d.mp4")] == ["image"] * 3 + ["video"]
    with pytest.raises(UnusableInput) as refused:
        inputs.kind_of("a.mov")
    assert refused.value.code == "input.type"
