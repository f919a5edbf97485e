"""Chosen frames of a clip as a tensor, decoded by PyAV (FFmpeg)."""

from __future__ import annotations

from collections.abc import Sequence
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
    _keep_freed_memory()
    room: Room | None = None
    done = 0
    try:
        with av.open(for_decoder(url), format="mp4") as container:
            assert isinstance(container, InputContainer)
            stream = container.streams.video[0]
            stream.codec_context.thread_count = threads
            for number, frame in enumerate(container.decode(stream)):
                if number != wanted[done]:
                    continue
                height, width = size_px or (frame.height, frame.width)
                picture = _rgb(frame, height, width)
                if room is None:
                    room = Room(len(wanted), height, width)
                if picture.shape != room.frames.shape[1:]:
                    raise LoadError(f"{url}: changes its size at frame {number}", code="load.clip_unreadable")
                while done < len(wanted) and wanted[done] == number:
                    room.put(done, picture)
                    done += 1
                if done == len(wanted):
                    return room.frames.permute(0, 3, 1, 2)
    except FileNotFoundError:
        raise LoadError(f"{url}: the clip is not there", code="load.clip_missing") from None
    except (av.FFmpegError, IndexError) as error:
        reason = getattr(error, "strerror", None) or "it holds no video"
        raise LoadError(f"{url}: cannot be decoded: {reason}", code="load.clip_unreadable") from None
    raise LoadError(f"{url}: ends before frame {wanted[done]}", code="load.clip_unreadable")


def _rgb(frame: av.VideoFrame, height: int, width: int) -> NDArray[np.uint8]:
    """The picture where FFmpeg left it, without the copy that ``to_ndarray`` makes."""
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
    _keep_freed_memory()
    kept: list[torch.Tensor] = []
    times_s: list[float] = []
    try:
        with av.open(for_decoder(url)) as container:
            assert isinstance(container, InputContainer)
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            for number, frame in enumerate(container.decode(stream)):
                time_s = float(frame.time or 0.0)
                if time_s * fps < len(kept) - 1e-6:
                    continue
                height, width = size_px or (frame.height, frame.width)
                if kept and kept[0].shape[:2] != (height, width):
                    raise LoadError(f"{url}: changes its size at frame {number}", code="load.clip_unreadable")
                kept.append(torch.from_numpy(_rgb(frame, height, width).copy()))
                times_s.append(time_s)
    except FileNotFoundError:
        raise LoadError(f"{url}: the clip is not there", code="load.clip_missing") from None
    except (av.FFmpegError, IndexError) as error:
        reason = getattr(error, "strerror", None) or "it holds no video"
        raise LoadError(f"{url}: cannot be decoded: {reason}", code="load.clip_unreadable") from None
    if not kept:
        raise LoadError(f"{url}: holds no frame", code="load.clip_unreadable")
    return torch.stack(kept).permute(0, 3, 1, 2), times_s
