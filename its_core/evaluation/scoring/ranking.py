"""Scores of a ranking under weights: ROC AUC, average precision, false alarms an hour at a recall.

Every function takes ``weights`` [replicates, clips] and returns [replicates]: a bootstrap's replicates are computed at
once. Scores that are equal are one step of the curve, as in scikit-learn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def _steps(scores: Floats, weights: Floats) -> Floats:
    """Weights summed over clips of equal score, highest score first: [replicates, steps]."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    return np.asarray(np.add.reduceat(weights[:, order], starts, axis=1))


def auc(scores: Floats, positive: Bools, weights: Floats) -> Floats:
    """The chance that a positive outranks a negative, a tie counting half. NaN without both."""
    if not len(scores):
        return np.full(len(weights), np.nan)
    hits, misses = _steps(scores, weights * positive), _steps(scores, weights * ~positive)
    below = misses.sum(axis=1, keepdims=True) - np.cumsum(misses, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((hits * (below + misses / 2)).sum(axis=1) / (hits.sum(axis=1) * misses.sum(axis=1)))


def average_precision(scores: Floats, positive: Bools, weights: Floats) -> Floats:
    """The sum over steps of the recall gained times the precision there. NaN without a positive."""
    if not len(scores):
        return np.full(len(weights), np.nan)
    hits, misses = _steps(scores, weights * positive), _steps(scores, weights * ~positive)
    caught, wrong = np.cumsum(hits, axis=1), np.cumsum(misses, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(caught + wrong > 0, caught / (caught + wrong), 0)
        return np.asarray((hits * precision).sum(axis=1) / hits.sum(axis=1))


def false_alarms_per_hour(scores: Floats, positive: Bools, hours: Floats, recall: float, weights: Floats) -> Floats:
    """False alarms an hour of camera time without an accident, at the highest threshold that reaches ``recall``.

    A negative clip at or above the threshold is one false alarm. ``hours`` is each clip's length. NaN without both.
    """
    if not len(scores):
        return np.full(len(weights), np.nan)
    hits, misses = _steps(scores, weights * positive), _steps(scores, weights * ~positive)
    caught = np.cumsum(hits, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        reached = caught >= recall * caught[:, -1:] - 1e-9
        step = reached.argmax(axis=1)
        alarms = np.cumsum(misses, axis=1)[np.arange(len(weights)), step]
        watched = (weights * ~positive) @ hours
        return np.asarray(np.where(caught[:, -1] > 0, alarms, np.nan) / np.where(watched > 0, watched, np.nan))


def roc_points(scores: Floats, positive: Bools) -> tuple[Floats, Floats]:
    """False and true positive rates from (0, 0) to (1, 1)."""
    weights = np.ones((1, len(scores)))
    hits, misses = _steps(scores, weights * positive)[0], _steps(scores, weights * ~positive)[0]
    return np.r_[0, np.cumsum(misses) / misses.sum()], np.r_[0, np.cumsum(hits) / hits.sum()]


def precision_recall_points(scores: Floats, positive: Bools) -> tuple[Floats, Floats]:
    """Recall and precision, highest score first."""
    weights = np.ones((1, len(scores)))
    hits = np.cumsum(_steps(scores, weights * positive)[0])
    misses = np.cumsum(_steps(scores, weights * ~positive)[0])
    return hits / hits[-1], hits / (hits + misses)
