"""Which files may start a clip: by their names, and by the size of their pictures."""

from __future__ import annotations

from pathlib import PurePath
from typing import Literal

from its_core.errors import FactoryError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
VIDEO_SUFFIXES = (".mp4",)
MAX_PIXELS = 64_000_000
MIN_SIDE_PX = 64
# A sliver of an image, scaled until it covers the clip's frame, would fill the memory.
MAX_ASPECT = 8.0


class UnusableInput(FactoryError, ValueError):
    """A picture or video that cannot start a clip. The message is what to say after its name: "is empty"."""

    default_code = "input.unreadable"


def kind_of(name: str) -> Literal["image", "video"]:
    """By the name's ending. Raises UnusableInput."""
    suffix = PurePath(name).suffix.lower()
    if suffix in IMAGE_SUFFIXES:
        return "image"
    if suffix in VIDEO_SUFFIXES:
        return "video"
    known = ", ".join(each.removeprefix(".") for each in (*IMAGE_SUFFIXES, *VIDEO_SUFFIXES))
    raise UnusableInput(f"is a {suffix or 'file without ending'}; use one of {known}", code="input.type")


def refuse_pixels(width_px: int, height_px: int) -> None:
    """Raises UnusableInput for pictures that take too much memory."""
    if width_px * height_px > MAX_PIXELS:
        most = MAX_PIXELS // 10**6
        raise UnusableInput(f"is {width_px}×{height_px} pixels; at most {most} megapixels are read", code="input.size")


def refuse_size(width_px: int, height_px: int) -> None:
    """Raises UnusableInput for pictures that are shown too large, too small or too narrow."""
    refuse_pixels(width_px, height_px)
    size = f"is {width_px}×{height_px} pixels"
    if min(width_px, height_px) < MIN_SIDE_PX:
        raise UnusableInput(f"{size}; each side needs {MIN_SIDE_PX} at least", code="input.size")
    if max(width_px, height_px) > MAX_ASPECT * min(width_px, height_px):
        raise UnusableInput(f"{size}; one side may be {MAX_ASPECT:g} times the other at most", code="input.size")
