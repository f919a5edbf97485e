"""A clip goes on from a video as players show it, and only from one that can be decoded to its end."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from its_core.inputs import UnusableInput, check_video, read_last_frames

RED, BLUE, GREY = (220, 20, 20), (20, 20, 220), (120, 120, 120)


def scene(width: int = 160, height: int = 96) -> np.ndarray:
    pixels = np.full((height, width, 3), GREY, np.uint8)
    pixels[: height // 2, : width // 2] = RED
    pixels[-height // 3 :, -width // 3 :] = BLUE
    return pixels


def write(
    path: Path,
    frames: list[np.ndarray],
    pixel_format: str = "yuv420p",
    aspect: tuple[int, int] = (1, 1),
    transfer: int | None = None,
    **options: str,
) -> Path:
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, _ = frames[0].shape
        stream.pix_fmt = pixel_format
        stream.codec_context.sample_aspect_ratio = Fraction(*aspect)
        stream.codec_context.thread_count = 1
        stream.codec_context.options = {"x264-params": "mbtree=0"}  # the macroblock tree's bytes vary at times
        if transfer is not None:
            stream.codec_context.color_trc = transfer
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def moving(count: int = 60, width: int = 320, height: int = 192) -> list[np.ndarray]:
    """A noisy scene that moves, so that every frame has something to code."""
    rng = np.random.default_rng(0)
    still = scene(width, height).astype(int)
    return [
        (np.roll(still, 5 * i, 1) + rng.integers(-25, 25, still.shape)).clip(0, 255).astype(np.uint8)
        for i in range(count)
    ]


def set_matrix(path: Path, a: int, b: int, c: int, d: int) -> Path:
    """Writes a display matrix into the track's header (ISO/IEC 14496-12, 8.3.2)."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    data[at : at + 36] = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def differs(found: np.ndarray, expected: np.ndarray) -> float:
    assert found.shape == expected.shape
    return float(np.abs(found.astype(int) - expected.astype(int)).mean())


# What is stored so that a player that follows the matrix shows the scene upright.
MATRICES = {
    "as it is": ((1, 0, 0, 1), scene()),
    "a quarter to the right": ((0, 1, -1, 0), np.rot90(scene())),
    "upside down": ((-1, 0, 0, -1), np.rot90(scene(), 2)),
    "a quarter to the left": ((0, -1, 1, 0), np.rot90(scene(), -1)),
    "mirrored": ((-1, 0, 0, 1), scene()[:, ::-1]),
    "mirrored top to bottom": ((1, 0, 0, -1), scene()[::-1]),
    "transposed": ((0, 1, 1, 0), scene().swapaxes(0, 1)),
}


@pytest.mark.parametrize("case", MATRICES)
def test_frames_are_turned_as_the_display_matrix_says(tmp_path, case):
    matrix, stored = MATRICES[case]
    path = set_matrix(write(tmp_path / "a.mp4", [np.ascontiguousarray(stored)] * 3), *matrix)
    (frame,) = read_last_frames(path, 1)
    assert differs(frame, scene()) < 5


def test_an_angle_in_between_is_refused(tmp_path):
    path = write(tmp_path / "a.mp4", [scene()] * 2)
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    data[at : at + 20] = struct.pack(">5i", 46341, 46341, 0, -46341, 46341)  # 45°
    path.write_bytes(data)
    with pytest.raises(UnusableInput) as refused:
        check_video(path)
    assert refused.value.code == "input.unreadable" and "90°" in str(refused.value)


@pytest.mark.parametrize(("aspect", "shape"), [((2, 1), (96, 320, 3)), ((1, 2), (192, 160, 3)), ((1, 1), (96, 160, 3))])
def test_pixels_that_are_not_square_are_stretched(tmp_path, aspect, shape):
    path = write(tmp_path / "a.mp4", [scene()] * 3, aspect=aspect)
    assert read_last_frames(path, 1)[0].shape == shape
    assert differs(read_last_frames(path, 1)[0], scene(shape[1], shape[0])) < 6


