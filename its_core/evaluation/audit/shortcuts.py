"""Classifiers that must not work: each looks at one thing that should say nothing of a crash.

Each is trained and tested across cameras: it answers for cameras that it never saw. An AUC near 0.5 is right. One whose
interval lies above 0.6 has found a shortcut that a detector will find as well.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from its_core.dataset.loading.annotations import read as read_annotations
from its_core.errors import FactoryError
from its_core.evaluation.audit import metadata_inputs, pixel_inputs, truth_inputs
from its_core.evaluation.ground_truth import GroundTruth, TrueClip
from its_core.evaluation.scoring import bootstrap, ranking
from its_core.evaluation.scoring.bootstrap import Estimate
from its_core.shards import processors

Floats = NDArray[np.float64]
SUSPECT_AUC = 0.6
_FOLDS = 5
_FEWEST_CAMERAS = 4


class AuditError(FactoryError, ValueError):
    """Clips that cannot be audited; the message says why."""

    default_code = "audit"


@dataclass(frozen=True, slots=True)
class Finding:
    """How well a crash is guessed from ``looks_at``, with a 95 % interval over cameras. ``kind``: pixels, truth or
    metadata. ``suspect``: the whole interval lies above 0.6."""

    kind: str
    looks_at: str
    auc: Estimate
    suspect: bool


def audit(truth: GroundTruth, on_clip: Callable[[str], None] | None = None) -> list[Finding]:
    """All classifiers over all clips. Raises AuditError for too few cameras, LoadError for clips that cannot be read.

    The truth is looked at where every clip has annotations.
    """
    clips = truth.clips
    labels = np.asarray([clip.is_accident for clip in clips])
    cameras = np.asarray([clip.camera_id for clip in clips])
    if len(set(cameras)) < _FEWEST_CAMERAS or labels.all() or not labels.any():
        raise AuditError(
            f"{truth.name}: an audit needs clips with and without accidents from {_FEWEST_CAMERAS} cameras or more, "
            f"there are {int(labels.sum())} and {int((~labels).sum())} from {len(set(cameras))}",
            code="audit.too_few",
        )
    rows: dict[tuple[str, str], list[Floats]] = {}
    has_truth = all(clip.annotations_url is not None for clip in clips)
    with ThreadPoolExecutor(processors.available()) as pool:
        for clip, found in zip(clips, pool.map(lambda clip: _inputs(clip, has_truth), clips), strict=True):
            for key, values in found.items():
                rows.setdefault(key, []).append(values)
            if on_clip is not None:
                on_clip(clip.clip_id)
    tables = {key: np.stack(values) for key, values in rows.items()}
    tables |= {("metadata", name): values for name, values in metadata_inputs.inputs(clips).items()}
    weights = bootstrap.camera_weights(list(cameras))
    return [_finding(kind, name, values, labels, cameras, weights) for (kind, name), values in tables.items()]


def _inputs(clip: TrueClip, has_truth: bool) -> dict[tuple[str, str], Floats]:
    found = {("pixels", name): values for name, values in pixel_inputs.inputs(clip).items()}
    if has_truth and clip.annotations_url is not None:
        annotations = read_annotations(clip.annotations_url)
        size_px = int(clip.row["height"]), int(clip.row["width"])
        found |= {("truth", name): values for name, values in truth_inputs.inputs(annotations, size_px).items()}
    return found


def _finding(
    kind: str, name: str, values: Floats, labels: NDArray[np.bool_], cameras: NDArray[Any], weights: Floats
) -> Finding:
    scores = scores_on_unseen_cameras(values, labels, cameras)
    estimate = bootstrap.estimate(ranking.auc(scores, labels, weights))
    return Finding(kind, name, estimate, estimate.low is not None and estimate.low > SUSPECT_AUC)


def scores_on_unseen_cameras(values: Floats, labels: NDArray[np.bool_], cameras: NDArray[Any]) -> Floats:
    """Each clip's score by models that were trained on other cameras: the mean of a logistic regression's and a random
    forest's probability, ranked within the fold, since folds differ in their base rate."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    scores = np.full(len(labels), 0.5)
    folds = min(_FOLDS, len(set(cameras)))
    for train, test in GroupKFold(folds).split(values, labels, cameras):
        if labels[train].all() or not labels[train].any():
            continue
        models = (
            make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000)),
            RandomForestClassifier(80, min_samples_leaf=3, random_state=0, n_jobs=1),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # constant columns
            found = [model.fit(values[train], labels[train]).predict_proba(values[test])[:, 1] for model in models]
        mean = np.mean(found, axis=0)
        scores[test] = (np.searchsorted(np.sort(mean), mean) + np.searchsorted(np.sort(mean), mean, "right")) / 2
        scores[test] /= len(test)
    return scores
