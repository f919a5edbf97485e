"""Intervals over cameras hold what they say in a simulation, where intervals over clips do not."""

import numpy as np
import pytest

from its_core.evaluation.scoring import bootstrap


def simulated(rng: np.random.Generator) -> tuple[np.ndarray, list[str]]:
    """40 cameras with 6 clips each; a clip's score is 0.5, its camera's share and its own."""
    scores = 0.5 + np.repeat(rng.normal(0, 0.1, 40), 6) + rng.normal(0, 0.1, 240)
    return scores, [f"cam-{number // 6}" for number in range(240)]


def covers(scores: np.ndarray, cameras: list[str], seed: int) -> bool:
    weights = bootstrap.camera_weights(cameras, 300, seed)
    found = bootstrap.estimate(bootstrap.mean(scores, weights))
    assert found.low is not None and found.high is not None
    return found.low <= 0.5 <= found.high


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    draws = [simulated(rng) for _ in range(300)]
    over_cameras = np.mean([covers(scores, cameras, seed) for seed, (scores, cameras) in enumerate(draws)])
    over_clips = np.mean([covers(scores, list(map(str, range(240))), seed) for seed, (scores, _) in enumerate(draws)])
    assert 0.91 <= over_cameras <= 0.98
    assert over_clips < 0.75


def test_the_first_weights_are_the_clips_themselves() -> None:
    weights = bootstrap.camera_weights(["a", "a", "b"], 50)
    assert (weights[0] == 1).all()
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[1:, 0] + weights[1:, 2] == 2).all()


def test_what_cannot_be_computed_is_none() -> None:
    assert bootstrap.estimate(np.array([np.nan, 1.0, 1.0])) == bootstrap.Estimate(None, None, None)
    assert bootstrap.estimate(np.array([0.5, np.nan, np.nan, 0.4])) == bootstrap.Estimate(0.5, None, None)
    assert bootstrap.estimate(np.array([0.5, 0.5, 0.5])).low == pytest.approx(0.5)
