"""Nexar's average precision and false alarms from scores over time, by hand and against scikit-learn."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from its_core.evaluation.scoring import curves
from its_core.evaluation.scoring.curves import Curve
from its_core.evaluation.scoring.predictions import PredictionError
from its_core.evaluation.scoring.score import score
from tests.evaluation import made_up


def curve(*scores: float) -> Curve:
    """A score every half second from 0 on."""
    return Curve(np.arange(len(scores)) * 0.5, np.asarray(scores, float))


CLIPS = [made_up.clip("a"), made_up.clip("b", accident_time_s=1.0), made_up.calm("c"), made_up.calm("d")]
CURVES = {
    "a": curve(0.1, 0.2, 0.6, 0.7, 0.9),  # accident at 2 s, seen coming from 1 s on
    "b": curve(0.3, 0.5, 0.8),  # accident at 1 s
    "c": curve(0.65, 0.1, 0.65, 0.65, 0.1),
    "d": curve(0.0, 0.1, 0.2, 0.3, 0.2),
}


def test_scores_are_taken_so_long_before_the_event() -> None:
    # a is cut at 1.5 s and b at 0.5 s; c and d are cut there too, in the order of the cuts.
    assert curves.before_event(CLIPS, CURVES, 500).tolist() == [0.7, 0.5, 0.1, 0.3]
    # 1.5 s before its event b had not begun.
    assert curves.before_event(CLIPS, CURVES, 1500).tolist() == pytest.approx([0.2, np.nan, 0.1, 0.1], nan_ok=True)


def test_average_precision_at_the_horizons_is_scikit_learns() -> None:
    said = {clip.clip_id: made_up.said(float("nan"), kind=None) for clip in CLIPS}
    scores = score("mine", made_up.truth(*CLIPS), said, CURVES, replicates=5).overall.scores
    for horizon in (500, 1000):
        taken = curves.before_event(CLIPS, CURVES, horizon)
        expected = average_precision_score([1, 1, 0, 0], taken)
        assert scores[f"nexar_ap_{horizon}ms"].value == pytest.approx(expected)
    assert scores["nexar_ap_1500ms"].value == pytest.approx(average_precision_score([1, 0, 0], [0.2, 0.1, 0.1]))
    assert scores["auc"].value == 1.0  # a curve's largest score ranks its clip


def test_a_stretch_above_the_threshold_is_one_alarm() -> None:
    weights = np.ones((1, 4))
    hours = 2 * 10 / 3600
    # Half of the accidents are noticed at 0.9, which no calm clip reaches.
    assert curves.alarms_per_hour(CLIPS, CURVES, 0.5, weights) == pytest.approx([0.0])
    lower = CURVES | {"b": curve(0.3, 0.5, 0.6)}
    # All are noticed at 0.6: c is above it twice, d never.
    assert curves.alarms_per_hour(CLIPS, lower, 1.0, weights) == pytest.approx([2 / hours])


def test_curves_are_written_and_read(tmp_path: Path) -> None:
    curves.write(tmp_path / "curves.csv", CURVES)
    again = curves.read(tmp_path / "curves.csv", CLIPS)
    assert again["a"].scores.tolist() == CURVES["a"].scores.tolist()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("clip_id,score\n", "predictions.no_columns"),
        ("clip_id,time,score\nx,0,1\n", "predictions.unknown_clip"),
        ("clip_id,time,score\na,500,1\n", "predictions.unit"),
        ("clip_id,time,score\na,0,1\na,0,1\n", "predictions.double_clip"),
        ("clip_id,time,score\na,0,nan\n", "predictions.not_finite"),
        ("clip_id,time,score\na,0,1\n", "predictions.missing_clip"),
    ],
)
def test_wrong_curves_are_refused(tmp_path: Path, text: str, code: str) -> None:
    (tmp_path / "curves.csv").write_text(text)
    with pytest.raises(PredictionError) as refused:
        curves.read(tmp_path / "curves.csv", CLIPS)
    assert refused.value.code == code
