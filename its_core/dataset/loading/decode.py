"""Chosen frames of a clip as a tensor, decoded by PyAV (FFmpeg)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

import av
import numpy as np
import torch
from av.container import InputContainer
from numpy.typing import NDArray

from its_core.dataset.loading.files import LoadError, for_decoder
from its_core.dataset.loading.room import Room


def frames(url: str, wanted: Sequence[int], size_px: tuple[int, int] | None = None, threads: int = 1) -> torch.Tensor:
    """Frames of a video, RGB.

    Args:
        wanted: frame numbers from 0, rising; one may be repeated.
        size_px: height and width to scale to while decoding; None: as they are.
        threads: of the decoder; 0: as many as FFmpeg likes.

    Returns:
        uint8, [frames, 3, height, width], 0 to 255. Channels lie last in memory, as a decoder leaves them.

    Raises:
        LoadError: the file is missing, is no video, or ends before the last wanted frame, or shared memory is full.
    """
    room: Room | None = None
    done = 0
    with _decoding(url, threads, "mp4") as decoded:
        for number, frame in enumerate(decoded):
            if number != wanted[done]:
                continue
            picture = _rgb(frame, size_px)
            if room is None:
                room = Room(len(wanted), *picture.shape[:2])
            _refuse_change(url, number, picture, room.frames[0])
            while done < len(wanted) and wanted[done] == number:
                room.put(done, picture)
                done += 1
            if done == len(wanted):
                return room.frames.permute(0, 3, 1, 2)
    raise LoadError(f"{url}: ends before frame {wanted[done]}", code="load.clip_unreadable")


@contextmanager
def _decoding(url: str, threads: int, container_format: str | None = None) -> Iterator[Iterator[av.VideoFrame]]:
    """A video's frames. What goes wrong while they are looked at is a LoadError, too."""
    _keep_freed_memory()
    try:
        with av.open(for_decoder(url), format=container_format) as container:
            assert isinstance(container, InputContainer)
            stream = container.streams.video[0]
            stream.codec_context.thread_count = threads
            yield container.decode(stream)
    except FileNotFoundError:
        raise LoadError(f"{url}: the clip is not there", code="load.clip_missing") from None
    except (av.FFmpegError, IndexError) as error:
        reason = getattr(error, "strerror", None) or "it holds no video"
        raise LoadError(f"{url}: cannot be decoded: {reason}", code="load.clip_unreadable") from None


def _refuse_change(url: str, number: int, picture: NDArray[np.uint8], first: torch.Tensor) -> None:
    if picture.shape != first.shape:
        raise LoadError(f"{url}: changes its size at frame {number}", code="load.clip_unreadable")


def _rgb(frame: av.VideoFrame, size_px: tuple[int, int] | None) -> NDArray[np.uint8]:
    """The picture where FFmpeg left it, without the copy that ``to_ndarray`` makes."""
    height, width = size_px or (frame.height, frame.width)
    plane = frame.reformat(format="rgb24", width=width, height=height, threads=1).planes[0]
    lines: NDArray[np.uint8] = np.frombuffer(memoryview(plane), np.uint8).reshape(height, plane.line_size)
    return lines[:, : 3 * width].reshape(height, width, 3)


@cache
def _keep_freed_memory() -> None:
    """glibc gives large blocks back to the system when they are freed, and each new picture faults its pages in again.
    Once a block of this size has been freed, it keeps blocks up to that size, and up to twice as much free memory, for
    the whole process (mallopt(3), M_MMAP_THRESHOLD). Other C libraries do as before."""
    bytearray(31 << 20)


def at_rate(url: str, fps: float, size_px: tuple[int, int] | None = None) -> tuple[torch.Tensor, list[float]]:
    """A whole clip at ``fps`` frames a second or its own rate, whichever is lower.

    Returns:
        Frames as ``frames`` returns them, and the time of each in seconds from the clip's start.

    Raises:
        LoadError: as ``frames``.
    """
    kept: list[torch.Tensor] = []
    times_s: list[float] = []
    with _decoding(url, threads=1) as decoded:
        for number, frame in enumerate(decoded):
            time_s = float(frame.time or 0.0)
            if time_s * fps < len(kept) - 1e-6:
                continue
            picture = _rgb(frame, size_px)
            if kept:
                _refuse_change(url, number, picture, kept[0])
            kept.append(torch.from_numpy(picture.copy()))
            times_s.append(time_s)
    if not kept:
        raise LoadError(f"{url}: holds no frame", code="load.clip_unreadable")
    return torch.stack(kept).permute(0, 3, 1, 2), times_s
