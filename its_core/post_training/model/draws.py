"""What is random about a training step, each number from a seed and the sample's place in the run.

Nothing is drawn from a generator that lives through the run: the same place in a run of the same seed always gets the
same noise, however many processes there are and wherever a run is taken up again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from its_core.post_training.model.objective import draw_sigma

TEXT_DROPOUT = 0.2  # the unconditional half of guidance is learnt from texts that are all zeros
MOST_GIVEN = 2  # latent frames: one or five frames start a clip


@dataclass(frozen=True, slots=True)
class Draw:
    """A sample's noise level, its count of given latent frames, whether its text is kept, and the noise's seed."""

    sigma: float
    given_frames: int
    text_kept: bool
    noise_seed: int


def draw(seed: int, sample: int, latent_frames: int, text_dropout: float = TEXT_DROPOUT) -> Draw:
    """The draw of the run's ``sample``-th sample, counted from 0."""
    uniform = generator(seed, "draw", sample).random(5)
    level, high, log = (torch.tensor(each, dtype=torch.float64) for each in uniform[:3])
    sigma = draw_sigma(level, high, log, latent_frames)
    return Draw(
        sigma=float(sigma),
        given_frames=1 + int(uniform[3] * MOST_GIVEN),
        text_kept=bool(uniform[4] >= text_dropout),
        noise_seed=number(seed, "noise", sample),
    )


def noise(seed: int, shape: tuple[int, ...]) -> Tensor:
    """Standard normal numbers, float32, on the CPU: the same on any device."""
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape, dtype=np.float32))


def generator(seed: int, *purpose: object) -> np.random.Generator:
    return np.random.default_rng(number(seed, *purpose))


def number(seed: int, *purpose: object) -> int:
    """A 63-bit number of its own for each purpose."""
    text = "/".join(str(each) for each in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
