"""MP4 to pixels: what a file says of itself, and its frames as they are to be shown."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.stream import Disposition
from av.video.reformatter import ColorRange
from numpy.typing import NDArray

from its_core import mp4
from its_core.mp4 import UnreadableVideo
from its_core.video.display import Display
from its_core.video.writing import Frame

MAX_FILE_BYTES = 1 << 30
MAX_DECLARED_FRAMES = 100_000
MAX_PIXELS = 4096 * 2304  # of one frame
_STORED_LUMA = ("yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "gray")


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

    @property
    def is_hdr(self) -> bool:
        """Whether brightness is coded as PQ or HLG (ITU-R BT.2100)."""
        return self.transfer in {16, 18}


@dataclass(frozen=True, slots=True)
class Probe:
    """What a file says of itself, without its pictures being decoded; ``fps`` and ``duration_s`` None where unsaid.

    ``width_px`` and ``height_px`` are the stored frame's. ``declared_frames`` is 0 in a fragmented file.
    """

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


def probe(path: Path) -> Probe:
    """Reads an MP4's headers. Raises UnreadableVideo for anything that is not one video of a sane size."""
    with opened(path) as (probed, _):
        return probed


@contextmanager
def opened(path: Path) -> Iterator[tuple[Probe, Iterator[StoredFrame]]]:
    """A file's headers and its frames, of which any number may be taken while it is open. Raises as ``probe`` does."""
    with _opened(path) as (found, container, stream):
        yield found, _decoded(container, stream)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Probe, av.container.InputContainer, av.VideoStream]]:
    try:
        size_bytes = path.stat().st_size
        if size_bytes > MAX_FILE_BYTES:
            raise UnreadableVideo(f"{size_bytes} bytes, at most {MAX_FILE_BYTES} are accepted")
        boxes = mp4.summarise(path)
    except OSError as error:
        raise UnreadableVideo(f"cannot be read: {error.strerror or error}") from error
    if boxes.most_samples > MAX_DECLARED_FRAMES:
        raise UnreadableVideo(f"declares {boxes.most_samples} frames, at most {MAX_DECLARED_FRAMES} are accepted")
    with _open(path) as container:
        stream = _pictures(container)
        stream.codec_context.thread_count = 1
        yield _probe_stream(stream, boxes, size_bytes), container, stream


def _open(path: Path) -> av.container.InputContainer:
    try:
        # The demuxer is named: a playlist in disguise must not make FFmpeg open what it points to.
        return av.open(str(path.absolute()), format="mp4")
    except av.FFmpegError as error:
        raise UnreadableVideo(f"cannot be opened as MP4: {error.strerror}") from error


def read_frames(path: Path) -> Iterator[Frame]:
    """Decodes a whole MP4 frame by frame, as H×W×3 RGB uint8: turned as the file says, with square pixels.

    Raises UnreadableVideo before the first frame for what ``probe`` refuses; a broken stream ends early or raises
    av.FFmpegError.
    """
    return (frame.rgb() for frame in read_stored_frames(path))


def read_frames_at(path: Path, fps: int) -> Iterator[Frame]:
    """The frames of ``read_frames`` at another rate: for each moment 0, 1/fps, 2/fps … after the first frame the one
    whose time is nearest, the earlier of two that are as near. Raises as ``read_frames`` does, and UnreadableVideo for
    a frame without a time."""
    moment = 0  # of the next frame to give, in 1/fps
    before: tuple[Fraction, StoredFrame] | None = None
    began: Fraction | None = None
    step = Fraction(0)
    for stored in read_stored_frames(path):
        frame = stored.decoded
        if frame.pts is None or frame.time_base is None:
            raise UnreadableVideo("a frame says no time at which it is to be shown")
        began = frame.pts * frame.time_base if began is None else began
        time = frame.pts * frame.time_base - began
        if before is not None:
            step = time - before[0]
            while Fraction(moment, fps) <= (before[0] + time) / 2:
                yield before[1].rgb()
                moment += 1
        before = time, stored
    while before is not None and Fraction(moment, fps) <= before[0] + step / 2:
        yield before[1].rgb()
        moment += 1


