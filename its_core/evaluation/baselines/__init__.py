"""Predictions that need no training, to compare a detector with: ACCIDENT's own three baselines.

Each answers when and where from one signal, and what with the commonest type of the clips it may look at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

from its_core.evaluation.baselines import box_dynamics, naive, optical_flow
from its_core.evaluation.baselines.signal import Answer
from its_core.evaluation.ground_truth import GroundTruth, TrueClip
from its_core.evaluation.scoring.predictions import Prediction

Name = Literal["naive", "optical-flow", "box-dynamics"]
BASELINES: dict[Name, Callable[[TrueClip], Answer]] = {
    "naive": naive.answer,
    "optical-flow": optical_flow.answer,
    "box-dynamics": box_dynamics.answer,
}


def predict(name: Name, truth: GroundTruth, known: Sequence[TrueClip] | None = None) -> dict[str, Prediction]:
    """A baseline's predictions of all clips.

    Args:
        known: labelled clips from which the commonest type is taken, such as the training split; None: those scored,
            which flatters the baseline.
    """
    types = Counter(clip.type for clip in (known or truth.clips) if clip.type is not None)
    commonest = max(types, key=lambda kind: (types[kind], kind)) if types else None
    answer = BASELINES[name]
    found = {}
    for clip in truth.clips:
        said = answer(clip)
        found[clip.clip_id] = Prediction(said.time_s, said.center, commonest, {"score": said.score})
    return found
