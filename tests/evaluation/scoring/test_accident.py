"""ACCIDENT's scores on cases computed by hand."""

import math

import numpy as np
import pytest

from its_core.evaluation.scoring import accident
from its_core.evaluation.scoring.score import score
from tests.evaluation import made_up


def test_when_falls_off_with_one_second() -> None:
    scores = accident.when(np.array([2.0, 3.0, 0.0]), np.array([2.0, 2.0, 2.0]))
    assert scores == pytest.approx([1, math.exp(-0.5), math.exp(-2)])


def test_where_falls_off_with_the_mean_box() -> None:
    sigma = accident.sigma_of(np.array([[0.4, 0.45, 0.6, 0.55], [0.1, 0.1, 0.5, 0.4]]))
    assert sigma == pytest.approx([0.3, 0.2])
    scores = accident.where(np.array([[0.8, 0.5], [0.5, 0.9], [0.8, 0.7]]), np.full((3, 2), 0.5), sigma)
    assert scores == pytest.approx([math.exp(-0.5), math.exp(-2), math.exp(-1)])


def test_total_is_the_harmonic_mean() -> None:
    assert accident.total(np.array([0.5]), np.array([0.25]), np.array([1.0])) == pytest.approx([3 / (2 + 4 + 1)])
    assert accident.total(np.array([0.0]), np.array([1.0]), np.array([1.0])) == pytest.approx([0.0])
    assert np.isnan(accident.total(np.array([np.nan]), np.array([1.0]), np.array([1.0]))).all()


def test_a_report_averages_over_accidents_only() -> None:
    clips = made_up.truth(made_up.clip("a"), made_up.clip("b", type="rear-end"), made_up.calm("c"))
    said = {"a": made_up.said(3.0), "b": made_up.said(2.0, x=0.7), "c": made_up.said(9.0)}
    found = score("mine", clips, said, replicates=20).overall
    assert found.accidents == 2
    # σ is the mean box: 0.2 wide, 0.1 high; b is off by one σ in x.
    values = {name: found.scores[name].value for name in ("when", "where", "what")}
    half = (1 + math.exp(-0.5)) / 2
    assert values == pytest.approx({"when": half, "where": half, "what": 0.5})
    assert found.scores["total"].value == pytest.approx(3 / (2 / half + 2))


def test_an_accident_without_a_word_for_its_type_counts_for_time_and_place() -> None:
    clips = made_up.truth(made_up.clip("a", type=None), made_up.clip("b"))
    said = {"a": made_up.said(12.0, kind="single"), "b": made_up.said()}
    scores = score("mine", clips, said, replicates=5).overall.scores
    assert scores["what"].value == 1.0
    assert scores["when"].value == pytest.approx(0.5)