def test_stretching_comes_before_turning(tmp_path):
    stored = np.ascontiguousarray(np.rot90(scene(160, 96))[:, ::2])  # half as wide as it is shown
    path = set_matrix(write(tmp_path / "a.mp4", [stored] * 3, aspect=(2, 1)), 0, 1, -1, 0)
    assert differs(read_last_frames(path, 1)[0], scene()) < 6


@pytest.mark.parametrize("pixel_format", ["yuv420p10le", "yuv444p", "yuvj420p", "gray"])
def test_depth_and_range_are_those_of_the_file(tmp_path, pixel_format):
    path = write(tmp_path / "a.mp4", [scene()] * 3, pixel_format)
    expected = scene() if pixel_format != "gray" else (scene() @ [0.299, 0.587, 0.114])[..., None].repeat(3, 2)
    assert differs(read_last_frames(path, 1)[0], expected) < 8


@pytest.mark.parametrize("transfer", [16, 18])
def test_hdr_is_refused(tmp_path, transfer):
    path = write(tmp_path / "a.mp4", [scene()] * 2, "yuv420p10le", transfer=transfer)
    with pytest.raises(UnusableInput) as refused:
        check_video(path)
    assert refused.value.code == "input.hdr"


FRAGMENTED = {
    "a fragment a key frame": "frag_keyframe+empty_moov+default_base_moof",
    "a fragment a frame": "frag_every_frame+empty_moov",
    "DASH": "dash",
    "an index, then fragments": "frag_keyframe",
}


@pytest.mark.parametrize("flags", FRAGMENTED)
def test_a_fragmented_file_is_read(tmp_path, flags):
    frames = moving(30)
    path = write(tmp_path / "a.mp4", frames, movflags=FRAGMENTED[flags])
    found = read_last_frames(path, 5)
    assert len(found) == 5
    assert differs(found[-1], frames[-1]) < 20 < differs(found[0], frames[10])


def test_the_last_frames_come_in_order(tmp_path):
    levels = [np.full((96, 160, 3), 40 + 20 * i, np.uint8) for i in range(8)]
    path = write(tmp_path / "a.mp4", levels)
    assert np.abs(read_last_frames(path, 5).mean(axis=(1, 2, 3)) - [100, 120, 140, 160, 180]).max() < 3
    with pytest.raises(UnusableInput) as refused:
        read_last_frames(path, 9)
    assert refused.value.code == "input.too_short" and "8 frames" in str(refused.value)


def damage(path: Path, case: str) -> None:
    content = bytearray(path.read_bytes())
    start = content.index(b"mdat") if case != "cut" else 0
    middle = start + (len(content) - start) * 7 // 10
    match case:
        case "cut":
            del content[middle:]
        case "zeros":
            content[middle : middle + 3000] = bytes(3000)
        case "noise at the end":
            content[-2000:] = np.random.default_rng(1).bytes(2000)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("case", "flags", "code"),
    [
        ("cut", "faststart", "input.cut_off"),
        ("cut", "frag_keyframe+empty_moov", "input.cut_off"),
        ("zeros", "faststart", "input.unreadable"),
        ("noise at the end", "faststart", "input.unreadable"),
    ],
)
def test_what_cannot_be_decoded_to_its_end_is_refused(tmp_path, case, flags, code):
    path = write(tmp_path / "a.mp4", moving(), movflags=flags)
    check_video(path)
    damage(path, case)
    with pytest.raises(UnusableInput) as refused:
        check_video(path)
    assert refused.value.code == code
    assert str(tmp_path) not in str(refused.value) and "\n" not in str(refused.value)


def test_a_cover_picture_is_not_the_video(tmp_path):
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        container.mux(cover.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")))
        container.mux(cover.encode())
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(scene(), "rgb24")))
        container.mux(stream.encode())
    assert read_last_frames(path, 1)[0].shape == (96, 160, 3)
