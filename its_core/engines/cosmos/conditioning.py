"""The frames that start a clip: an image, or the last frames of a video, scaled and cropped to the clip's size."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from numpy.typing import NDArray

from its_core import inputs, storage
from its_core.clip import ClipRequest, Geometry, Outcome
from its_core.engines.engine import EngineFailure


def read_conditioning(path: str | None, count: int, geometry: Geometry) -> NDArray[np.uint8]:
    """The ``count`` (1 or 5) frames that start a clip, T×H×W×3 RGB.

    Raises EngineFailure (``rejected_input``) for anything but a readable image or a video with enough frames.
    """
    if path is None:
        raise _rejected("no input: Video2World starts from an image or a video (--input_path)")
    file = Path(path)
    if not file.is_file():
        raise _rejected(f"{path}: no such file")
    try:
        if inputs.kind_of(path) == "video":
            frames = inputs.read_last_frames(file, count)
        elif count == 1:
            frames = inputs.read_picture(file)[None]
        else:
            raise _rejected(f"{path}: --num_conditional_frames {count} needs a video (.mp4), this is an image")
    except inputs.UnusableInput as error:
        raise _rejected(f"{path}: {error}") from None
    return scale_and_crop(frames, geometry.width_px, geometry.height_px)


def read_planned(request: ClipRequest, count: int) -> NDArray[np.uint8]:
    """The frames that start a request's clip, T×H×W×3 RGB.

    Raises EngineFailure: ``engine_error`` when the input is not any more the one that the clip was named for,
    ``rejected_input`` as ``read_conditioning`` does.
    """
    try:
        frames = read_conditioning(request.input_path, count, request.geometry)
    except EngineFailure:
        _refuse_change(request)
        raise
    _refuse_change(request)  # after it was read
    return frames


def _refuse_change(request: ClipRequest) -> None:
    if request.input_sha256 is None or request.input_path is None:
        return
    try:
        is_same = storage.sha256_file(Path(request.input_path)) == request.input_sha256
    except OSError as error:
        reason = f"{request.input_path}: cannot be read since the build was planned from it ({error.strerror})"
        raise EngineFailure(Outcome.ENGINE_ERROR, f"{reason}: put it back, or build again") from None
    if not is_same:
        reason = f"{request.input_path}: was changed after the build was planned from it: build again"
        raise EngineFailure(Outcome.ENGINE_ERROR, reason)


def scale_and_crop(frames_THW3: NDArray[np.uint8], width_px: int, height_px: int) -> NDArray[np.uint8]:
    """Scales until both sides cover the target (bilinear, antialiased, rounded up), then crops around the centre."""
    _, height, width, _ = frames_THW3.shape
    scale = max(width_px / width, height_px / height)
    size = (math.ceil(scale * height), math.ceil(scale * width))
    if size[0] * size[1] > inputs.MAX_PIXELS:
        raise _rejected(f"an input of {width}×{height} is too narrow for a clip of {width_px}×{height_px}")
    pixels = rearrange(torch.tensor(frames_THW3), "t h w c -> t c h w").float()
    if size != (height, width):
        pixels = torch.nn.functional.interpolate(pixels, size, mode="bilinear", antialias=True)
    top, left = round((size[0] - height_px) / 2), round((size[1] - width_px) / 2)
    cropped = pixels[:, :, top : top + height_px, left : left + width_px].round().clamp(0, 255).to(torch.uint8)
    return rearrange(cropped, "t c h w -> t h w c").contiguous().numpy()


def _rejected(reason: str) -> EngineFailure:
    return EngineFailure(Outcome.REJECTED_INPUT, reason)
