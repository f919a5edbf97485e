"""AUC and average precision against scikit-learn's, false alarms by hand."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from its_core.evaluation.scoring import ranking


@pytest.fixture(params=[0, 1, 2])
def case(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores with many ties, labels, and weights as a bootstrap makes them."""
    rng = np.random.default_rng(request.param)
    positive = rng.random(60) < 0.4
    scores = np.round(rng.normal(positive, 1.0), 1)
    return scores, positive, rng.integers(0, 3, (4, 60)).astype(float)


def test_auc_is_scikit_learns(case: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    scores, positive, weights = case
    expected = [roc_auc_score(positive, scores, sample_weight=weight) for weight in weights]
    assert ranking.auc(scores, positive, weights) == pytest.approx(expected)


def test_average_precision_is_scikit_learns(case: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    scores, positive, weights = case
    expected = [average_precision_score(positive, scores, sample_weight=weight) for weight in weights]
    assert ranking.average_precision(scores, positive, weights) == pytest.approx(expected)


def test_curves_pass_through_scikit_learns_points(case: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    scores, positive, _ = case
    false, true, _ = roc_curve(positive, scores, drop_intermediate=False)
    assert np.stack(ranking.roc_points(scores, positive)) == pytest.approx(np.stack([false, true]))
    precision, recall, _ = precision_recall_curve(positive, scores)
    ours = np.stack(ranking.precision_recall_points(scores, positive))
    assert ours == pytest.approx(np.stack([recall[-2::-1], precision[-2::-1]]))


def test_without_both_kinds_there_is_no_auc() -> None:
    assert np.isnan(ranking.auc(np.array([1.0, 2.0]), np.array([True, True]), np.ones((1, 2)))).all()
    assert np.isnan(ranking.auc(np.zeros(0), np.zeros(0, bool), np.ones((1, 0)))).all()


def test_false_alarms_an_hour_by_hand() -> None:
    scores = np.array([9, 8, 7, 6, 5, 4, 3], float)
    positive = np.array([1, 0, 1, 1, 0, 1, 0], bool)
    hours = np.full(7, 0.5)
    # Three of four accidents are reached at 6; one of three calm clips, 1.5 hours together, lies above.
    assert ranking.false_alarms_per_hour(scores, positive, hours, 0.75, np.ones((1, 7))) == pytest.approx([1 / 1.5])
    assert ranking.false_alarms_per_hour(scores, positive, hours, 1.0, np.ones((1, 7))) == pytest.approx([2 / 1.5])
