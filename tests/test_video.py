"""Clips as they lie on disk: what the writer promises and what the readers refuse."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from its_core.clip import Geometry
from its_core.video import Frame, UnreadableVideo, probe, read_frames, read_frames_numbered, write_mp4
from its_core.video.conversion import to_planes
from its_core.video.writing import ENCODER

GEOMETRY = Geometry(width_px=64, height_px=48, fps=16, frames=9)


class Frames:
    """Frames of a bar that moves to the right over a red ground; remembers that it was closed."""

    def __init__(self, count: int = GEOMETRY.frames, shape: tuple[int, int, int] = (48, 64, 3)) -> None:
        self.closed = False
        self._images = iter([self._image(index, shape) for index in range(count)])

    @staticmethod
    def _image(index: int, shape: tuple[int, int, int]) -> Frame:
        image = np.full(shape, (200, 30, 40), np.uint8)
        image[:, index * 4 : index * 4 + 8] = (10, 240, 90)
        return image

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        return next(self._images)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    write_mp4(path, Frames(), GEOMETRY)
    return path


def test_a_written_clip_says_what_it_is(clip: Path) -> None:
    found = probe(clip)

    assert (found.codec, found.pix_fmt, found.width_px, found.height_px) == ("h264", "yuv420p", 64, 48)
    assert (found.fps, found.declared_frames, found.duration_s) == (16.0, 9, 9 / 16)
    assert found.faststart
    assert found.colours.is_bt709
    assert found.missing_bytes == 0


def test_frames_come_back_in_order_and_in_their_colours(clip: Path) -> None:
    frames = list(read_frames(clip))

    assert len(frames) == 9
    for index, frame in enumerate(frames):
        assert np.abs(frame[24, index * 4 + 4].astype(int) - (10, 240, 90)).max() <= 12
        assert np.abs(frame[24, 60].astype(int) - (200, 30, 40)).max() <= 12


def test_frames_that_are_asked_for_by_number_are_those_of_the_whole_clip(clip: Path) -> None:
    whole = dict(enumerate(read_frames(clip)))
    for numbers in ([], [4], [0, 3, 8], [5, 8, 9], range(GEOMETRY.frames)):
        some = read_frames_numbered(clip, numbers)
        assert sorted(some) == [number for number in numbers if number in whole]
        assert all(np.array_equal(some[number], whole[number]) for number in some)


def test_luma_is_converted_with_the_matrix_that_the_file_is_tagged_with(tmp_path: Path) -> None:
    path = tmp_path / "green.mp4"
    green = np.full((48, 64, 3), (0, 255, 0), np.uint8)
    write_mp4(path, iter([green]), Geometry(64, 48, 16, 1))

    with av.open(str(path)) as container:
        luma = next(container.decode(video=0)).to_ndarray()[:48]

    assert abs(float(luma.mean()) - 173) < 1.5  # BT.709: 16 + 219 × 0.7152; BT.601 would give 145


@pytest.mark.parametrize("width", [64, 70])
def test_colours_are_converted_as_swscale_does_it_exactly(width: int) -> None:
    rng = np.random.default_rng(5)
    noise = rng.integers(0, 256, (48, width, 3), dtype=np.uint8)
    noise[24:] = np.where(noise[24:] < 128, 0, 255)  # full colours, at whose ends rounding shows
    area_accurate_bitexact = 0x20 | 0x40000 | 0x80000
    expected = VideoReformatter().reformat(
        av.VideoFrame.from_numpy_buffer(noise, "rgb24"),
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709,
        dst_color_range=ColorRange.MPEG,
        interpolation=area_accurate_bitexact,
        threads=1,
    )
    planes = [np.zeros((48, 96), np.uint8), np.zeros((24, 48), np.uint8), np.zeros((24, 48), np.uint8)]

    to_planes(noise, *planes)

    for made, plane, columns in zip(planes, expected.planes, (width, width // 2, width // 2), strict=True):
        stored = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        np.testing.assert_array_equal(made[:, :columns], stored[: len(made), :columns])


def test_equal_frames_give_equal_bytes(clip: Path, tmp_path: Path) -> None:
    for _ in range(30):
        write_mp4(tmp_path / "again.mp4", Frames(), GEOMETRY)
        assert (tmp_path / "again.mp4").read_bytes() == clip.read_bytes()


def test_a_plain_processor_writes_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all vector code of x264 and of FFmpeg's colour conversion switched off. The settings that x264 writes into
    the stream are as long in both."""
    geometry = Geometry(width_px=192, height_px=112, fps=16, frames=9)
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 250, (48, 88, 3), dtype=np.uint8).repeat(4, 0).repeat(4, 1)
    moving = [texture[3 * i : 3 * i + 112, 5 * i : 5 * i + 192] for i in range(9)]
    pictures = [each + rng.integers(0, 6, each.shape, dtype=np.uint8) for each in moving]
    usual = str(ENCODER["x264-params"])
    digests = []
    for vectors, flags in (("", -1), (":asm=0", 0)):
        monkeypatch.setitem(ENCODER, "x264-params", usual + vectors)
        with ffmpeg_vector_code(flags):
            write_mp4(tmp_path / "clip.mp4", iter(pictures), geometry)
        data = (tmp_path / "clip.mp4").read_bytes()
        digests.append(hashlib.sha256(data).hexdigest())
        assert b"asm" not in data
    assert digests[0] == digests[1]


