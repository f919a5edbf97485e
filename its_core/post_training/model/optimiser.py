"""AdamW over the LoRA's float32 weights, their gradients in one buffer, the average of the weights after each step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from its_core.post_training.model.ema import WeightAverage
from its_core.post_training.model.schedule import Schedule

BETAS, EPS = (0.9, 0.99), 1e-8
State = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Step:
    """``gradient_norm`` is of all gradients together, before they were clipped."""

    learning_rate: float
    gradient_norm: float


class LoraOptimiser:
    """Steps on ``weights``; ``clip_norm`` None leaves gradients as they are."""

    def __init__(
        self, weights: Mapping[str, nn.Parameter], schedule: Schedule, weight_decay: float, clip_norm: float | None
    ) -> None:
        self._weights = dict(weights)
        self._schedule, self._clip_norm = schedule, clip_norm
        parameters = list(self._weights.values())
        self.gradients = torch.zeros(sum(p.numel() for p in parameters), device=parameters[0].device)
        first = 0
        for parameter in parameters:  # autograd adds into a gradient that is there: into the buffer
            parameter.grad = self.gradients[first : first + parameter.numel()].view_as(parameter)
            first += parameter.numel()
        self._adam = torch.optim.AdamW(
            parameters, lr=schedule.rate, betas=BETAS, eps=EPS, weight_decay=weight_decay, foreach=True
        )
        self.average = WeightAverage(self._weights)

    def step(self, iteration: int) -> Step:
        """One step with what stands in ``gradients``, which is zero afterwards. Iterations count from 0."""
        norm = float(torch.linalg.vector_norm(self.gradients))
        if self._clip_norm is not None and norm > self._clip_norm:
            self.gradients.mul_(self._clip_norm / norm)
        rate = self._schedule.at(iteration)
        for group in self._adam.param_groups:
            group["lr"] = rate
        self._adam.step()
        self.gradients.zero_()
        self.average.update(self._weights, iteration)
        return Step(rate, norm)

    @torch.no_grad()
    def swap_average(self) -> None:
        """Exchanges the weights and their average."""
        for name, parameter in self._weights.items():
            current = parameter.clone()
            parameter.copy_(self.average.weights[name])
            self.average.weights[name].copy_(current)

    def state(self) -> State:
        """All that a step changes, by name: ``weight.``, ``first_moment.``, ``second_moment.``, ``average.`` and
        ``steps``."""
        state = {"steps": torch.zeros(())}
        for name, parameter in self._weights.items():
            moments = self._adam.state[parameter]
            state[f"weight.{name}"] = parameter.detach()
            state[f"average.{name}"] = self.average.weights[name]
            if moments:
                state[f"first_moment.{name}"] = moments["exp_avg"]
                state[f"second_moment.{name}"] = moments["exp_avg_sq"]
                state["steps"] = moments["step"]
        return state

    @torch.no_grad()
    def load(self, state: State) -> None:
        """Goes on from a ``state`` of the same weights."""
        for name, parameter in self._weights.items():
            parameter.copy_(state[f"weight.{name}"])
            self.average.weights[name].copy_(state[f"average.{name}"])
            if f"first_moment.{name}" in state:
                self._adam.state[parameter] = {
                    "step": state["steps"].clone().cpu(),
                    "exp_avg": state[f"first_moment.{name}"].to(parameter.device, copy=True),
                    "exp_avg_sq": state[f"second_moment.{name}"].to(parameter.device, copy=True),
                }
