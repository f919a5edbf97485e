"""Size, frame rate and length of a clip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Resolution = Literal["720", "480"]
Fps = Literal[10, 16]

# Width × height at 16:9, the one aspect the LoRA script renders. "720" is 704 high: the network wants multiples of 16.
SIZE_PX: dict[Resolution, tuple[int, int]] = {"720": (1280, 704), "480": (768, 432)}
# The frame rate fixes the length: the video VAE packs 4 frames in a latent after a first one of its own.
LATENT_FRAMES: dict[Fps, int] = {16: 24, 10: 16}


@dataclass(frozen=True, slots=True)
class Geometry:
    width_px: int
    height_px: int
    fps: int
    frames: int

    @classmethod
    def of(cls, resolution: Resolution, fps: Fps) -> Geometry:
        width_px, height_px = SIZE_PX[resolution]
        return cls(width_px, height_px, fps, frames=4 * (LATENT_FRAMES[fps] - 1) + 1)

    @property
    def duration_s(self) -> float:
        return self.frames / self.fps