@contextlib.contextmanager
def ffmpeg_vector_code(flags: int) -> Iterator[None]:
    """What FFmpeg may use of the processor: 0 nothing special, −1 what it has."""
    library = next(Path(av.__file__).parent.parent.glob("av.libs/libavutil-*"))
    force = ctypes.CDLL(str(library)).av_force_cpu_flags
    force(flags)
    yield
    force(-1)


def test_what_was_decoded_can_be_freed_in_a_forked_process(clip: Path) -> None:
    """A data loader forks its workers, and each frees what its parent left over. Threads do not survive a fork."""
    code = f"""
import gc, os, pathlib, signal
gc.disable()
from its_core.video import read_frames, read_luma
clip = pathlib.Path({str(clip)!r})
list(read_frames(clip)), next(read_frames(clip)), list(read_luma(clip))
child = os.fork()
if child == 0:
    signal.alarm(20)
    gc.collect()
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "0", done.stdout + done.stderr


@pytest.mark.parametrize("count", [0, 8, 10])
def test_a_wrong_number_of_frames_leaves_no_file(tmp_path: Path, count: int) -> None:
    frames = Frames(count)

    with pytest.raises(ValueError, match="9 frames"):
        write_mp4(tmp_path / "clip.mp4", frames, GEOMETRY)

    assert list(tmp_path.iterdir()) == []
    assert frames.closed


def test_a_frame_of_the_wrong_size_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"frame 0 is \(32, 64, 3\) uint8, the geometry asks for \(48, 64, 3\)"):
        write_mp4(tmp_path / "clip.mp4", Frames(shape=(32, 64, 3)), GEOMETRY)


def test_an_engine_that_fails_in_the_middle_keeps_the_earlier_clip(clip: Path) -> None:
    before = clip.read_bytes()

    def failing() -> Iterator[Frame]:
        yield from Frames(5)
        raise RuntimeError("out of ideas")

    with pytest.raises(RuntimeError, match="out of ideas"):
        write_mp4(clip, failing(), GEOMETRY)

    assert clip.read_bytes() == before
    assert list(clip.parent.iterdir()) == [clip]


def test_a_clip_cut_off_still_declares_its_frames_but_misses_bytes(clip: Path) -> None:
    content = clip.read_bytes()
    clip.write_bytes(content[:-200])

    found = probe(clip)

    assert found.declared_frames == 9
    assert found.missing_bytes == 200


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "not an MP4 file"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n", "not an MP4 file"),
        (struct.pack(">I4s8s", 16, b"ftyp", b"isom\0\0\0\0"), "no index"),
        (struct.pack(">I4s8sI4s", 16, b"ftyp", b"isom\0\0\0\0", 4, b"moov"), "claims a length of 4 bytes"),
        (struct.pack(">I4s8sI4sQ", 16, b"ftyp", b"isom\0\0\0\0", 1, b"moov", 1 << 62), "at most 16777216"),
    ],
)
def test_what_is_no_mp4_is_refused_with_a_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)

    with pytest.raises(UnreadableVideo, match=reason):
        probe(path)
    with pytest.raises(UnreadableVideo, match=reason):
        list(read_frames(path))


def test_a_claim_of_a_billion_frames_is_refused_before_a_table_is_made_for_them(clip: Path) -> None:
    content = bytearray(clip.read_bytes())
    at = content.index(b"stsz") + 4
    content[at + 4 : at + 12] = struct.pack(">II", 1, 1_000_000_000)
    clip.write_bytes(content)

    with pytest.raises(UnreadableVideo, match="declares 1000000000 frames"):
        probe(clip)


def test_frames_too_large_to_decode_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.mp4"
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=16, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 8192, 2048, "yuv420p"
        frame = av.VideoFrame(8192, 2048, "yuv420p")
        container.mux(stream.encode(frame))
        container.mux(stream.encode())

    with pytest.raises(UnreadableVideo, match="8192×2048"):
        probe(path)
    with pytest.raises(UnreadableVideo, match="8192×2048"):
        read_frames_numbered(path, [])  # before anything is decoded


def test_a_file_without_pictures_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode())

    with pytest.raises(UnreadableVideo, match="no video stream"):
        probe(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableVideo, match="No such file"):
        probe(tmp_path / "nothing.mp4")
