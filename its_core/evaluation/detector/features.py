"""Low-resolution grey frames of every clip, decoded once and kept on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from its_core import storage
from its_core.dataset.loading import decode
from its_core.evaluation.ground_truth import TrueClip

FPS = 8.0
SIZE_PX = (80, 144)  # height, width
_FORMAT = 1
_GREY = np.array([0.299, 0.587, 0.114], np.float32)  # BT.601 luma


@dataclass(frozen=True, slots=True)
class Features:
    """A clip's frames, uint8 [T, height, width], and the time of each in seconds."""

    frames: NDArray[np.uint8]
    times_s: NDArray[np.float32]


def load(clip: TrueClip, cache: Path) -> Features:
    """From the cache, or decoded and kept there. Raises LoadError for a clip that cannot be decoded."""
    path = cache / f"{_name(clip)}.npz"
    if not path.exists():
        frames, times_s = decode.at_rate(clip.video_url, FPS, SIZE_PX)
        grey = np.round(frames.permute(0, 2, 3, 1).numpy() @ _GREY).astype(np.uint8)
        path.parent.mkdir(parents=True, exist_ok=True)
        with storage.replacing(path) as part, part.open("wb") as file:
            np.savez(file, frames=grey, times_s=np.asarray(times_s, np.float32))
    with np.load(path, allow_pickle=False) as kept:
        return Features(kept["frames"], kept["times_s"])


def load_all(
    clips: Iterable[TrueClip], cache: Path, threads: int = 2, on_clip: Callable[[str], None] | None = None
) -> dict[str, Features]:
    """By clip; several are decoded at once."""
    clips = list(clips)
    found: dict[str, Features] = {}
    with ThreadPoolExecutor(threads) as pool:
        for clip, features in zip(clips, pool.map(lambda clip: load(clip, cache), clips), strict=True):
            found[clip.clip_id] = features
            if on_clip is not None:
                on_clip(clip.clip_id)
    return found


def _name(clip: TrueClip) -> str:
    """By what the file holds, as far as the labels say it, else by where it lies."""
    content = clip.row.get("clip_sha256") or clip.video_url
    return hashlib.sha256(f"{content} {FPS} {SIZE_PX} {_FORMAT}".encode()).hexdigest()[:32]
