"""The loss of a clip, its gradients, and a step: what a training loop repeats."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend

from its_core.engines.cosmos.model.attention import attend_with
from its_core.post_training.model.draws import Draw, noise
from its_core.post_training.model.groups import TrainingGroup
from its_core.post_training.model.objective import LOSS_SCALE, add_noise, loss_of, squared_errors
from its_core.post_training.model.optimiser import LoraOptimiser, Step
from its_core.post_training.model.training_network import TrainingNetwork


@dataclass(frozen=True, slots=True)
class Sample:
    """A clip to learn from: its clean latent C T H W, its text N D (zero past its tokens), and what is random about it.

    ``name`` says which clip it is, for messages.
    """

    name: str
    latent_CTHW: Tensor
    text_ND: Tensor
    draw: Draw


class Learner:
    """Accumulates gradients clip by clip, then steps. On several processes each calls it for its own clips."""

    def __init__(
        self,
        network: TrainingNetwork,
        optimiser: LoraOptimiser,
        group: TrainingGroup,
        device: torch.device,
        backends: list[SDPBackend],
    ) -> None:
        self.network, self.optimiser, self.group = network, optimiser, group
        self._device, self.backends = device, backends

    def learn(self, sample: Sample, share_of_step: float) -> float:
        """Adds the gradients of ``share_of_step`` times the sample's loss; returns the loss without LOSS_SCALE."""
        with attend_with(self.backends):
            part = self._loss_part(sample)
            (part * share_of_step).backward()  # type: ignore[no-untyped-call]
        return self._whole(part)

    @torch.no_grad()
    def loss(self, sample: Sample) -> float:
        """The sample's loss without LOSS_SCALE: the mean squared error of the predicted velocity."""
        with attend_with(self.backends):
            return self._whole(self._loss_part(sample))

    def step(self, iteration: int) -> Step:
        self.group.sum_over_all(self.optimiser.gradients)
        return self.optimiser.step(iteration)

    def _loss_part(self, sample: Sample) -> Tensor:
        """The loss over this process's share of the frames; the shares add up to the sample's loss."""
        device, share, draw = self._device, self.group.share, sample.draw
        clean = sample.latent_CTHW[None].to(device, torch.float32)
        batch = add_noise(
            clean,
            noise(draw.noise_seed, tuple(clean.shape)).to(device),
            torch.tensor([draw.sigma], device=device),
            torch.tensor([draw.given_frames], device=device),
        )
        text_BND = sample.text_ND[None].to(device)
        if not draw.text_kept:
            text_BND = torch.zeros_like(text_BND)
        velocity = self.network(batch.input_BCTHW, batch.time_BT, text_BND, batch.given_B1THW)
        errors_BT = squared_errors(
            velocity, share.mine(batch.target_BCTHW, dim=2), share.mine(batch.given_B1THW, dim=2)
        )
        return loss_of(errors_BT, clean.numel())[0]

    def _whole(self, part: Tensor) -> float:
        whole = part.detach().clone()
        self.group.sum_over_clip(whole)
        return float(whole) / LOSS_SCALE
