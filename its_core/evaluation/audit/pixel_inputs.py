"""What a classifier may look at of the pictures before anything happens, and of the file."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from its_core import storage
from its_core.evaluation.ground_truth import TrueClip

Floats = NDArray[np.float64]
_SIZE_PX = (36, 64)
_FULL_STRIP = 12  # rows of the small picture at its top and bottom, where overlays are


def inputs(clip: TrueClip) -> dict[str, Floats]:
    """Named inputs, each one row of numbers of the same length for every clip."""
    from its_core.dataset.loading import decode  # needs torch, which a build needs for nothing else

    frames, times_s = decode.at_rate(clip.video_url, 8.0, (144, 256))
    grey = frames.float().mean(dim=1).numpy().astype(np.float64)
    small = grey.reshape(len(grey), _SIZE_PX[0], 4, _SIZE_PX[1], 4).mean(axis=(2, 4))
    second = [place for place, time_s in enumerate(times_s) if time_s <= 1.0]
    motion = np.abs(np.diff(small[second], axis=0)).mean(axis=0) if len(second) > 1 else np.zeros(_SIZE_PX)
    first = small[0]
    strips = np.r_[first[: _FULL_STRIP // 4].ravel(), first[-_FULL_STRIP // 4 :].ravel()]
    return {
        "first frame": first.reshape(9, 4, 16, 4).mean(axis=(1, 3)).ravel(),
        "last frame": small[-1].reshape(9, 4, 16, 4).mean(axis=(1, 3)).ravel(),
        "motion in the first second": np.r_[
            motion.reshape(9, 4, 16, 4).mean(axis=(1, 3)).ravel(), motion.mean(), motion.max()
        ],
        "brightness": _tones(grey[0]),
        "noise": _noise(grey),
        "overlay strips": strips,
        "size of the file": np.asarray([float(storage.stat(clip.video_url).size_bytes)]),
    }


def _tones(frame: Floats) -> Floats:
    return np.asarray([frame.mean(), frame.std(), *np.quantile(frame, [0.01, 0.25, 0.5, 0.75, 0.99])])


def _noise(grey: Floats) -> Floats:
    """How much neighbouring pixels differ, and how much still pixels flicker, in the first frames."""
    across = np.abs(np.diff(grey[0], axis=1))
    flicker = np.median(np.abs(np.diff(grey[:4], axis=0)), axis=0) if len(grey) > 1 else np.zeros_like(grey[0])
    return np.asarray([np.median(across), across.mean(), np.median(flicker), flicker.mean()])
