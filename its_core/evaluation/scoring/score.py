"""All scores of one set of predictions: overall and by stratum, each with an interval over cameras."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from its_core.evaluation.ground_truth import GroundTruth, TrueClip, strata_of
from its_core.evaluation.scoring import accident, bootstrap, boxes, curves, ranking
from its_core.evaluation.scoring.bootstrap import Estimate
from its_core.evaluation.scoring.boxes import BoxSet
from its_core.evaluation.scoring.curves import Curve
from its_core.evaluation.scoring.predictions import HORIZONS_MS, Prediction

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Metric = Callable[[Bools, Floats], dict[str, Floats]]
RECALL = 0.8
_BOX_REPLICATES = 200  # tens of thousands of boxes each


@dataclass(frozen=True, slots=True)
class Part:
    """The scores of some of the clips."""

    clips: int
    accidents: int
    cameras: int
    scores: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class Report:
    """``strata``: scores by the name of a division and of its part. ``lines``: points to draw, by name, [(x, y), …]."""

    predictions: str
    truth: str
    overall: Part
    strata: Mapping[str, Mapping[str, Part]]
    lines: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain values; what cannot be computed is null."""
        return asdict(self)


def score(
    name: str,
    truth: GroundTruth,
    predictions: Mapping[str, Prediction],
    curve_of: Mapping[str, Curve] | None = None,
    boxes_of: Mapping[str, BoxSet] | None = None,
    replicates: int = bootstrap.REPLICATES,
) -> Report:
    """Scores of predictions that were read against ``truth``.

    ACCIDENT's scores are of the clips with an accident. Where a part of the clips holds accidents only (an incident, a
    size), its AUC, precision and false alarms are against all clips without one, and the other way round.
    """
    clips = truth.clips
    weights = bootstrap.camera_weights([clip.camera_id for clip in clips], replicates)
    accidents = np.asarray([clip.is_accident for clip in clips])
    metrics = [
        *_answers(clips, predictions),
        *_ranks(clips, predictions, curve_of),
        *_horizons(clips, predictions, curve_of),
        *_boxes(clips, boxes_of),
    ]

    def part(mask: Bools) -> Part:
        found: dict[str, Estimate] = {}
        for metric in metrics:
            values = metric(mask, weights)
            found |= {name: bootstrap.estimate(each) for name, each in values.items()}
        cameras = len({clip.camera_id for clip, chosen in zip(clips, mask, strict=True) if chosen})
        return Part(int(mask.sum()), int((mask & accidents).sum()), cameras, found)

    strata = {
        division: {
            value: part(np.asarray([each == value for each in values]))
            for value in sorted({each for each in values if each is not None})
        }
        for division, values in strata_of(clips).items()
    }
    lines = _lines(clips, predictions, curve_of)
    return Report(name, truth.name, part(np.ones(len(clips), bool)), strata, lines)


def _answers(clips: Sequence[TrueClip], predictions: Mapping[str, Prediction]) -> list[Metric]:
    """When, where, what and total."""
    given = [predictions[clip.clip_id] for clip in clips]
    scored = np.asarray(
        [clip.is_accident and not np.isnan(each.accident_time_s) for clip, each in zip(clips, given, strict=True)]
    )
    if not scored.any():
        return []
    placed = scored & np.asarray([clip.center is not None for clip in clips])
    typed = scored & np.asarray([clip.type is not None for clip in clips])
    boxed = [clip.box for clip in clips if clip.box is not None and clip.is_accident]
    sigma = accident.sigma_of(np.asarray(boxed, float)) if boxed else np.full(2, np.nan)

    def column(values: Sequence[Any]) -> Floats:
        return np.asarray([np.nan if value is None else value for value in values], float)

    times = accident.when(column([each.accident_time_s for each in given]), column([c.accident_time_s for c in clips]))
    nowhere = (np.nan, np.nan)
    centres = accident.where(
        np.asarray([each.center for each in given], float),
        np.asarray([clip.center or nowhere for clip in clips], float),
        sigma,
    )
    types = np.asarray([each.type == clip.type for clip, each in zip(clips, given, strict=True)], float)

    def metric(mask: Bools, weights: Floats) -> dict[str, Floats]:
        found = {}
        for name, values, valid in (("when", times, scored), ("where", centres, placed), ("what", types, typed)):
            chosen = mask & valid
            found[name] = bootstrap.mean(values[chosen], weights[:, chosen])
        return found | {"total": accident.total(found["when"], found["where"], found["what"])}

    return [metric]


