"""Footage in windows: the last one too, at the model's rate, cropped and never stretched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from its_core import video
from its_core.clip import Geometry
from its_core.engines.cosmos.conditioning import scale_and_crop
from its_core.post_training.data.windows import UnusableClip, look, read, windows

MODEL = Geometry(64, 32, 10, 9)


def write(path: Path, frames: int, fps: int, size_px: tuple[int, int] = (64, 32)) -> Path:
    """Frames that say their number by their brightness."""
    width, height = size_px
    pictures = (np.full((height, width, 3), 20 + 4 * number, np.uint8) for number in range(frames))
    video.write_mp4(path, pictures, Geometry(width, height, fps, frames), crf=4)
    return path


def numbers(path: Path, geometry: Geometry = MODEL) -> list[int]:
    """Which frames of the file are read."""
    footage = look(path, geometry)
    size_px = (geometry.width_px, geometry.height_px)
    return [round((frame.mean() - 20) / 4) for frame in read(footage, geometry, size_px)]


def starts(frames: int, length: int, event_frame: float | None = None) -> list[int]:
    pictures = [np.full((1, 2, 2, 3), number, np.uint8) for number in range(frames)]
    found = list(windows(pictures, length, event_frame))
    for start, window in found:
        assert window[:, 0, 0, 0].tolist() == list(range(start, start + length))
    return [start for start, _ in found]


@pytest.mark.parametrize(
    ("frames", "expected"), [(8, []), (9, [0]), (10, [0, 1]), (18, [0, 9]), (20, [0, 9, 11]), (27, [0, 9, 18])]
)
def test_windows_cover_the_clip_to_its_last_frame(frames: int, expected: list[int]) -> None:
    assert starts(frames, 9) == expected


@pytest.mark.parametrize(
    ("event_frame", "expected"), [(0.0, [0]), (4.0, [0]), (10.0, [6]), (10.4, [6]), (29.0, [21]), (99.0, [21])]
)
def test_a_known_event_has_its_own_window(event_frame: float, expected: list[int]) -> None:
    assert starts(30, 9, event_frame) == expected


def test_a_clip_of_exactly_one_window(tmp_path: Path) -> None:
    assert numbers(write(tmp_path / "clip.mp4", 9, 10)) == list(range(9))


@pytest.mark.parametrize(
    ("fps", "frames", "expected"),
    [
        (20, 20, [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]),
        (30, 30, [0, 3, 6, 9, 12, 15, 18, 21, 24, 27]),
        (25, 25, [0, 2, 5, 7, 10, 12, 15, 17, 20, 22]),
    ],
)
def test_faster_footage_is_brought_to_the_models_rate(
    tmp_path: Path, fps: int, frames: int, expected: list[int]
) -> None:
    path = write(tmp_path / "clip.mp4", frames, fps)
    assert look(path, MODEL).resampled
    assert numbers(path) == expected


def test_footage_of_30_fps_is_brought_to_16(tmp_path: Path) -> None:
    found = numbers(write(tmp_path / "clip.mp4", 30, 30), Geometry(64, 32, 16, 9))
    assert found == [0, 2, 4, 6, 7, 9, 11, 13, 15, 17, 19, 21, 22, 24, 26, 28]


def test_slightly_slower_footage_shows_a_frame_twice(tmp_path: Path) -> None:
    found = numbers(write(tmp_path / "clip.mp4", 19, 9))
    assert sorted(set(found)) == list(range(19))
    assert len(found) in (20, 21, 22)


def code_of(path: Path, geometry: Geometry = MODEL) -> str:
    with pytest.raises(UnusableClip) as caught:
        numbers(path, geometry)
    return caught.value.code


def test_much_slower_footage_is_refused(tmp_path: Path) -> None:
    assert code_of(write(tmp_path / "clip.mp4", 30, 8)) == "post_training.clip.too_slow"


@pytest.mark.parametrize(("frames", "fps"), [(8, 10), (17, 20)])
def test_a_clip_shorter_than_a_window_is_refused(tmp_path: Path, frames: int, fps: int) -> None:
    assert code_of(write(tmp_path / "clip.mp4", frames, fps)) == "post_training.clip.too_short"


@pytest.mark.parametrize("fault", ["missing", "empty", "text", "cut off", "broken"])
def test_what_cannot_be_read_is_refused(tmp_path: Path, fault: str) -> None:
    path = tmp_path / "clip.mp4"
    if fault != "missing":
        content = write(path, 30, 10, (320, 192)).read_bytes()
        middle = len(content) // 2
        broken = content[: middle - 300] + bytes(600) + content[middle + 300 :]
        path.write_bytes({"empty": b"", "text": b"no video", "cut off": content[:-2000], "broken": broken}[fault])
    assert code_of(path) in {"post_training.clip.missing", "post_training.clip.unreadable"}


def test_other_shapes_are_cropped_and_not_stretched(tmp_path: Path) -> None:
    """A square stays square: 4:3 footage loses rows, as a conditioning frame does."""
    picture = np.zeros((96, 128, 3), np.uint8)
    picture[32:64, 48:80] = 255
    path = tmp_path / "clip.mp4"
    video.write_mp4(path, iter([picture] * 9), Geometry(128, 96, 10, 9), crf=4)
    first = next(read(look(path, MODEL), MODEL, (64, 32)))[0]
    assert np.abs(first.astype(int) - scale_and_crop(picture[None], 64, 32)[0]).mean() < 3
    rows, columns = np.nonzero(first[..., 0] > 128)
    assert abs(np.ptp(rows) - np.ptp(columns)) <= 1
