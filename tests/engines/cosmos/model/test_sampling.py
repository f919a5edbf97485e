"""What the sampler leaves out when asked to, and that it leaves out nothing by itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

from its_core.engines.cosmos.model import sampling
from its_core.engines.cosmos.model.parallel import ClipGroup
from its_core.engines.cosmos.model.sampling import Shortcuts
from its_core.engines.cosmos.model.step_cache import FIRST_COMPUTED, CacheSchedule, StepCache

SHAPE = (1, 16, 2, 4, 4)
TEXTS = (torch.full((1, 1, 1), 1.0), torch.full((1, 1, 1), -1.0))
GIVEN, MASK = torch.zeros(SHAPE), torch.zeros(1, 1, 2, 4, 4)
STEPS = 12


class Counting:
    """A network that notes which texts it is asked for, and at which flow time."""

    def __init__(self, flow: Callable[[Tensor, float, float], Tensor] | None = None) -> None:
        self.asked: list[tuple[float, list[float]]] = []
        self._flow = flow or (lambda x, _, text: x * 0.1 + text)

    def __call__(self, x: Tensor, time_BT: Tensor, texts: Sequence[Tensor], given: Tensor) -> list[Tensor]:  # noqa: ARG002
        t = time_BT[0, 0].item()
        self.asked.append((t, [text.item() for text in texts]))
        return [self._flow(x, t, text.item()) for text in texts]


def sampled(network: Counting, guidance: float = 7.0, **shortcuts: object) -> Tensor:
    chosen = Shortcuts(**shortcuts) if shortcuts else None  # type: ignore[arg-type]
    denoise = sampling.guided(network, TEXTS, guidance, GIVEN, MASK, ClipGroup(), chosen, STEPS)
    return sampling.sample(denoise, sampling.initial_noise(3, SHAPE), STEPS)


def test_nothing_is_left_out_by_default() -> None:
    network = Counting()
    sampled(network)
    assert [texts for _, texts in network.asked] == [[1, -1]] * (STEPS + 1)


def test_without_guidance_the_negative_prompt_is_not_evaluated() -> None:
    alone, network = Counting(lambda x, _, __: x * 0.1 + 1), Counting()
    assert torch.equal(sampled(network, guidance=0), sampled(alone))
    assert [texts for _, texts in network.asked] == [[1]] * (STEPS + 1)


def test_the_prompt_alone_is_evaluated_outside_the_guided_noise_levels() -> None:
    network = Counting()
    sampled(network, guided_sigmas=(0.5, 20.0))
    sigmas = sampling.karras_sigmas(STEPS).tolist()
    expected = [[1, -1] if 0.5 <= sigma <= 20 else [1] for sigma in sigmas]
    assert [texts for _, texts in network.asked] == expected
    assert [1] in expected
    assert [1, -1] in expected


def test_of_so_many_evaluations_one_is_computed() -> None:
    network = Counting()
    sampled(network, cache_interval=3)
    sigmas = sampling.karras_sigmas(STEPS).tolist()
    numbers = [*range(FIRST_COMPUTED), 4, 7, 10, STEPS]
    assert [t for t, _ in network.asked] == pytest.approx([sampling.flow_time(sigmas[n]) for n in numbers])


def test_a_text_that_joins_late_is_computed_until_it_can_be_predicted() -> None:
    network = Counting()
    sampled(network, cache_interval=4, guided_sigmas=(0.0, 2.0))
    sigmas = sampling.karras_sigmas(STEPS).tolist()
    joins = next(n for n, sigma in enumerate(sigmas) if sigma <= 2)
    assert joins > FIRST_COMPUTED
    computed = [
        [round(t, 6) for t, _ in network.asked].index(round(sampling.flow_time(sigmas[n]), 6))
        for n in (joins, joins + 1)
    ]
    assert [network.asked[place][1] for place in computed] == [[1, -1], [1, -1]]


def test_what_changes_evenly_with_the_logarithm_of_the_noise_is_predicted_exactly() -> None:
    def even(_: Tensor, t: float, text: float) -> Tensor:
        return torch.full(SHAPE, text * (2 + math.log(t / (1 - t))))

    exact, cached = sampled(Counting(even)), sampled(Counting(even), cache_interval=3)
    assert torch.allclose(cached, exact, rtol=1e-3, atol=1e-3)


def test_schedule_and_cache() -> None:
    schedule = CacheSchedule(interval=2, evaluations=9)
    assert [number for number in range(9) if schedule.computes(number)] == [0, 1, 2, 3, 4, 6, 8]
    assert all(CacheSchedule(1, 9).computes(number) for number in range(9))
    cache = StepCache(schedule)
    cache.keep(0, math.e**2, torch.tensor(1.0))
    assert not cache.predicts(5, 0)
    cache.keep(0, math.e, torch.tensor(2.0))
    assert cache.predicts(5, 0)
    assert not cache.predicts(5, 1)
    assert not cache.predicts(6, 0)
    assert cache.predict(0, 1.0).item() == 3.0
