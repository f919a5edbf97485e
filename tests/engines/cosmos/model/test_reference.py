"""Parity with NVIDIA's own modules, float32 on the CPU, for every case in the reference folder."""

from __future__ import annotations

from typing import Any

import torch

from its_core.engines.cosmos.model import sampling
from its_core.engines.cosmos.model.parallel import ClipGroup

LIMIT = 1e-4


def test_network_output(case: Any, relative_error: Any) -> None:
    network = case.network(use_lora=False, dit_path=str(case.base))
    assert relative_error(case.output(network), case.tensors["dit_out"]) < LIMIT


def test_lora_output(case: Any, relative_error: Any) -> None:
    assert relative_error(case.output(case.network()), case.tensors["dit_lora_out"]) < LIMIT


def test_sigmas_and_noise(case: Any, relative_error: Any) -> None:
    sigmas = sampling.karras_sigmas(case.settings["num_sampling_steps"])
    noise = sampling.initial_noise(case.settings["seed"], tuple(case.tensors["x_B_C_T_H_W"].shape))
    assert relative_error(sigmas, case.tensors["sigmas"]) < 1e-12
    assert torch.equal(noise, case.tensors["initial_noise"])


def test_every_step_and_the_final_latent(case: Any, relative_error: Any) -> None:
    network, tensors = case.network(), case.tensors
    denoise = sampling.guided(
        network.for_texts,
        (tensors["text_B_N_D"], tensors["negative_text_B_N_D"]),
        case.settings["guidance"],
        tensors["conditioning_latent_B_C_T_H_W"],
        tensors["condition_mask_B_1_T_H_W"],
        ClipGroup(),
    )
    states: list[torch.Tensor] = []
    final = sampling.sample(
        denoise, tensors["initial_noise"], case.settings["num_sampling_steps"], lambda _, state: states.append(state)
    )
    errors = [relative_error(ours, theirs) for ours, theirs in zip(states, tensors["trajectory"], strict=True)]
    assert max(errors) < LIMIT
    assert relative_error(final, tensors["final_latent"]) < LIMIT


def test_the_default_schedule_has_36_values_from_80_to_0_002() -> None:
    sizes = sampling.karras_sigmas()
    assert len(sizes) == sampling.STEPS + 1
    assert sizes[0].item() == 80.0
    assert abs(sizes[-1].item() - 0.002) < 1e-15
