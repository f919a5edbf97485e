"""What is random about a sample follows from the seed and its place, and is distributed as training wants it."""

from __future__ import annotations

import pytest
import torch

from its_core.post_training.model.draws import draw, noise

DRAWS = [draw(0, sample, 24) for sample in range(20_000)]


def test_the_same_place_has_the_same_draw() -> None:
    assert draw(3, 17, 24) == draw(3, 17, 24)
    assert len({draw(3, sample, 24) for sample in range(100)} | {draw(4, sample, 24) for sample in range(100)}) == 200


def test_noise_levels_have_the_quantiles_that_nvidias_have() -> None:
    """Measured over 100,000 draws of NVIDIA's own code at 24 latent frames."""
    sigma = torch.tensor([each.sigma for each in DRAWS])
    quantiles = torch.quantile(sigma, torch.tensor([0.05, 0.25, 0.5, 0.75, 0.9])).tolist()
    assert quantiles == pytest.approx([0.97, 2.6, 5.2, 11.0, 24.8], rel=0.06)
    assert float((sigma >= 200).float().mean()) == pytest.approx(0.0506, abs=0.006)
    assert float(sigma.max()) <= 100_000


def test_texts_are_dropped_and_frames_given_as_often_as_asked() -> None:
    count = len(DRAWS)
    assert sum(not each.text_kept for each in DRAWS) / count == pytest.approx(0.2, abs=0.01)
    assert sum(each.given_frames == 1 for each in DRAWS) / count == pytest.approx(0.5, abs=0.015)
    assert {each.given_frames for each in DRAWS} == {1, 2}
    assert all(draw(0, sample, 24, text_dropout=0.0).text_kept for sample in range(200))


def test_noise_is_standard_normal_and_its_seeds_own() -> None:
    made = noise(DRAWS[0].noise_seed, (16, 4, 30, 40))
    assert made.dtype is torch.float32
    assert float(made.mean()) == pytest.approx(0.0, abs=0.02)
    assert float(made.std()) == pytest.approx(1.0, abs=0.02)
    assert torch.equal(made, noise(DRAWS[0].noise_seed, (16, 4, 30, 40)))
    assert not torch.equal(made, noise(DRAWS[1].noise_seed, (16, 4, 30, 40)))
