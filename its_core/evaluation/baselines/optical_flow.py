"""When the amount of motion changes most, and where the motion is then: dense optical flow (Farnebäck) by OpenCV."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from its_core.dataset.loading import decode
from its_core.errors import FactoryError
from its_core.evaluation.baselines.signal import Answer, change_point
from its_core.evaluation.ground_truth import TrueClip

FPS = 5.0
SIZE_PX = (108, 192)  # height, width


class OpenCvMissing(FactoryError, ImportError):
    """OpenCV is in an extra."""

    default_code = "evaluation.opencv_missing"


def answer(clip: TrueClip) -> Answer:
    """Raises OpenCvMissing, and LoadError for a clip that cannot be decoded."""
    try:
        import cv2
    except ImportError:
        raise OpenCvMissing("optical flow needs OpenCV: pip install 'its-accident-factory[evaluation]'") from None
    frames, times_s = decode.at_rate(clip.video_url, FPS, SIZE_PX)
    grey = [cv2.cvtColor(np.ascontiguousarray(frame.permute(1, 2, 0).numpy()), cv2.COLOR_RGB2GRAY) for frame in frames]
    if len(grey) < 3:
        return Answer(clip.duration_s / 2, (0.5, 0.5), 0.0)
    motion = np.stack([_motion(cv2, before, after) for before, after in pairwise(grey)])
    change, score = change_point(motion.mean(axis=(1, 2)))
    there = motion[max(0, change - 1) : change + 1].mean(axis=0)
    mass = there.sum()
    if mass == 0:
        return Answer(times_s[change], (0.5, 0.5), score)
    rows, columns = np.indices(there.shape)
    center = float((columns * there).sum() / mass), float((rows * there).sum() / mass)
    height, width = there.shape
    return Answer(times_s[change], ((center[0] + 0.5) / width, (center[1] + 0.5) / height), score)


def _motion(cv2: Any, before: NDArray[Any], after: NDArray[Any]) -> NDArray[np.float64]:
    flow = cv2.calcOpticalFlowFarneback(before, after, None, 0.5, 3, 15, 3, 5, 1.2, 0)
    amount: NDArray[np.float64] = np.hypot(flow[..., 0], flow[..., 1]).astype(np.float64)
    return amount
