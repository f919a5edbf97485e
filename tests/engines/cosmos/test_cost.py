"""What a clip takes: memory and seconds beside what was measured, and what lowers them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from its_core.engines.cosmos import cost
from its_core.engines.cosmos.model import sampling
from its_core.engines.cosmos.model.inference.timing import forward_s
from its_core.engines.cosmos.model.parallel import ClipGroup
from its_core.engines.cosmos.model.sampling import Shortcuts
from its_core.engines.cosmos.options import CosmosOptions

BARE = {"disable_guardrail": True, "disable_prompt_refiner": True}


@pytest.fixture(autouse=True)
def _without_gpus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cost, "_DEVICES", tmp_path)


def options(**changes: Any) -> CosmosOptions:
    return CosmosOptions.model_validate(BARE | changes)


# One H200, benchmarks/results/cosmos_h200.md.
@pytest.mark.parametrize(
    ("changes", "measured_s"),
    [
        ({}, 2.814),
        ({"precision": "fp8"}, 2.077),
        ({"resolution": "480"}, 0.515),
        ({"resolution": "480", "precision": "fp8"}, 0.362),
        ({"model_size": "14B"}, 11.09),
        ({"model_size": "14B", "precision": "fp8"}, 7.80),
        ({"natten": True}, 0.923),
        ({"natten": True, "precision": "fp8"}, 0.613),
    ],
)
def test_an_h200s_rate_is_within_a_tenth_of_what_was_measured(changes: dict[str, Any], measured_s: float) -> None:
    assert cost.h200_forward_s(options(**changes)) == pytest.approx(measured_s, rel=0.1)


@pytest.mark.parametrize(("changes", "measured_gib"), [({}, 39.2), ({"precision": "fp8"}, 27.3)], ids=["bf16", "fp8"])
def test_memory_of_the_14b_network_is_what_was_measured(changes: dict[str, Any], measured_gib: float) -> None:
    assert cost.gpu_gib(options(model_size="14B", **changes)) == pytest.approx(measured_gib, rel=0.05)


def test_savings_lower_the_memory_step_by_step() -> None:
    whole = CosmosOptions.model_validate({})
    found = cost.clip_cost(whole)
    assert found.gpu_gib is not None
    sizes = [found.gpu_gib, *(gib for _, gib in found.savings)]
    assert sizes == sorted(sizes, reverse=True)
    assert found.savings[0][0] == "offload_prompt_refiner: true"
    assert found.gpu_s == pytest.approx(72 * cost.h200_forward_s(whole), rel=0.05)
    assert "72 forwards" in found.source


def test_a_dry_run_costs_no_gpu() -> None:
    assert cost.clip_cost(options(model_size="tiny")).gpu_gib is None


@pytest.mark.parametrize("guidance", [0.0, 7.0])
@pytest.mark.parametrize("shortcuts", [Shortcuts(), Shortcuts((0.3, 20.0), 3), Shortcuts(cache_interval=5)])
def test_as_many_forwards_are_counted_as_sampling_computes(guidance: float, shortcuts: Shortcuts) -> None:
    computed = 0

    def network(x: torch.Tensor, _: torch.Tensor, texts: Any, given: torch.Tensor) -> list[torch.Tensor]:  # noqa: ARG001
        nonlocal computed
        computed += len(texts)
        return [x * 0.1 for _ in texts]

    given, mask, texts = torch.zeros(1, 16, 2, 4, 4), torch.zeros(1, 1, 2, 4, 4), (torch.zeros(()), torch.zeros(()))
    denoise = sampling.guided(network, texts, guidance, given, mask, ClipGroup(), shortcuts, 12)
    sampling.sample(denoise, sampling.initial_noise(1, (1, 16, 2, 4, 4)), 12)

    assert sampling.computed_forwards(guidance != 0, shortcuts, 12) == computed


def test_a_forward_is_measured_without_weights() -> None:
    for natten in (False, True):
        assert forward_s(options(model_size="tiny", natten=natten), torch.device("cpu"), (2, 8, 8)) > 0
