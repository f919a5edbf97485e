"""A loss by which checkpoints can be compared: the same clips, noise levels and noise each time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import torch

from its_core.post_training.data.training_set import TrainingClip
from its_core.post_training.model.draws import Draw, number
from its_core.post_training.model.learner import Learner, Sample
from its_core.post_training.model.objective import draw_sigma
from its_core.post_training.model.optimiser import LoraOptimiser
from its_core.post_training.training.samples import SampleReader

# Noise levels at these shares of those that training draws.
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, slots=True)
class Validation:
    """Mean losses: over everything, and at each noise level."""

    loss: float
    by_sigma: dict[float, float]

    def as_json(self) -> dict[str, Any]:
        return {"loss": self.loss, "by_sigma": {f"{sigma:.3g}": loss for sigma, loss in self.by_sigma.items()}}


class Validator:
    """Validates on the first window of each of ``clips``, at most ``most`` of them, chosen by their names."""

    def __init__(self, clips: Sequence[TrainingClip], most: int, reader: SampleReader, latent_frames: int) -> None:
        self._clips = sorted(clips, key=lambda clip: hashlib.sha256(clip.name.encode()).digest())[:most]
        self._reader = reader
        never, unused = torch.tensor(1.0), torch.tensor(0.5)
        self._sigmas = [
            float(draw_sigma(torch.tensor(share, dtype=torch.float64), never, unused, latent_frames))
            for share in QUANTILES
        ]

    @property
    def clips(self) -> list[TrainingClip]:
        return self._clips

    def run(self, learner: Learner) -> Validation:
        """All processes must call it; all get the result."""
        group = learner.group
        jobs = [(clip, level) for clip in range(len(self._clips)) for level in range(len(self._sigmas))]
        mine = [jobs[number] for number in group.mine_of(len(jobs))]
        losses = {job: learner.loss(self._sample(*job)) for job in mine}
        together: dict[tuple[int, int], float] = {}
        for part in group.everyones(losses):
            together |= part
        by_sigma = {
            sigma: fmean(loss for (_, at), loss in sorted(together.items()) if at == level)
            for level, sigma in enumerate(self._sigmas)
        }
        return Validation(fmean(by_sigma.values()), by_sigma)

    def _sample(self, clip: int, level: int) -> Sample:
        chosen = self._clips[clip]
        noise_seed = number(0, "validation", chosen.name, level)
        return self._reader.read(chosen, 0, Draw(self._sigmas[level], 1, True, noise_seed))


@contextmanager
def averaged(optimiser: LoraOptimiser) -> Iterator[None]:
    """Inside, the LoRA has its averaged weights."""
    optimiser.swap_average()
    try:
        yield
    finally:
        optimiser.swap_average()
