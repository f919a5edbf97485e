"""Measures of real clips: whole ones, and every way of being broken that was thought of."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np
import pytest

from its_core.checks.measures import Measures, measure, table
from its_core.clip import Geometry
from its_core.video import Frame, write_mp4

GEOMETRY = Geometry(width_px=128, height_px=96, fps=16, frames=40)


def street(seed: int = 0) -> Frame:
    """A still scene with edges, textures and dark corners."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(40, 200, (12, 16, 3)).astype(np.float32)
    return np.kron(coarse, np.ones((8, 8, 1), np.float32)).astype(np.uint8)


def car_at(scene: Frame, x: float) -> Frame:
    """The scene with a white car, its ends blended where they cover part of a pixel."""
    columns = np.arange(scene.shape[1])
    cover = np.clip(np.minimum(columns + 1 - x, x + 28 - columns), 0, 1)[None, :, None]
    driven = scene.astype(np.float32)
    driven[50:66] += cover * (np.float32(232) - driven[50:66])
    return driven.astype(np.uint8)


def with_noise(frames: Iterator[Frame], sigma: float) -> Iterator[Frame]:
    generator = np.random.default_rng(7)
    for frame in frames:
        noisy = frame + generator.normal(0, sigma, frame.shape)
        yield np.clip(noisy, 0, 255).astype(np.uint8)


def moving(count: int = GEOMETRY.frames) -> Iterator[Frame]:
    scene = street()
    return (car_at(scene, 3 * index - 20) for index in range(count))


def clip(path: Path, frames: Iterator[Frame], geometry: Geometry = GEOMETRY) -> Measures:
    write_mp4(path, frames, geometry)
    return measure(path, geometry)


def test_a_good_clip(tmp_path: Path) -> None:
    found = clip(tmp_path / "clip.mp4", with_noise(moving(), 3))

    assert found.problem is None
    assert (found.codec, found.pix_fmt, found.width_px, found.height_px) == ("h264", "yuv420p", 128, 96)
    assert (found.fps, found.declared_frames, found.decoded_frames) == (16.0, 40, 40)
    assert (found.duration_s, found.faststart, found.bt709) == (2.5, True, True)
    assert (found.missing_bytes, found.decode_errors) == (0, 0)
    assert (found.black_frames, found.flat_frames, found.frozen_frames) == (0, 0, 0)
    assert found.still_frames is not None
    assert found.still_frames < 5
    assert found.mean_luma == pytest.approx(float(np.mean([frame.mean() for frame in moving()])), abs=4)
    assert found.first_frame_difference is None


@pytest.mark.parametrize("sigma", [0, 3, 8])
def test_one_frame_repeated_is_still_from_end_to_end_whatever_the_noise(tmp_path: Path, sigma: float) -> None:
    found = clip(tmp_path / "clip.mp4", with_noise(iter([car_at(street(), 40)] * 40), sigma))

    assert found.still_frames == 40


@pytest.mark.parametrize("sigma", [0, 3, 8])
def test_a_picture_that_freezes_in_the_midst_of_motion(tmp_path: Path, sigma: float) -> None:
    scene = street()
    frames = (car_at(scene, 4 * min(index, 15) - 20) for index in range(40))

    found = clip(tmp_path / "clip.mp4", with_noise(frames, sigma))

    assert found.frozen_frames == 25


def test_a_picture_that_is_frozen_at_first_and_then_jumps(tmp_path: Path) -> None:
    scene = street()
    frames = (car_at(scene, 4 * max(index - 24, 0) - 20 + (20 if index >= 24 else 0)) for index in range(40))

    found = clip(tmp_path / "clip.mp4", with_noise(frames, 3))

    assert found.frozen_frames == 24


@pytest.mark.parametrize("sigma", [0, 3, 8])
def test_a_car_that_brakes_to_a_stop_is_at_rest_and_not_frozen(tmp_path: Path, sigma: float) -> None:
    scene = street()
    # 4 px a frame, braked evenly over 16 frames, then 20 frames at rest.
    positions = [4 * t - t * t / 8 if t < 16 else 32 for t in range(40)]
    frames = (car_at(scene, x) for x in positions)

    found = clip(tmp_path / "clip.mp4", with_noise(frames, sigma))

    assert found.frozen_frames is not None
    assert found.frozen_frames <= 3
    assert found.still_frames is not None
    assert 18 <= found.still_frames <= 30


