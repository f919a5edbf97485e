"""Pixels to MP4: the one writer of clips."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from numpy.typing import NDArray

from its_core.clip import Geometry
from its_core.storage import replacing

Frame = NDArray[np.uint8]  # H×W×3, RGB

# Measured on noisy 1280×704 × 93 frames: 1 to 2 s and 0.3 to 3.4 MB a clip; "superfast" doubles the bytes, "faster" the
# time, for the same picture. Three things would make the bytes vary: the number of threads, so it is one; x264's
# macroblock tree, whose AVX code gives varying results where the width is no multiple of 128; and the code that x264
# chooses by the processor, some of which is not exact. A fixed camera's clip has neither cuts nor fades: without the
# search for them and for the best number of B-frames the same quality takes a quarter less time and up to 2 % more
# bytes. Blocks of 4x4 and motion of parts of a block cost a third of the time and gain nothing on noisy pictures. Finer
# steps for flat blocks (aq-mode) take bits from what moves; B-frames that others refer to gain nothing. The preset's
# subme=2 stays: with less, a car that brakes seems to stop and jump.
ENCODER = {
    "preset": "veryfast",
    "x264-params": "mbtree=0:cpu-independent=1:b-adapt=0:scenecut=0:weightp=0:partitions=i8x8:me=dia:aq-mode=0"
    ":b-pyramid=none",
}
DEFAULT_CRF = 23.0
# In the metadata of every clip, so that a program that has nothing but the file can tell.
SYNTHETIC_STATEMENT = "Synthetic video: no event in it took place."


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
    with Mp4Writer(path, geometry, crf) as writer:
        for frame in frames:
            writer.add(frame)


class Mp4Writer:
    """Encodes frames as they come, as ``write_mp4`` does. The file is complete when the block has ended without an
    error; what was written until then lies under its name."""

    def __init__(self, path: Path, geometry: Geometry, crf: float = DEFAULT_CRF) -> None:
        self._geometry, self._count = geometry, 0
        options = {"movflags": "+faststart", "fflags": "+bitexact"}
        self._container = av.open(str(path.absolute()), "w", format="mp4", options=options)
        self._container.metadata["comment"] = SYNTHETIC_STATEMENT
        stream = self._container.add_stream("libx264", rate=geometry.fps)
        stream.width, stream.height, stream.pix_fmt = geometry.width_px, geometry.height_px, "yuv420p"
        coder = stream.codec_context
        coder.thread_count = 1
        coder.time_base = Fraction(1, geometry.fps)
        coder.options = ENCODER | {"crf": str(crf)}
        coder.color_primaries, coder.color_trc = int(ColorPrimaries.BT709), int(ColorTrc.BT709)
        coder.colorspace, coder.color_range = int(Colorspace.ITU709), int(ColorRange.MPEG)
        self._stream = stream

    def __enter__(self) -> Mp4Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                if self._count != self._geometry.frames:
                    raise ValueError(f"the geometry asks for {self._geometry.frames} frames, {self._count} came")
                self._container.mux(self._stream.encode())
        finally:
            self._container.close()

    def add(self, frame: Frame) -> None:
        """Raises ValueError for a frame of another shape, or for one too many."""
        if self._count == self._geometry.frames:
            raise ValueError(f"the geometry asks for {self._geometry.frames} frames, more came")
        self._container.mux(self._stream.encode(_to_yuv(frame, self._count, self._geometry)))
        self._count += 1


def _to_yuv(frame: Frame, index: int, geometry: Geometry) -> av.VideoFrame:
    from its_core.video.conversion import to_planes  # loads Numba, which readers need not

    shape = (geometry.height_px, geometry.width_px, 3)
    if frame.shape != shape or frame.dtype != np.uint8:
        raise ValueError(f"frame {index} is {frame.shape} {frame.dtype}, the geometry asks for {shape} uint8")
    converted = av.VideoFrame(geometry.width_px, geometry.height_px, "yuv420p")
    planes = [np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size) for plane in converted.planes]
    to_planes(np.ascontiguousarray(frame), *planes)
    converted.colorspace, converted.color_range = int(Colorspace.ITU709), int(ColorRange.MPEG)
    converted.color_primaries, converted.color_trc = int(ColorPrimaries.BT709), int(ColorTrc.BT709)
    converted.pts, converted.time_base = index, Fraction(1, geometry.fps)
    return converted
