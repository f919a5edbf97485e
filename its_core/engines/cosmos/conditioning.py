"""The frames that start a clip: an image, or the last frames of a video, scaled and cropped to the clip's size."""

from __future__ import annotations

import math
from collections import deque
from pathlib import Path

import av
import numpy as np
import torch
from einops import rearrange
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from its_core import storage, video
from its_core.clip import ClipRequest, Geometry, Outcome
from its_core.engines.engine import EngineFailure
from its_core.mp4 import UnreadableVideo

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
VIDEO_SUFFIXES = (".mp4",)
MAX_PIXELS = 64_000_000


def read_conditioning(path: str | None, count: int, geometry: Geometry) -> NDArray[np.uint8]:
    """The ``count`` (1 or 5) frames that start a clip, T×H×W×3 RGB.

    Raises EngineFailure (``rejected_input``) for anything but a readable image or a video with enough frames.
    """
    if path is None:
        raise _rejected("no input: Video2World starts from an image or a video (--input_path)")
    file = Path(path)
    suffix = file.suffix.lower()
    if not file.is_file():
        raise _rejected(f"{path}: no such file")
    if suffix in IMAGE_SUFFIXES:
        if count > 1:
            raise _rejected(f"{path}: --num_conditional_frames {count} needs a video (.mp4), this is an image")
        frames = _read_image(file)[None]
    elif suffix in VIDEO_SUFFIXES:
        frames = _read_last_frames(file, count)
    else:
        known = " ".join((*IMAGE_SUFFIXES, *VIDEO_SUFFIXES))
        raise _rejected(f"{path}: a file of type {suffix or '(none)'}; one of {known} is needed")
    return scale_and_crop(frames, geometry.width_px, geometry.height_px)


def refuse_change(request: ClipRequest) -> None:
    """Raises EngineFailure when the input is not the one that the clip was named for. Asked after it was read."""
    if request.input_sha256 is None or request.input_path is None:
        return
    if storage.sha256_file(Path(request.input_path)) != request.input_sha256:
        reason = f"{request.input_path}: was changed after the build was planned from it: build again"
        raise EngineFailure(Outcome.ENGINE_ERROR, reason)


def _read_image(file: Path) -> NDArray[np.uint8]:
    try:
        with Image.open(file, formats=("PNG", "JPEG", "WEBP")) as image:
            if image.width * image.height > MAX_PIXELS:
                raise _rejected(f"{file}: {image.width}×{image.height} pixels, at most {MAX_PIXELS} are accepted")
            return np.asarray(image.convert("RGB"))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise _rejected(f"{file}: not a readable PNG, JPEG or WebP image: {error}") from None


def _read_last_frames(file: Path, count: int) -> NDArray[np.uint8]:
    last: deque[NDArray[np.uint8]] = deque(maxlen=count)
    try:
        last.extend(video.read_frames(file))
    except (UnreadableVideo, av.FFmpegError, OSError, ValueError) as error:
        raise _rejected(f"{file}: not a readable MP4: {error}") from None
    if len(last) < count:
        raise _rejected(f"{file}: {len(last)} frames, --num_conditional_frames {count} needs at least {count}")
    return np.stack(list(last))


def scale_and_crop(frames_THW3: NDArray[np.uint8], width_px: int, height_px: int) -> NDArray[np.uint8]:
    """Scales until both sides cover the target (bilinear, antialiased, rounded up), then crops around the centre."""
    _, height, width, _ = frames_THW3.shape
    scale = max(width_px / width, height_px / height)
    size = (math.ceil(scale * height), math.ceil(scale * width))
    if size[0] * size[1] > MAX_PIXELS:
        raise _rejected(f"an input of {width}×{height} is too narrow for a clip of {width_px}×{height_px}")
    pixels = rearrange(torch.tensor(frames_THW3), "t h w c -> t c h w").float()
    if size != (height, width):
        pixels = torch.nn.functional.interpolate(pixels, size, mode="bilinear", antialias=True)
    top, left = round((size[0] - height_px) / 2), round((size[1] - width_px) / 2)
    cropped = pixels[:, :, top : top + height_px, left : left + width_px].round().clamp(0, 255).to(torch.uint8)
    return rearrange(cropped, "t c h w -> t h w c").contiguous().numpy()


def _rejected(reason: str) -> EngineFailure:
    return EngineFailure(Outcome.REJECTED_INPUT, reason)