@pytest.mark.parametrize("start_x", [70, -28 - 6 * 24], ids=["drives out", "drives in"])
def test_a_road_that_is_empty_before_or_after_a_fast_car_is_not_frozen(tmp_path: Path, start_x: float) -> None:
    scene = street()
    frames = (car_at(scene, start_x + 6 * index) for index in range(40))

    found = clip(tmp_path / "clip.mp4", with_noise(frames, 3))

    assert found.frozen_frames == 0
    assert found.still_frames is not None
    assert found.still_frames >= 20


def test_a_picture_in_which_everything_changes_is_not_still(tmp_path: Path) -> None:
    generator = np.random.default_rng(3)
    frames = (street(int(seed)) for seed in generator.integers(0, 1000, 40))

    assert clip(tmp_path / "clip.mp4", frames).still_frames == 1


def test_a_small_slow_walker_in_noise_is_motion(tmp_path: Path) -> None:
    def walking() -> Iterator[Frame]:
        for index in range(40):
            frame = street()
            frame[40:52, 20 + index // 2 : 25 + index // 2] = (235, 235, 235)
            yield frame

    found = clip(tmp_path / "clip.mp4", with_noise(walking(), 4))

    assert found.still_frames is not None
    assert found.still_frames <= 12
    assert found.frozen_frames == 0


def test_a_change_of_exposure_is_no_motion(tmp_path: Path) -> None:
    frames = (np.clip(street().astype(np.float32) + index * 0.5, 0, 255).astype(np.uint8) for index in range(40))

    assert clip(tmp_path / "clip.mp4", frames).still_frames == 40


def test_black_frames(tmp_path: Path) -> None:
    frames = (frame if index < 30 else np.zeros_like(frame) for index, frame in enumerate(moving()))

    found = clip(tmp_path / "clip.mp4", with_noise(frames, 1))

    assert found.black_frames == 10


def test_a_dark_night_is_not_black(tmp_path: Path) -> None:
    def night() -> Iterator[Frame]:
        for index in range(40):
            frame = np.full((96, 128, 3), 6, np.uint8)
            frame[20:40, 30:50] = 90  # the light of a lamp
            frame[60:64, 2 * index : 2 * index + 6] = 240  # a headlight
            yield frame

    found = clip(tmp_path / "clip.mp4", with_noise(night(), 2))

    assert (found.black_frames, found.flat_frames) == (0, 0)


def test_a_grey_card_is_flat(tmp_path: Path) -> None:
    found = clip(tmp_path / "clip.mp4", with_noise(iter([np.full((96, 128, 3), 128, np.uint8)] * 40), 2))

    assert (found.flat_frames, found.black_frames) == (40, 0)


def test_a_clip_cut_off_is_decoded_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_mp4(path, with_noise(moving(), 8), GEOMETRY)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])

    found = measure(path, GEOMETRY)

    assert found.declared_frames == 40
    assert found.missing_bytes == len(content) - len(content) // 2
    assert found.decoded_frames is not None
    assert 0 < found.decoded_frames < 40
    assert found.problem is not None
    assert "decoding stopped after" in found.problem


def test_a_clip_scribbled_over_in_the_middle_has_decode_errors(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_mp4(path, with_noise(moving(), 8), GEOMETRY)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = np.random.default_rng(0).bytes(2000)
    path.write_bytes(content)

    found = measure(path, GEOMETRY)

    assert found.decode_errors
    assert found.problem


def test_every_thread_hears_its_own_clip_only(tmp_path: Path) -> None:
    sound, broken = tmp_path / "sound.mp4", tmp_path / "broken.mp4"
    write_mp4(sound, with_noise(moving(), 8), GEOMETRY)
    content = bytearray(sound.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = np.random.default_rng(0).bytes(2000)
    broken.write_bytes(content)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda path: measure(path, GEOMETRY), [sound, broken] * 20))

    assert {clip.decode_errors for clip in found[::2]} == {0}
    assert len({clip.decode_errors for clip in found[1::2]} - {0}) == 1
    assert all(clip.problem for clip in found[1::2])


