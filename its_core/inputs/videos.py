"""MP4 videos that a clip goes on from: whole, and their last frames."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from its_core import video
from its_core.inputs.formats import UnusableInput, refuse_size


def check_video(path: Path) -> None:
    """Decodes a video to its end. Raises UnusableInput."""
    read_last_frames(path, 1)


def read_last_frames(path: Path, count: int) -> NDArray[np.uint8]:
    """The last ``count`` frames, T×H×W×3 RGB, turned as the file says and with square pixels.

    Raises:
        UnusableInput: it is no MP4 video that can be decoded to its end, it is HDR, or has fewer frames.
    """
    try:
        found = video.probe(path)
        if found.missing_bytes:
            cut = f"is cut off: {found.missing_bytes} of {found.size_bytes + found.missing_bytes} bytes are missing"
            raise UnusableInput(cut, code="input.cut_off")
        if found.colours.is_hdr:
            raise UnusableInput("is an HDR video (PQ or HLG); convert it to SDR, BT.709", code="input.hdr")
        with video.decoder_complaints() as complaints:
            frames = video.read_last_frames(path, count)
    except video.UnreadableVideo as error:
        raise UnusableInput(f"cannot be decoded as video ({error})") from None
    except av.FFmpegError as error:  # its text has the path
        raise UnusableInput(f"cannot be decoded to its end ({error.strerror})") from None
    if complaints.damage:
        raise UnusableInput(f"has broken pictures ({complaints.damage})")
    if len(frames) < count:
        raise UnusableInput(f"has {len(frames)} frames; {count} are needed", code="input.too_short")
    if len({frame.shape for frame in frames}) > 1:
        raise UnusableInput("changes the size of its frames", code="input.size")
    height_px, width_px, _ = frames[-1].shape
    refuse_size(width_px, height_px)
    return np.stack(frames)
