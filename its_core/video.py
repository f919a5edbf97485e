"""Pixels ↔ MP4: the one writer of clips, and the readers that say what a clip really holds."""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import imageio.v3 as iio
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from imageio.plugins.pyav import PyAVPlugin
from numpy.typing import NDArray

from its_core import mp4
from its_core.clip import Geometry
from its_core.mp4 import UnreadableVideo as UnreadableVideo
from its_core.storage import replacing

Frame = NDArray[np.uint8]  # H×W×3, RGB

# Measured on noisy 1280×704 × 93 frames: 1 to 2 s and 0.3 to 3.4 MB a clip; "superfast" doubles the bytes, "faster" the
# time, for the same picture. Three things would make the bytes vary: the number of threads, so it is one; x264's
# macroblock tree, whose AVX code gives varying results where the width is no multiple of 128; and the code that x264
# chooses by the processor, some of which is not exact.
ENCODER = {"preset": "veryfast", "x264-params": "mbtree=0:cpu-independent=1"}
# swscale's SWS_BICUBIC | SWS_ACCURATE_RND | SWS_BITEXACT: its faster code rounds as the processor makes it.
_EXACT_CONVERSION = 0x4 | 0x40000 | 0x80000
DEFAULT_CRF = 23.0
# In the metadata of every clip, so that a program that has nothing but the file can tell.
SYNTHETIC_STATEMENT = "Synthetic video: no event in it took place."
MAX_FILE_BYTES = 1 << 30
MAX_DECLARED_FRAMES = 100_000
MAX_PIXELS = 4096 * 2304  # of one frame


@dataclass(frozen=True, slots=True)
class Colours:
    """ITU-T H.273 code points (1 means BT.709, 2 unspecified) and whether luma spans the full 0 to 255."""

    primaries: int
    transfer: int
    matrix: int
    full_range: bool

    @property
    def is_bt709(self) -> bool:
        return (self.primaries, self.transfer, self.matrix, self.full_range) == (1, 1, 1, False)


@dataclass(frozen=True, slots=True)
class Probe:
    """What a file says of itself, without its pictures being decoded; ``fps`` and ``duration_s`` None where unsaid."""

    codec: str
    pix_fmt: str
    width_px: int
    height_px: int
    fps: float | None
    declared_frames: int
    duration_s: float | None
    faststart: bool
    missing_bytes: int
    size_bytes: int
    colours: Colours


def write_mp4(path: Path, frames: Iterator[Frame], geometry: Geometry, crf: float = DEFAULT_CRF) -> None:
    """Encodes H×W×3 RGB frames (uint8) as H.264, yuv420p, BT.709, constant frame rate, index first.

    The file appears under its name whole or not at all, and the same frames give the same bytes. ``frames`` is closed
    in any case. Raises ValueError when a frame's shape or the number of frames is not the geometry's.
    """
    with contextlib.ExitStack() as stack:
        if close := getattr(frames, "close", None):
            stack.callback(close)
        _encode(stack.enter_context(replacing(path)), frames, geometry, crf)


def _encode(path: Path, frames: Iterator[Frame], geometry: Geometry, crf: float) -> None:
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(str(path.absolute()), "w", format="mp4", options=options) as container:
        container.metadata["comment"] = SYNTHETIC_STATEMENT
        stream = container.add_stream("libx264", rate=geometry.fps)
        stream.width, stream.height, stream.pix_fmt = geometry.width_px, geometry.height_px, "yuv420p"
        coder = stream.codec_context
        coder.thread_count = 1
        coder.time_base = Fraction(1, geometry.fps)
        coder.options = ENCODER | {"crf": str(crf)}
        coder.color_primaries, coder.color_trc = int(ColorPrimaries.BT709), int(ColorTrc.BT709)
        coder.colorspace, coder.color_range = int(Colorspace.ITU709), int(ColorRange.MPEG)
        count = 0
        for count, frame in enumerate(frames, start=1):
            if count > geometry.frames:
                raise ValueError(f"the geometry asks for {geometry.frames} frames, more came")
            container.mux(stream.encode(_to_yuv(frame, count - 1, geometry)))
        if count != geometry.frames:
            raise ValueError(f"the geometry asks for {geometry.frames} frames, {count} came")
        container.mux(stream.encode())


