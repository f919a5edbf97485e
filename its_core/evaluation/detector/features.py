"""Small grey frames of every clip, decoded once and kept on disk."""

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

FPS = 10.0
SIZE_PX = (216, 384)  # height, width
_FORMAT = 2
_BACKGROUND_FRAMES = 21
_GREY = np.array([0.299, 0.587, 0.114], np.float32)  # BT.601 luma


@dataclass(frozen=True, slots=True)
class Features:
    """``frames``, uint8 [T, height, width], stay on disk until they are read. ``background``, uint8 [height, width], is
    each pixel's median over the clip. ``times_s`` [T] are seconds from the clip's start."""

    frames: NDArray[np.uint8]
    background: NDArray[np.uint8]
    times_s: NDArray[np.float32]


def load(clip: TrueClip, cache: Path) -> Features:
    """From the cache, or decoded and kept there. Raises LoadError for a clip that cannot be decoded."""
    name = _name(clip)
    pictures, times = cache / f"{name}.npy", cache / f"{name}.times.npy"
    if not times.exists():
        frames, times_s = decode.at_rate(clip.video_url, FPS, SIZE_PX)
        grey = np.round(frames.permute(0, 2, 3, 1).numpy() @ _GREY).astype(np.uint8)
        cache.mkdir(parents=True, exist_ok=True)
        _keep(pictures, np.concatenate([grey, _background(grey)[None]]))
        _keep(times, np.asarray(times_s, np.float32))  # last: its presence says that both are whole
    kept = np.load(pictures, mmap_mode="r", allow_pickle=False)
    return Features(kept[:-1], kept[-1], np.load(times, allow_pickle=False))


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


def _keep(path: Path, values: NDArray[np.generic]) -> None:
    with storage.replacing(path) as part, part.open("wb") as file:
        np.save(file, values, allow_pickle=False)


def _background(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    chosen = np.unique(np.linspace(0, len(frames) - 1, _BACKGROUND_FRAMES).astype(int))
    middle: NDArray[np.uint8] = np.sort(frames[chosen], axis=0)[len(chosen) // 2]
    return middle


def _name(clip: TrueClip) -> str:
    """By what the file holds, as far as the labels say it, else by where it lies."""
    content = clip.row.get("clip_sha256") or clip.video_url
    return hashlib.sha256(f"{content} {FPS} {SIZE_PX} {_FORMAT}".encode()).hexdigest()[:32]
