"""What the guardrail's parts promise."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.uint8]  # T×H×W×3, RGB


class TextCheck(Protocol):
    name: str

    def blocks(self, prompt: str) -> str | None:
        """Why the prompt is blocked; None when it is safe."""


class FrameCheck(Protocol):
    name: str

    def blocks(self, frames: Frames) -> str | None:
        """Why the frames are blocked; None when they are safe."""


class FrameFilter(Protocol):
    name: str

    def apply(self, frames: Frames) -> tuple[Frames, int]:
        """The frames as they may be shown, and in how many of them something was changed."""
