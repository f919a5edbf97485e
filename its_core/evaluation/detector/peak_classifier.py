"""Which of a clip's peaks is a first contact: a logistic regression, fitted on the training clips' peaks."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

_CHANNELS = ("collided", "struck", "collided_near", "struck_near", "change", "speed", "jolt")
WINDOWS = ("before", "at", "after", "end")
CUES = ("heat", "scene_heat", *(f"{channel}_{window}" for channel in _CHANNELS for window in WINDOWS))
_REGULARISATION = 0.1  # scikit-learn's C


class PeakClassifier(nn.Module):
    """Until it is fitted, the logit of a peak is its first cue, the heat."""

    mean: Tensor
    scale: Tensor
    weight: Tensor
    bias: Tensor
    fitted: Tensor

    def __init__(self, cues: int = len(CUES)) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(cues, dtype=torch.float64))
        self.register_buffer("scale", torch.ones(cues, dtype=torch.float64))
        self.register_buffer("weight", torch.eye(1, cues, dtype=torch.float64)[0])
        self.register_buffer("bias", torch.zeros((), dtype=torch.float64))
        self.register_buffer("fitted", torch.zeros((), dtype=torch.bool))

    def forward(self, cues: Tensor) -> Tensor:
        """[P, C] to the logits that each peak is a first contact, [P]."""
        return (cues.to(self.mean) - self.mean) / self.scale @ self.weight + self.bias

    def fit(self, cues: NDArray[np.float64], contact: NDArray[np.bool_]) -> None:
        """To peaks [N, C] of which some are a ``contact`` [N]. Where all are or none is, it stays as it was."""
        from sklearn.linear_model import LogisticRegression

        if contact.any() and not contact.all():
            mean, scale = cues.mean(axis=0), cues.std(axis=0)
            scale[scale == 0] = 1
            model = LogisticRegression(C=_REGULARISATION, max_iter=3000).fit((cues - mean) / scale, contact)
            fitted = {"mean": mean, "scale": scale, "weight": model.coef_[0], "bias": model.intercept_[0]}
            for name, values in fitted.items():
                self.get_buffer(name).copy_(torch.as_tensor(values))
        self.fitted.fill_(True)
