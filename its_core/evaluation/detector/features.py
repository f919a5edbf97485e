"""Small grey frames and the optical flow of every clip, made once and kept on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from its_core import storage
from its_core.dataset.loading import decode
from its_core.evaluation.baselines.optical_flow import OpenCvMissing
from its_core.evaluation.ground_truth import TrueClip

FPS = 10.0
SIZE_PX = (216, 384)  # height, width
FLOW_PX = 2  # pixels of SIZE_PX on a side that share a flow vector
_FORMAT = 5
_BACKGROUND_FRAMES = 21


@dataclass(frozen=True, slots=True)
class Features:
    """``frames``, uint8 [T, height, width], and ``flow`` stay on disk until they are read.

    ``flow``, float16 [T, 2, height / 2, width / 2], is the way to the next frame in pixels of ``frames``, x before y.
    ``background``, uint8 [height, width], is each pixel's median over the clip. ``times_s`` [T] are seconds from the
    clip's start.
    """

    frames: NDArray[np.uint8]
    flow: NDArray[np.float16]
    background: NDArray[np.uint8]
    times_s: NDArray[np.float32]


def load(clip: TrueClip, cache: Path) -> Features:
    """From the cache, or made and kept there. Raises LoadError for a clip that cannot be decoded, and OpenCvMissing."""
    name = _name(clip)
    pictures, motion, times = (cache / f"{name}.{kind}.npy" for kind in ("frames", "flow", "times"))
    if not times.exists():
        frames, times_s = decode.at_rate(clip.video_url, FPS, SIZE_PX)
        grey, background, flow = grey_and_flow(frames)
        cache.mkdir(parents=True, exist_ok=True)
        _keep(pictures, np.concatenate([grey, background[None]]))
        _keep(motion, flow)
        _keep(times, np.asarray(times_s, np.float32))  # last: its presence says that all are whole
    kept, flow = (np.load(path, mmap_mode="r", allow_pickle=False) for path in (pictures, motion))
    return Features(kept[:-1], flow, kept[-1], np.load(times, allow_pickle=False))


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


def grey_and_flow(frames: Tensor) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float16]]:
    """Grey frames and their background in ``SIZE_PX``, and the flow: dense inverse search (Kroeger et al., 2016).

    The search ends in the full size of the frames, uint8 [T, 3, height, width], of ``SIZE_PX`` or larger. Ended at a
    quarter of it, as OpenCV's fast preset does, it gives small road users the motion of the road around them. Larger
    frames take longer and make it no better (``benchmarks/flow.py``).
    """
    try:
        import cv2
    except ImportError:
        raise OpenCvMissing("the detector needs OpenCV: pip install 'its-accident-factory[evaluation]'") from None
    cv2.setNumThreads(1)  # clips are decoded side by side, and more threads would give other vectors
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    search.setFinestScale(0)
    search.setPatchStride(5)
    search.setVariationalRefinementIterations(0)  # it takes longer than the search and makes it no better here
    full: list[Any] = [
        cv2.cvtColor(np.ascontiguousarray(each.permute(1, 2, 0).numpy()), cv2.COLOR_RGB2GRAY) for each in frames
    ]
    small: list[Any] = [cv2.resize(each, SIZE_PX[::-1], interpolation=cv2.INTER_AREA) for each in full]
    grey = np.stack(small)
    background = _background(grey)
    height, width = frames.shape[2:]
    nothing = np.zeros((height, width, 2), np.float32)
    flow: list[NDArray[np.floating]] = []
    for at, (before, after) in enumerate(pairwise(full)):
        way: Any = cv2.resize(search.calc(before, after, nothing), SIZE_PX[::-1], interpolation=cv2.INTER_AREA)
        flow.append(_of_the_foreground(way, grey[at], background) * (SIZE_PX[0] / height))
    flow.append(flow[-1] if flow else np.zeros((2, SIZE_PX[0] // FLOW_PX, SIZE_PX[1] // FLOW_PX)))
    return grey, background, np.stack(flow).astype(np.float16)


def _of_the_foreground(
    way: NDArray[np.float32], frame: NDArray[np.uint8], background: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Means over ``FLOW_PX`` pixels a side, in which a pixel counts the more the more it differs from the background.
    [height, width, 2] to [2, height / 2, width / 2]"""
    weight = np.abs(frame.astype(np.float32) - background) + 1
    summed = np.stack([_summed(way[..., axis] * weight) for axis in (0, 1)])
    mean: NDArray[np.float32] = summed / _summed(weight)
    return mean


def _summed(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Over ``FLOW_PX`` pixels a side. Slices are added, as NumPy's sum over so short axes takes ten times as long."""
    sides = product(range(FLOW_PX), repeat=2)
    return reduce(np.add, [values[row::FLOW_PX, column::FLOW_PX] for row, column in sides])


def _background(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    chosen = np.unique(np.linspace(0, len(frames) - 1, _BACKGROUND_FRAMES).astype(int))
    middle: NDArray[np.uint8] = np.sort(frames[chosen], axis=0)[len(chosen) // 2]
    return middle


def _name(clip: TrueClip) -> str:
    """By what the file holds, as far as the labels say it, else by where it lies."""
    content = clip.row.get("clip_sha256") or clip.video_url
    return hashlib.sha256(f"{content} {FPS} {SIZE_PX} {_FORMAT}".encode()).hexdigest()[:32]