def _ranks(
    clips: Sequence[TrueClip], predictions: Mapping[str, Prediction], curve_of: Mapping[str, Curve] | None
) -> list[Metric]:
    """Clip AUC, average precision and false alarms."""
    scores = clip_scores(clips, predictions, curve_of)
    if scores is None:
        return []
    positive = np.asarray([clip.is_accident for clip in clips])
    hours = np.asarray([clip.duration_s / 3600 for clip in clips])
    alarms = f"false_alarms_per_hour_at_recall_{RECALL:g}"

    def metric(mask: Bools, weights: Floats) -> dict[str, Floats]:
        chosen = np.flatnonzero(_with_the_other_class(mask, positive))
        values, kinds, part = scores[chosen], positive[chosen], weights[:, chosen]
        found = {
            "auc": ranking.auc(values, kinds, part),
            "average_precision": ranking.average_precision(values, kinds, part),
        }
        if curve_of is None:
            found[alarms] = ranking.false_alarms_per_hour(values, kinds, hours[chosen], RECALL, part)
        else:
            found[alarms] = curves.alarms_per_hour([clips[place] for place in chosen.tolist()], curve_of, RECALL, part)
        return found

    return [metric]


def clip_scores(
    clips: Sequence[TrueClip], predictions: Mapping[str, Prediction], curve_of: Mapping[str, Curve] | None
) -> Floats | None:
    """Each clip's score; of a curve alone its largest; None where there is neither."""
    if all("score" in predictions[clip.clip_id].scores for clip in clips):
        return np.asarray([predictions[clip.clip_id].scores["score"] for clip in clips])
    if curve_of is None:
        return None
    return np.asarray([curve_of[clip.clip_id].scores.max() for clip in clips])


def _horizons(
    clips: Sequence[TrueClip], predictions: Mapping[str, Prediction], curve_of: Mapping[str, Curve] | None
) -> list[Metric]:
    """Nexar's average precision at 500, 1,000 and 1,500 ms before the event, and their mean."""
    positive = np.asarray([clip.is_accident for clip in clips])
    by_horizon: dict[str, Floats] = {}
    for horizon in HORIZONS_MS:
        name = f"score_{horizon}ms"
        if curve_of is not None:
            by_horizon[f"nexar_ap_{horizon}ms"] = curves.before_event(clips, curve_of, horizon)
        elif all(name in predictions[clip.clip_id].scores for clip in clips):
            by_horizon[f"nexar_ap_{horizon}ms"] = np.asarray([predictions[c.clip_id].scores[name] for c in clips])
    if not by_horizon:
        return []

    def metric(mask: Bools, weights: Floats) -> dict[str, Floats]:
        found = {}
        for name, scores in by_horizon.items():
            chosen = _with_the_other_class(mask, positive) & np.isfinite(scores)
            found[name] = ranking.average_precision(scores[chosen], positive[chosen], weights[:, chosen])
        if len(found) == len(HORIZONS_MS):
            found["nexar_map"] = np.mean(list(found.values()), axis=0)
        return found

    return [metric]


def _boxes(clips: Sequence[TrueClip], boxes_of: Mapping[str, BoxSet] | None) -> list[Metric]:
    """Average precision of boxes, and of tracks where the predictions have them; of clips with annotations."""
    if boxes_of is None:
        return []
    places = [place for place, clip in enumerate(clips) if clip.annotations_url is not None]
    true = [boxes.true_boxes(clips[place]) for place in places]
    given = [boxes_of[clips[place].clip_id] for place in places]
    by_box = boxes.match_boxes(given, true)
    has_tracks = any(name for each in given for name in each.tracks)
    by_track = boxes.match_tracks(given, true) if has_tracks else None

    def metric(mask: Bools, weights: Floats) -> dict[str, Floats]:
        part = weights[: 1 + _BOX_REPLICATES, places] * mask[places]
        precision = boxes.average_precision(by_box, part)
        found = {"box_ap_50": precision[:, 0], "box_ap": precision.mean(axis=1)}
        if by_track is not None:
            found["track_ap_50"] = boxes.average_precision(by_track, part)[:, 0]
        return found

    return [metric]


def _with_the_other_class(mask: Bools, positive: Bools) -> Bools:
    """The clips of the mask, and all of the class that has none among them."""
    for kind in (positive, ~positive):
        if not (mask & kind).any():
            mask = mask | kind
    return mask


def _lines(
    clips: Sequence[TrueClip], predictions: Mapping[str, Prediction], curve_of: Mapping[str, Curve] | None
) -> dict[str, list[tuple[float, float]]]:
    scores = clip_scores(clips, predictions, curve_of)
    positive = np.asarray([clip.is_accident for clip in clips])
    if scores is None or positive.all() or not positive.any():
        return {}
    points = {"roc": ranking.roc_points, "precision_recall": ranking.precision_recall_points}
    return {
        name: [(float(x), float(y)) for x, y in zip(*draw(scores, positive), strict=True)]
        for name, draw in points.items()
    }
