"""Latents and text embeddings on disk, each under a name that is a hash of what made it.

What is there is never computed again, by whoever it was made; files are safetensors, written whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from its_core.clip import Geometry

if TYPE_CHECKING:
    from torch import Tensor

# Counts up with every change that alters what is computed from the same input and weights.
VERSION = "1"


@dataclass(frozen=True, slots=True)
class ArtefactStore:
    """``vae_sha256`` and ``text_encoder_sha256`` are of the weights; ``working_size_px`` is the network's own size."""

    folder: Path
    geometry: Geometry
    working_size_px: tuple[int, int]
    vae_sha256: str
    text_encoder_sha256: str

    def latents_path(self, video_sha256: str, event_s: float | None) -> Path:
        """The windows of a video: tensors C T H W, float16, named by their first frame."""
        made_by = [VERSION, video_sha256, event_s, asdict(self.geometry), self.working_size_px, self.vae_sha256]
        return self._path("latents", made_by)

    def text_path(self, caption: str) -> Path:
        """The embedding of a caption: ``text`` N D, without its padding."""
        return self._path("texts", [VERSION, caption, self.text_encoder_sha256])

    def _path(self, what: str, made_by: Sequence[object]) -> Path:
        name = hashlib.sha256(json.dumps(made_by, sort_keys=True).encode()).hexdigest()[:32]
        return self.folder / what / name[:2] / f"{name}.safetensors"


def names(path: Path) -> list[str] | None:
    """The tensors that a file holds, None where there is none that can be read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            return sorted(file.keys())
    except (FileNotFoundError, SafetensorError, OSError):
        return None


def read(path: Path, name: str) -> Tensor:
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        tensor: Tensor = file.get_tensor(name)
        return tensor


def window_name(start: int) -> str:
    return f"frame_{start:09d}"


def window_start(name: str) -> int:
    return int(name.removeprefix("frame_"))
