"""Checks that a run is what it seems: at the start the base is under the LoRA, at the end the LoRA does something."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from its_core.errors import FactoryError
from its_core.post_training.errors import TrainingStopped
from its_core.post_training.model.learner import Learner, Sample
from its_core.post_training.model.lora import lora_layers

# Relative, between two compilations of one network; a base that is not there is off by far more.
_ROUNDING = {torch.float32: 1e-6, torch.bfloat16: 1e-3}


class GuardFailed(FactoryError, RuntimeError):
    """A run that would make a useless checkpoint."""

    default_code = "post_training.guard"


def check_fresh_start(learner: Learner, sample: Sample) -> dict[str, float]:
    """With a fresh LoRA the loss must be the base model's. Raises GuardFailed; returns both losses."""
    with_lora = learner.loss(sample)
    with without_lora(learner):
        base = learner.loss(sample)
    check_losses(0, [(sample.name, base)])
    if not math.isclose(with_lora, base, rel_tol=_ROUNDING[learner.network.dtype]):
        raise GuardFailed(
            f"{sample.name}: the loss with a fresh LoRA is {with_lora:.6g}, the base model's is {base:.6g}; they must "
            "be equal: the LoRA or the base was not loaded as it should be",
            code="post_training.guard.start",
        )
    return {"base": base, "fresh_lora": with_lora}


def check_lora_acts(learner: Learner, sample: Sample) -> dict[str, float]:
    """A trained LoRA must change the loss. Raises GuardFailed; returns both losses."""
    with_lora = learner.loss(sample)
    with without_lora(learner):
        base = learner.loss(sample)
    if with_lora == base:
        raise GuardFailed(
            f"{sample.name}: the loss is {base:.6g} with the trained LoRA and without it: it learnt nothing",
            code="post_training.guard.end",
        )
    return {"base": base, "trained_lora": with_lora}


@contextmanager
def without_lora(learner: Learner) -> Iterator[None]:
    """Inside, the network is the base model."""
    layers = [layer for _, layer in lora_layers(learner.network)]
    for layer in layers:
        layer.enable_adapters(False)
    try:
        yield
    finally:
        for layer in layers:
            layer.enable_adapters(True)


def check_losses(iteration: int, losses: list[tuple[str, float]]) -> None:
    """Raises TrainingStopped that names the clips whose loss is no number."""
    broken = [f"{name} ({loss})" for name, loss in losses if not math.isfinite(loss)]
    if broken:
        raise TrainingStopped(
            f"iteration {iteration}: the loss is no number for {', '.join(broken)}; look at these clips' latents, or "
            "lower the learning rate; the last checkpoint stands",
            code="post_training.not_finite",
        )


def check_gradient(iteration: int, norm: float, clips: list[str]) -> None:
    """Raises TrainingStopped where the gradients of a step are no numbers."""
    if not math.isfinite(norm):
        raise TrainingStopped(
            f"iteration {iteration}: the gradients of {', '.join(clips)} are no numbers (norm {norm}); the last "
            "checkpoint stands",
            code="post_training.not_finite",
        )
