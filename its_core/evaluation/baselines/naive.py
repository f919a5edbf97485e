"""The middle of the clip and the centre of the frame."""

from __future__ import annotations

from its_core.evaluation.baselines.signal import Answer
from its_core.evaluation.ground_truth import TrueClip


def answer(clip: TrueClip) -> Answer:
    return Answer(clip.duration_s / 2, (0.5, 0.5), 0.0)
