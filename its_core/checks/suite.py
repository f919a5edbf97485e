"""The values that a clip's measures must have: a Great Expectations suite, its verdict in words, its Data Docs."""

from __future__ import annotations

import html
import importlib
import json
import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from its_core.checks import data_docs
from its_core.checks.measures import MAY_BE_NULL, Measures
from its_core.clip import Geometry
from its_core.quality_gates import Gates
from its_core.storage import replacing
from its_core.taxonomy import Light, Weather

RESULT_FILE = "validation.json"
# A clip is frozen when its motion stops or starts from one frame to the next with a longer rest beside it, or when
# nothing moves in nearly all of it. Rest alone is no fault: after a crash a street may well stand still.
FROZEN_S = 1.0
STILL_SHARE = 0.95
DEFAULT_GATES = Gates()
UNMEASURED = "unmeasured"  # a column: the names of the measures that a clip lacks
# Drops are a pixel wide: a picture that is softer than this, as old recorders make them, cannot show them.
_SHARP_ENOUGH_FOR_RAIN = 50.0
# Columns that only clips have of which something was asked: column, what was measured, what was asked.
_IF_ASKED: dict[str, tuple[str, str, object]] = {
    "night_luma": ("mean_luma", "asked_light", Light.NIGHT),
    "day_luma": ("mean_luma", "asked_light", Light.DAY),
    "fog_contrast": ("contrast_levels", "asked_weather", Weather.FOG),
    "overcast_blue_share": ("blue_sky_share", "asked_weather", Weather.OVERCAST),
    "rain_permille": ("precipitation_permille", "asked_weather", Weather.RAIN),
    "snow_permille": ("precipitation_permille", "asked_weather", Weather.SNOW),
    "unasked_characters": ("text_characters", "text_is_asked", False),
}

_COMPLETE = {"result_format": "COMPLETE", "unexpected_index_column_names": ["clip_id"]}

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """``reasons`` has every clip; a valid clip has none. ``result`` is Great Expectations' own, as JSON values, where
    it was asked for or some clip is invalid."""

    reasons: Mapping[str, tuple[str, ...]]
    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Rule:
    """Values of a column: all of ``allowed``, or from ``low`` to ``high``; ``reason`` words a row that fails."""

    column: str
    reason: Callable[[Row], str]
    allowed: tuple[str | bool, ...] | None = None
    low: float | None = None
    high: float | None = None


def _rules(geometry: Geometry, gates: Gates) -> list[_Rule]:
    frames, size = geometry.frames, f"{geometry.width_px}×{geometry.height_px}"
    duration_s, half_frame_s = geometry.duration_s, 0.5 / geometry.fps

    def wrong_size(row: Row) -> str:
        return f"{size} expected, found {row['width_px']}×{row['height_px']}"

    return [
        _Rule("decoded_frames", lambda row: _frames_reason(frames, row["decoded_frames"]), low=frames, high=frames),
        _Rule("missing_bytes", lambda row: f"cut off: the last {row['missing_bytes']} bytes are missing", high=0),
        _Rule("width_px", wrong_size, low=geometry.width_px, high=geometry.width_px),
        _Rule("height_px", wrong_size, low=geometry.height_px, high=geometry.height_px),
        _Rule(
            "fps",
            lambda row: f"{geometry.fps} frames a second expected, found {row['fps']:g}",
            low=geometry.fps - 0.01,
            high=geometry.fps + 0.01,
        ),
        _Rule(
            "duration_s",
            lambda row: f"{duration_s:.2f} s expected, found {row['duration_s']:.2f} s",
            low=duration_s - half_frame_s,
            high=duration_s + half_frame_s,
        ),
        _Rule("codec", lambda row: f"codec h264 expected, found {row['codec']}", allowed=("h264",)),
        _Rule("pix_fmt", lambda row: f"pixel format yuv420p expected, found {row['pix_fmt']}", allowed=("yuv420p",)),
        _Rule("faststart", lambda _: "not faststart: the index (moov) lies behind the pictures", allowed=(True,)),
        _Rule("black_frames", lambda row: f"{row['black_frames']} of {frames} frames are black", high=0),
        _Rule("flat_frames", lambda row: f"{row['flat_frames']} of {frames} frames show nothing but one shade", high=0),
        _Rule(
            "frozen_frames",
            lambda row: (
                f"frozen: the picture stands still for {row['frozen_frames']} frames while everything was moving"
            ),
            high=round(FROZEN_S * geometry.fps),
        ),
        _Rule(
            "still_frames",
            lambda row: f"frozen: nothing moves in {row['still_frames']} of {frames} frames",
            high=int(STILL_SHARE * frames),
        ),
        *_gate_rules(geometry, gates),
    ]