def _to_yuv(frame: Frame, index: int, geometry: Geometry) -> av.VideoFrame:
    shape = (geometry.height_px, geometry.width_px, 3)
    if frame.shape != shape or frame.dtype != np.uint8:
        raise ValueError(f"frame {index} is {frame.shape} {frame.dtype}, the geometry asks for {shape} uint8")
    converted = av.VideoFrame.from_ndarray(frame, "rgb24").reformat(
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709,
        dst_color_range=ColorRange.MPEG,
        dst_color_primaries=ColorPrimaries.BT709,
        dst_color_trc=ColorTrc.BT709,
        interpolation=_EXACT_CONVERSION,
        threads=1,
    )
    converted.pts, converted.time_base = index, Fraction(1, geometry.fps)
    return converted


def read_frames(path: Path) -> Iterator[Frame]:
    """Decodes a whole MP4 frame by frame, as H×W×3 RGB uint8.

    Raises UnreadableVideo before the first frame for what ``probe`` refuses; a broken stream ends early or raises
    av.FFmpegError.
    """
    probe(path)
    yield from decode(path, "rgb24")


def decode(path: Path, pixel_format: str, filters: Sequence[tuple[str, str]] = ()) -> Iterator[NDArray[np.uint8]]:
    """Frames in FFmpeg's ``pixel_format``, after its ``filters``, from imageio's PyAV plugin. Call ``probe`` first."""
    chain: list[tuple[str, str | dict[str, str]]] = [*filters]
    with _collector:
        file = iio.imopen(path, "r", plugin=PyAVPlugin, format="mp4")
        try:
            yield from file.iter(format=pixel_format, filter_sequence=chain or None, thread_count=1)  # type: ignore[arg-type]
        finally:
            file.close()
            del file


class _Collector:
    """While a file is open, what was in memory before is kept from the garbage collector.

    The plugin has all of it searched twice a file, for the few objects of its own that it knows to be there: 0.3 s a
    clip in a process that has Great Expectations and Prefect loaded, as much as the decoding.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = 0

    def __enter__(self) -> None:
        with self._lock:
            if self._open == 0:
                gc.freeze()
            self._open += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._open -= 1
            if self._open == 0:
                gc.unfreeze()


_collector = _Collector()


def probe(path: Path) -> Probe:
    """Reads an MP4's headers. Raises UnreadableVideo for anything that is not one video of a sane size."""
    try:
        size_bytes = path.stat().st_size
        if size_bytes > MAX_FILE_BYTES:
            raise UnreadableVideo(f"{size_bytes} bytes, at most {MAX_FILE_BYTES} are accepted")
        boxes = mp4.summarise(path)
    except OSError as error:
        raise UnreadableVideo(f"cannot be read: {error.strerror or error}") from error
    if boxes.fragmented:
        raise UnreadableVideo("a fragmented MP4 (moof boxes), which is not accepted")
    if boxes.most_samples > MAX_DECLARED_FRAMES:
        raise UnreadableVideo(f"declares {boxes.most_samples} frames, at most {MAX_DECLARED_FRAMES} are accepted")
    try:
        # The demuxer is named: a playlist in disguise must not make FFmpeg open what it points to.
        with av.open(str(path.absolute()), format="mp4") as container:
            return _probe_stream(container, boxes, size_bytes)
    except av.FFmpegError as error:
        raise UnreadableVideo(f"cannot be opened as MP4: {error.strerror}") from error


def _probe_stream(container: av.container.InputContainer, boxes: mp4.BoxSummary, size_bytes: int) -> Probe:
    if not container.streams.video:
        raise UnreadableVideo("the MP4 file has no video stream")
    stream = container.streams.video[0]
    coder = stream.codec_context
    if not 0 < coder.width * coder.height <= MAX_PIXELS:
        raise UnreadableVideo(f"frames of {coder.width}×{coder.height}, at most {MAX_PIXELS} pixels are accepted")
    duration_s = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else None
    return Probe(
        codec=coder.name,
        pix_fmt=coder.pix_fmt or "unknown",
        width_px=coder.width,
        height_px=coder.height,
        fps=float(stream.average_rate) if stream.average_rate else None,
        declared_frames=stream.frames,
        duration_s=duration_s,
        faststart=boxes.faststart,
        missing_bytes=boxes.missing_bytes,
        size_bytes=size_bytes,
        colours=Colours(coder.color_primaries, coder.color_trc, coder.colorspace, coder.color_range == ColorRange.JPEG),
    )
