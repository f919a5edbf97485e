"""A detector's predictions, one row a clip in a CSV file, checked against the clips that they are about.

=================  =========================================================================================
column             value
=================  =========================================================================================
``clip_id``        a clip of the version; ``path`` for a folder in ACCIDENT's layout
``score``          how likely something touches in the clip; any finite number, larger is likelier
``accident_time``  seconds from the clip's start
``center_x``       where, as a share of the frame's width, 0 to 1 from the left
``center_y``       the same of the height, from the top
``type``           head-on, rear-end, sideswipe, single or t-bone
``score_500ms``    the score after seeing the clip up to 500 ms before the event; likewise 1000 and 1500
=================  =========================================================================================

There must be ``score``, or the four from ``accident_time`` to ``type``; what else is there is scored too.
Every clip needs a row. In rows of clips without an accident, when, where and what may be empty.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from its_core.errors import FactoryError
from its_core.evaluation.ground_truth import TrueClip
from its_core.taxonomy import CollisionType

HORIZONS_MS = (500, 1000, 1500)
ANSWER = ("accident_time", "center_x", "center_y", "type")
_SCORES = ("score", *(f"score_{horizon}ms" for horizon in HORIZONS_MS))
_TYPES = tuple(kind.value for kind in CollisionType)
_MOST_NAMED = 3


class PredictionError(FactoryError, ValueError):
    """Predictions that cannot be scored: one line with file, row, value and what would be right."""

    default_code = "predictions"


@dataclass(frozen=True, slots=True)
class Prediction:
    """What was said of a clip; NaN and None where nothing was."""

    accident_time_s: float
    center: tuple[float, float]
    type: str | None
    scores: Mapping[str, float]


def read(path: Path, clips: Sequence[TrueClip]) -> dict[str, Prediction]:
    """The predictions by clip. Raises PredictionError for the first thing that is wrong."""
    header, rows = _rows(path)
    name = next((column for column in ("clip_id", "path") if column in header), None)
    if name is None:
        raise PredictionError(f"{path}: has no column clip_id", code="predictions.no_clip_column")
    answers = [column for column in ANSWER if column in header]
    if "score" not in header and len(answers) < len(ANSWER):
        missing = ", ".join(column for column in ANSWER if column not in header)
        raise PredictionError(
            f"{path}: has neither the column score nor all of when, where and what (without {missing})",
            code="predictions.no_columns",
        )
    by_clip = {clip.clip_id: clip for clip in clips}
    first_line: dict[str, int] = {}
    found: dict[str, Prediction] = {}
    for line, row in rows:
        clip_id = row.get(name) or ""
        if clip_id in first_line:
            raise PredictionError(
                f"{path}, line {line}: clip {clip_id!r} was on line {first_line[clip_id]} already; keep one of them",
                code="predictions.double_clip",
            )
        if clip_id not in by_clip:
            raise PredictionError(
                f"{path}, line {line}: clip {clip_id!r} is none of the {len(clips)} clips scored",
                code="predictions.unknown_clip",
            )
        first_line[clip_id] = line
        found[clip_id] = _parse(row, by_clip[clip_id], answers, f"{path}, line {line}")
    absent = [clip_id for clip_id in by_clip if clip_id not in found]
    if absent:
        named = ", ".join(absent[:_MOST_NAMED]) + (", …" if len(absent) > _MOST_NAMED else "")
        raise PredictionError(
            f"{path}: {len(absent)} of {len(clips)} clips have no row: {named}", code="predictions.missing_clip"
        )
    return found


def write(path: Path, predictions: Mapping[str, Prediction]) -> None:
    """The same layout, for baselines and detectors."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        columns = sorted({column for each in predictions.values() for column in each.scores})
        writer.writerow(["clip_id", *ANSWER, *columns])
        for clip_id, each in predictions.items():
            numbers = [each.accident_time_s, *each.center]
            cells = ["" if math.isnan(number) else f"{number:.6f}" for number in numbers]
            scores = [f"{each.scores[column]:.6g}" for column in columns]
            writer.writerow([clip_id, *cells, each.type or "", *scores])


def _rows(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise PredictionError(f"{path}: no such file", code="predictions.unreadable") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise PredictionError(f"{path}: cannot be read: {reason}", code="predictions.unreadable") from None
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        header = list(reader.fieldnames or [])
        return header, [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise PredictionError(f"{path}: is no CSV file: {error}", code="predictions.unreadable") from None


def _parse(row: Mapping[str, str], clip: TrueClip, answers: Sequence[str], where: str) -> Prediction:
    needed = clip.is_accident and len(answers) == len(ANSWER)
    time_s, x, y = (_number(row, name, where, needed=needed) for name in ANSWER[:3])
    if time_s < 0 or time_s > clip.duration_s + 1e-6:
        raise PredictionError(
            f"{where}: accident_time {time_s:g} lies outside the clip's {clip.duration_s:g} s; it must be seconds, "
            "not frames or milliseconds",
            code="predictions.unit",
        )
    for name, value in (("center_x", x), ("center_y", y)):
        if value < 0 or value > 1:
            raise PredictionError(
                f"{where}: {name} {value:g} must be a share of the frame, 0 to 1, not pixels", code="predictions.unit"
            )
    kind = (row.get("type") or "").strip() or None
    if (kind is None and needed) or (kind is not None and kind not in _TYPES):
        raise PredictionError(
            f"{where}: type {kind or ''!r} must be one of {', '.join(_TYPES)}", code="predictions.type"
        )
    scores = {name: _number(row, name, where, needed=True) for name in _SCORES if name in row}
    return Prediction(time_s, (x, y), kind, scores)


def _number(row: Mapping[str, str], name: str, where: str, *, needed: bool) -> float:
    """NaN for an empty cell that may be empty."""
    text = (row.get(name) or "").strip()
    if not text and not needed:
        return math.nan
    try:
        value = float(text)
    except ValueError:
        raise PredictionError(f"{where}: {name} {text!r} is no number", code="predictions.not_a_number") from None
    if not math.isfinite(value):
        raise PredictionError(f"{where}: {name} is {text}; it must be a finite number", code="predictions.not_finite")
    return value