def _gate_rules(geometry: Geometry, gates: Gates) -> list[_Rule]:
    """A rule for every gate that is not switched off."""
    share = gates.camera_drift_share
    drift_px = None if share is None else share * geometry.width_px
    limits: list[tuple[str, float | None, str]] = [
        ("camera_drift_px", drift_px, "the camera moves: the background shifts by {} pixels"),
        ("cuts", gates.cuts, "{} cuts"),
        ("flicker_levels", gates.flicker_levels, "flickers by {} levels of 255"),
        ("crushed_share", gates.crushed_share, "underexposed: a share of {} is black"),
        ("clipped_share", gates.clipped_share, "overexposed: a share of {} is white"),
        ("colour_cast_levels", gates.colour_cast_levels, "a colour cast of {} levels of 255"),
        (
            "first_frame_difference",
            gates.first_frame_levels,
            "the first frame is not the conditioning frame: they differ by {} levels of 255",
        ),
        ("night_luma", gates.night_luma, "asked for at night: the mean luma is {} of 255"),
        ("fog_contrast", gates.fog_contrast, "asked for in fog: the luma's standard deviation is {} of 255"),
        (
            "overcast_blue_share",
            gates.overcast_blue_share,
            "asked for under an overcast sky: a share of {} is blue sky",
        ),
        ("unasked_characters", gates.text_characters, "burnt-in text that was not asked for: a line of {} characters"),
    ]
    at_least: list[tuple[str, float | None, str]] = [
        ("sharpness", gates.sharpness, "blurred: the Laplacian's variance is {}"),
        ("day_luma", gates.day_luma, "asked for by day: the mean luma is {} of 255"),
        ("rain_permille", gates.rain_permille, "asked for in rain: drops lighten {} of 1,000 pixels"),
        ("snow_permille", gates.snow_permille, "asked for in snow: flakes lighten {} of 1,000 pixels"),
    ]

    def reason(column: str, words: str, limit: float, bound: str) -> Callable[[Row], str]:
        return lambda row: f"{words.format(f'{row[column]:g}')}, {bound} {limit:g} is accepted"

    rules = [
        _Rule(column, reason(column, words, limit, "at most"), high=limit)
        for column, limit, words in limits
        if limit is not None
    ]
    rules += [
        _Rule(column, reason(column, words, limit, "at least"), low=limit)
        for column, limit, words in at_least
        if limit is not None
    ]
    return rules


def _frames_reason(expected: int, decoded: int) -> str:
    return f"{expected} frames expected, {'at least ' if decoded > expected else ''}{decoded} decoded"


def validate(
    measures: pd.DataFrame,
    clip_ids: Collection[str],
    geometry: Geometry,
    docs_dir: Path | None = None,
    gates: Gates = DEFAULT_GATES,
) -> Verdict:
    """Validates ``checks.measures.table`` of the clips with the suite.

    Every one of ``clip_ids`` gets a verdict; one that has no row, or that a missing column or an error of the suite
    keeps from being checked, is invalid. With ``docs_dir``, Data Docs (``index.html``, one page that
    needs no network) and the result (``validation.json``) are written there. Without it, the verdict on clips that are
    all valid holds no result.
    """
    if not clip_ids:
        return Verdict({}, {})
    rules = _rules(geometry, gates)
    measures = _with_unmeasured(_with_asked(measures))
    if docs_dir is None and _all_pass(measures, rules, clip_ids):
        return Verdict(dict.fromkeys(clip_ids, ()), {})
    expectations = [*_expectations_of_rows(len(clip_ids)), *_expectations_of_values(rules)]
    validated = _run(_escaped(measures), expectations, _COMPLETE)
    result: dict[str, Any] = validated.to_json_dict()
    rows: dict[str, Row] = {str(row["clip_id"]): row for row in _records(measures)}
    reasons: dict[str, list[str]] = {clip_id: [] for clip_id in clip_ids}
    for clip_id, of_clip in reasons.items():
        if clip_id not in rows:
            of_clip.append("it was not measured")
        elif not pd.isna(problem := rows[clip_id].get("problem", pd.NA)):
            of_clip.append(str(problem))
    wording = {rule.column: rule.reason for rule in rules}
    unmeasured_last = sorted(result["results"], key=lambda outcome: _column(outcome) == UNMEASURED)
    for outcome in unmeasured_last:
        _explain(outcome, rows, wording, reasons)
    if docs_dir is not None:
        data_docs.write_page(docs_dir, validated)
        with replacing(docs_dir / RESULT_FILE) as part:
            part.write_text(json.dumps(result, indent=1), encoding="utf-8")
    return Verdict({clip_id: tuple(dict.fromkeys(of_clip)) for clip_id, of_clip in reasons.items()}, result)


def _with_asked(measures: pd.DataFrame) -> pd.DataFrame:
    """With the columns of ``_IF_ASKED``: null, which every expectation lets pass, where it was not asked for."""
    asked = {name: measures[of].where(measures[by] == word) for name, (of, by, word) in _IF_ASKED.items()}
    asked["overcast_blue_share"] = asked["overcast_blue_share"].where(measures["asked_light"] == Light.DAY)
    asked["rain_permille"] = asked["rain_permille"].where(measures["sharpness"] >= _SHARP_ENOUGH_FOR_RAIN)
    return measures.assign(**asked)