def test_a_clip_too_long_is_not_decoded_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_mp4(path, moving(200), Geometry(128, 96, 16, 200))

    found = measure(path, GEOMETRY)

    assert found.declared_frames == 200
    assert found.decoded_frames == 56


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "empty"),
        (b"GIF89a" + bytes(500), "not an MP4 file"),
        (struct.pack(">I4s8s", 16, b"ftyp", b"isom\0\0\0\0") + struct.pack(">I4s", 8, b"moov"), "no video stream"),
    ],
)
def test_what_cannot_be_opened_is_a_problem_and_no_exception(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)

    found = measure(path, GEOMETRY)

    assert found.problem is not None
    assert problem in found.problem
    assert found.decoded_frames is None


def test_a_clip_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    assert measure(tmp_path / "clip.mp4", GEOMETRY).problem == "cannot be read: No such file or directory"


def test_another_codec_is_measured_too(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    _write_with(path, "mpeg4", "yuv420p", {})

    found = measure(path, GEOMETRY)

    assert (found.codec, found.decoded_frames, found.faststart, found.bt709) == ("mpeg4", 40, False, False)


def test_another_pixel_format_is_measured_too(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    _write_with(path, "libx264", "yuv444p", {})

    found = measure(path, GEOMETRY)

    assert (found.pix_fmt, found.decoded_frames, found.black_frames) == ("yuv444p", 40, 0)


def _write_with(path: Path, codec: str, pix_fmt: str, options: dict[str, str]) -> None:
    with av.open(str(path), "w", format="mp4", options=options) as container:
        stream = container.add_stream(codec, rate=16)
        stream.width, stream.height, stream.pix_fmt = 128, 96, pix_fmt
        for frame in moving():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(stream.encode())


def _wide(frame: Frame) -> Frame:
    """The frame at double size inside a picture of another aspect: strips left and right are what a crop removes."""
    large = np.kron(frame, np.ones((2, 2, 1), np.uint8))
    return np.pad(large, ((0, 0), (40, 40), (0, 0)), mode="edge")


@pytest.mark.parametrize("conditioning", [lambda frame: frame, _wide])
def test_the_first_frame_is_compared_after_scale_and_crop(
    tmp_path: Path, conditioning: Callable[[Frame], Frame]
) -> None:
    path = tmp_path / "clip.mp4"
    write_mp4(path, with_noise(moving(), 3), GEOMETRY)

    same = measure(path, GEOMETRY, conditioning(next(moving())))
    other = measure(path, GEOMETRY, conditioning(street(seed=1)))

    assert same.first_frame_difference is not None
    assert same.first_frame_difference < 4
    assert other.first_frame_difference is not None
    assert other.first_frame_difference > 20


def test_the_table_keeps_its_types_when_all_is_missing() -> None:
    rows = table({"a": Measures(problem="empty"), "b": Measures(problem="empty")})

    assert list(rows["clip_id"]) == ["a", "b"]
    assert {name: str(rows[name].dtype) for name in ("problem", "decoded_frames", "fps", "faststart")} == {
        "problem": "string",
        "decoded_frames": "Int64",
        "fps": "Float64",
        "faststart": "boolean",
    }


def test_a_first_frame_that_cannot_be_compared_is_a_problem(tmp_path: Path) -> None:
    small = Geometry(GEOMETRY.width_px // 2, GEOMETRY.height_px // 2, GEOMETRY.fps, GEOMETRY.frames)
    path = tmp_path / "small.mp4"
    write_mp4(path, (frame[::2, ::2].copy() for frame in moving()), small)

    found = measure(path, GEOMETRY, next(moving()))

    assert found.first_frame_difference is None
    assert found.problem is not None
    assert found.width_px == small.width_px
