"""Footage at the model's rate and size, in windows of the model's length."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from its_core import video
from its_core.clip import Geometry
from its_core.engines.cosmos.conditioning import scale_and_crop
from its_core.engines.engine import EngineFailure
from its_core.errors import FactoryError
from its_core.mp4 import UnreadableVideo

Frames = NDArray[np.uint8]  # T H W 3, RGB
SLOWEST = 0.9  # of the model's rate: footage slower than that would be shown with more than one frame in ten twice
_LOST = 2  # frames that a resampled clip may be short of what its headers promise


class UnusableClip(FactoryError, ValueError):
    """A clip that cannot be learnt from; the message says why, without the clip's name."""

    default_code = "post_training.clip.unusable"


@dataclass(frozen=True, slots=True)
class Footage:
    """What a file holds, and how it will be read."""

    path: Path
    fps: float
    width_px: int
    height_px: int
    expected_frames: int  # at the model's rate; 0 where the file does not say
    resampled: bool


def look(path: Path, geometry: Geometry) -> Footage:
    """Reads a file's headers. Raises UnusableClip for what is no readable MP4, HDR, too slow or too short."""
    if not path.is_file():
        raise UnusableClip("no such file", code="post_training.clip.missing")
    try:
        probe = video.probe(path)
    except UnreadableVideo as error:
        raise UnusableClip(str(error), code="post_training.clip.unreadable") from None
    if probe.missing_bytes:
        raise UnusableClip(f"cut off: {probe.missing_bytes} bytes are missing", code="post_training.clip.unreadable")
    if probe.colours.is_hdr:
        raise UnusableClip("HDR (PQ or HLG); convert it to SDR, BT.709", code="post_training.clip.hdr")
    if probe.fps is None or probe.fps <= 0:
        raise UnusableClip("it does not say its frame rate", code="post_training.clip.unreadable")
    if probe.fps < SLOWEST * geometry.fps:
        raise UnusableClip(
            f"{probe.fps:g} fps, the model is for {geometry.fps}: frames would have to be shown twice; "
            f"train the 10-fps model, or leave it out",
            code="post_training.clip.too_slow",
        )
    expected = round(probe.declared_frames * geometry.fps / probe.fps)  # 0 where a fragmented file does not say
    if probe.declared_frames and expected < geometry.frames:
        raise UnusableClip(
            f"{probe.declared_frames} frames at {probe.fps:g} fps are {expected} at {geometry.fps} fps, "
            f"a window has {geometry.frames}",
            code="post_training.clip.too_short",
        )
    resampled = abs(probe.fps - geometry.fps) > 1e-3
    return Footage(path, probe.fps, probe.width_px, probe.height_px, expected, resampled)


def read(footage: Footage, geometry: Geometry, working_size_px: tuple[int, int]) -> Iterator[Frames]:
    """The whole clip frame by frame, T = 1, at the model's rate, scaled and cropped as inference does with its input.

    Raises UnusableClip where the file turns out to be broken.
    """
    count = 0
    try:
        with video.decoder_complaints() as complaints:
            reader = video.read_frames_at(footage.path, geometry.fps) if footage.resampled else None
            for frame in reader or video.read_frames(footage.path):
                count += 1
                yield _fitted(frame[None], geometry, working_size_px)
    except (av.FFmpegError, UnreadableVideo, OSError) as error:
        reason = f"breaks off after frame {count}: {' '.join(str(error).split())}"
        raise UnusableClip(reason, code="post_training.clip.unreadable") from None
    except EngineFailure as failure:
        raise UnusableClip(failure.reason, code="post_training.clip.unreadable") from None
    if complaints.damage:
        raise UnusableClip(f"broken pictures ({complaints.damage})", code="post_training.clip.unreadable")
    if count < footage.expected_frames - _LOST:
        raise UnusableClip(
            f"breaks off: {count} of {footage.expected_frames} frames could be decoded",
            code="post_training.clip.unreadable",
        )


def _fitted(frames: Frames, geometry: Geometry, working_size_px: tuple[int, int]) -> Frames:
    """At the size of the clip, then of the network where that is another one, as the engine does it."""
    scaled = scale_and_crop(frames, geometry.width_px, geometry.height_px)
    if working_size_px == (geometry.width_px, geometry.height_px):
        return scaled
    return np.asarray(Image.fromarray(scaled[0]).resize(working_size_px, Image.Resampling.BILINEAR))[None]


def windows(frames: Iterable[Frames], length: int, event_frame: float | None = None) -> Iterator[tuple[int, Frames]]:
    """Windows of ``length`` frames, each with its first frame's number: one after another, and one that ends with the
    clip's last frame. With an event, the one that has it nearest its middle. Nothing where the clip is too short."""
    event_start = None if event_frame is None else max(0, round(event_frame - length / 2))
    kept: deque[Frames] = deque(maxlen=length)
    count, last_start = 0, -1
    for frame in frames:
        kept.append(frame)
        count += 1
        start = count - length
        if start == event_start if event_start is not None else count % length == 0:
            last_start = start
            yield start, np.concatenate(kept)
    missing_end = last_start < 0 if event_start is not None else count - length != last_start
    if count >= length and missing_end:
        yield count - length, np.concatenate(kept)