def read_last_frames(path: Path, count: int) -> list[Frame]:
    """The last ``count`` frames, as ``read_frames`` gives them; fewer of a shorter video. All are decoded, because only
    so is it known which ones are the last, and that they can be decoded. Raises as ``read_frames`` does."""
    return [frame.rgb() for frame in deque(read_stored_frames(path), maxlen=count)]


def read_frames_numbered(path: Path, numbers: Collection[int]) -> dict[int, Frame]:
    """Some frames of a video that was checked, by their numbers from 0, as ``read_frames`` gives them; of a shorter
    video fewer. Frames that no other depends on are not decoded for it, which takes half the time. Raises as
    ``read_frames`` does."""
    found: dict[int, Frame] = {}
    with _opened(path) as (_, container, stream):
        packets = list(islice(container.demux(stream), MAX_DECLARED_FRAMES + 2))
        _refuse_count(len(packets) - 1)  # the last one is empty
        times = sorted(packet.pts for packet in packets if packet.pts is not None)
        wanted = {times[number]: number for number in numbers if number < len(times)}
        for packet in packets:
            stream.codec_context.skip_frame = "NONREF" if packet.pts not in wanted else "DEFAULT"
            for frame in packet.decode():
                stored = _stored(stream, frame)
                if frame.pts in wanted:
                    found[wanted[frame.pts]] = stored.rgb()
            if len(found) == len(wanted):
                break
    return found


@dataclass(frozen=True, slots=True)
class StoredFrame:
    """A decoded frame. Its pictures are made when they are asked for."""

    display: Display
    decoded: av.VideoFrame

    def luma(self) -> NDArray[np.uint8]:
        """As it is stored (16 black, 235 white), H×W. Raises UnreadableVideo for a frame that is to be shown turned or
        stretched."""
        if self.display.changes:
            raise UnreadableVideo("its frames are to be shown turned or stretched")
        frame = self.decoded
        plane = (frame if frame.format.name in _STORED_LUMA else frame.reformat(format="yuv420p", threads=1)).planes[0]
        return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]

    def rgb(self) -> Frame:
        """As ``read_frames`` gives it."""
        return _shown(self.display, self.decoded)


def read_stored_frames(path: Path) -> Iterator[StoredFrame]:
    """Every frame of a file. Raises as ``read_frames`` does."""
    with opened(path) as (_, frames):
        yield from frames


def read_luma(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Every frame's ``StoredFrame.luma``. Raises as that and ``read_frames`` do."""
    return (frame.luma() for frame in read_stored_frames(path))


def _decoded(container: av.container.InputContainer, stream: av.VideoStream) -> Iterator[StoredFrame]:
    for number, frame in enumerate(container.decode(stream), start=1):
        _refuse_count(number)
        yield _stored(stream, frame)


def _stored(stream: av.VideoStream, frame: av.VideoFrame) -> StoredFrame:
    _refuse_size(frame.width, frame.height)
    # A stream must not be looked at once its container is closed; frames may.
    return StoredFrame(Display.of(stream, frame), frame)


def _pictures(container: av.container.InputContainer) -> av.VideoStream:
    """The video; a cover picture is none."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            return stream
    raise UnreadableVideo("the MP4 file has no video stream")


def _probe_stream(stream: av.VideoStream, boxes: mp4.BoxSummary, size_bytes: int) -> Probe:
    coder = stream.codec_context
    _refuse_size(coder.width, coder.height)
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


def _refuse_count(frames: int) -> None:
    if frames > MAX_DECLARED_FRAMES:
        raise UnreadableVideo(f"has more than {MAX_DECLARED_FRAMES} frames, which is the most that is accepted")


def _refuse_size(width_px: int, height_px: int) -> None:
    if not 0 < width_px * height_px <= MAX_PIXELS:
        raise UnreadableVideo(f"frames of {width_px}×{height_px}, at most {MAX_PIXELS} pixels are accepted")


def _shown(display: Display, frame: av.VideoFrame) -> Frame:
    width_px, height_px = display.square(frame.width, frame.height)
    _refuse_size(width_px, height_px)
    # One thread: a scaler with threads of its own cannot be freed in a forked process, which then waits for ever.
    pixels = frame.to_ndarray(format="rgb24", width=width_px, height=height_px, threads=1)
    return display.turned(cast(Frame, pixels)) if display.changes else cast(Frame, pixels)