def _with_unmeasured(measures: pd.DataFrame) -> pd.DataFrame:
    """With the column ``UNMEASURED``: one expectation for all measures costs a fraction of one for each of them."""
    names = [field.name for field in fields(Measures) if field.name not in MAY_BE_NULL]
    missing = measures.reindex(columns=names).isna().to_numpy()
    listed = [", ".join(name for name, lacks in zip(names, row, strict=True) if lacks) or pd.NA for row in missing]
    return measures.assign(**{UNMEASURED: pd.array(listed, dtype="string")})


def _escaped(measures: pd.DataFrame) -> pd.DataFrame:
    """Text as HTML: Data Docs write values into their pages as they are, and a file's own words are untrusted."""
    escaped = measures.reset_index(drop=True)
    for name in escaped.columns[escaped.dtypes == "string"]:
        escaped[name] = escaped[name].map(html.escape, na_action="ignore")
    return escaped


def _records(measures: pd.DataFrame) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = measures.astype(object).to_dict("records")  # type: ignore[assignment]
    return records


def _kind(outcome: Mapping[str, Any]) -> str:
    return str(outcome["expectation_config"]["type"])


def _column(outcome: Mapping[str, Any]) -> str | None:
    column: str | None = outcome["expectation_config"]["kwargs"].get("column")
    return column


def _explain(
    outcome: Mapping[str, Any],
    rows: Mapping[str, Row],
    wording: Mapping[str, Callable[[Row], str]],
    reasons: Mapping[str, list[str]],
) -> None:
    """Adds the reasons that follow from one expectation's outcome."""
    column = _column(outcome)
    if outcome["success"] or column is None:  # the table as a whole: a missing row has its reason already
        return
    if "unexpected_index_list" not in outcome["result"]:
        for of_clip in reasons.values():
            of_clip.append(f"{column} could not be checked")
        return
    for entry in outcome["result"]["unexpected_index_list"] or ():
        clip_id = html.unescape(entry["clip_id"])
        if clip_id not in reasons:
            continue
        of_clip = reasons[clip_id]
        match _kind(outcome):
            case "expect_column_values_to_be_null" if column == UNMEASURED:
                if not of_clip:
                    of_clip.append(f"{entry[column]} could not be measured")
            case "expect_column_values_to_be_unique":
                of_clip.append("it was measured more than once")
            case "expect_column_values_to_be_null" | "expect_column_values_to_not_be_null":
                pass
            case _:
                of_clip.append(wording[column](rows[clip_id]))


def _expectations_of_rows(clips: int) -> list[Any]:
    gxe = _great_expectations(".expectations")
    return [
        gxe.ExpectTableRowCountToEqual(value=clips),
        gxe.ExpectColumnValuesToBeUnique(column="clip_id"),
        gxe.ExpectColumnValuesToNotBeNull(column="clip_id"),
    ]


def _expectations_of_values(rules: Sequence[_Rule]) -> list[Any]:
    gxe = _great_expectations(".expectations")
    return [
        gxe.ExpectColumnValuesToBeNull(column="problem"),
        gxe.ExpectColumnValuesToBeNull(column=UNMEASURED),
        *(
            gxe.ExpectColumnValuesToBeBetween(column=rule.column, min_value=rule.low, max_value=rule.high)
            if rule.allowed is None
            else gxe.ExpectColumnValuesToBeInSet(column=rule.column, value_set=list(rule.allowed))
            for rule in rules
        ),
    ]


def _all_pass(measures: pd.DataFrame, rules: Sequence[_Rule], clip_ids: Collection[str]) -> bool:
    """Whether every clip is there and valid: the suite's answer without its lists, at less than half of the cost.

    Expectations about columns without a value, which nothing was asked of, are left out: they let every null pass.
    """
    if Counter(measures["clip_id"]) != Counter(clip_ids):
        return False
    asked = [rule for rule in rules if rule.column not in _IF_ASKED or measures[rule.column].notna().any()]
    return bool(_run(_escaped(measures), _expectations_of_values(asked), {"result_format": "BOOLEAN_ONLY"}).success)


def _run(measures: pd.DataFrame, expectations: list[Any], result_format: Mapping[str, Any]) -> Any:
    """Great Expectations' own result object."""
    gx = _great_expectations()
    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)  # it logs every folder
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("clips").add_dataframe_asset("measures")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": measures})
    # A checkpoint would store the suite and compare it with the stored one over and over, for a third of the time.
    return batch.validate(
        gx.ExpectationSuite("clips", expectations=expectations),
        result_format=dict(result_format),
    )


def _great_expectations(module: str = "") -> Any:
    """Imported when needed, because the import takes seconds."""
    return importlib.import_module("great_expectations" + module)
