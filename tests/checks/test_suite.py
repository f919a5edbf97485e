"""The verdict on measures: every fault has its words, and nothing that could not be checked passes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from its_core.checks.measures import Measures, table
from its_core.checks.suite import Verdict, validate
from its_core.clip import Geometry

GEOMETRY = Geometry.of("720", 16)
GOOD = Measures(
    problem=None,
    codec="h264",
    pix_fmt="yuv420p",
    width_px=1280,
    height_px=704,
    fps=16.0,
    duration_s=5.8125,
    size_bytes=1_000_000,
    faststart=True,
    bt709=True,
    declared_frames=93,
    missing_bytes=0,
    decoded_frames=93,
    decode_errors=0,
    mean_luma=110.0,
    black_frames=0,
    flat_frames=0,
    still_frames=8,
    frozen_frames=0,
    first_frame_difference=None,
    camera_drift_px=0.0,
    cuts=0,
    flicker_levels=0.1,
    crushed_share=0.02,
    clipped_share=0.01,
    sharpness=300.0,
    colour_cast_levels=4.0,
    contrast_levels=40.0,
    perceptual_hash="0f" * 16,
    precipitation_permille=-0.2,
    blue_sky_share=0.3,
    text_characters=0,
    text_is_asked=False,
)
# Each fault, and how it is worded.
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "short": ({"decoded_frames": 61}, "93 frames expected, 61 decoded"),
    "long": ({"decoded_frames": 109}, "93 frames expected, at least 109 decoded"),
    "cut": ({"missing_bytes": 512}, "cut off: the last 512 bytes are missing"),
    "small": ({"width_px": 768, "height_px": 432}, "1280×704 expected, found 768×432"),
    "slow": ({"fps": 10.0}, "16 frames a second expected, found 10"),
    "brief": ({"duration_s": 3.8125}, "5.81 s expected, found 3.81 s"),
    "hevc": ({"codec": "hevc"}, "codec h264 expected, found hevc"),
    "444": ({"pix_fmt": "yuv444p"}, "pixel format yuv420p expected, found yuv444p"),
    "moov-last": ({"faststart": False}, "not faststart: the index (moov) lies behind the pictures"),
    "black": ({"black_frames": 12}, "12 of 93 frames are black"),
    "grey": ({"flat_frames": 93}, "93 of 93 frames show nothing but one shade"),
    "frozen": ({"frozen_frames": 30}, "frozen: the picture stands still for 30 frames while everything was moving"),
    "still": ({"still_frames": 93}, "frozen: nothing moves in 93 of 93 frames"),
    "elsewhere": (
        {"first_frame_difference": 44.25},
        "the first frame is not the conditioning frame: they differ by 44.25 levels of 255, at most 12 is accepted",
    ),
    "drifting": (
        {"camera_drift_px": 40.0},
        "the camera moves: the background shifts by 40 pixels, at most 12.8 is accepted",
    ),
    "with-a-cut": ({"cuts": 1}, "1 cuts, at most 0 is accepted"),
    "flickering": ({"flicker_levels": 9.5}, "flickers by 9.5 levels of 255, at most 4 is accepted"),
    "dark": ({"crushed_share": 0.97}, "underexposed: a share of 0.97 is black, at most 0.9 is accepted"),
    "glaring": ({"clipped_share": 0.5}, "overexposed: a share of 0.5 is white, at most 0.3 is accepted"),
    "tinted": ({"colour_cast_levels": 90.0}, "a colour cast of 90 levels of 255, at most 70 is accepted"),
    "blurred": ({"sharpness": 0.5}, "blurred: the Laplacian's variance is 0.5, at least 2 is accepted"),
    "captioned": (
        {"text_characters": 14},
        "burnt-in text that was not asked for: a line of 14 characters, at most 7 is accepted",
    ),
    "no-rain": (
        {"asked_weather": "rain"},
        "asked for in rain: drops lighten -0.2 of 1,000 pixels, at least 1 is accepted",
    ),
    "no-snow": (
        {"asked_weather": "snow"},
        "asked for in snow: flakes lighten -0.2 of 1,000 pixels, at least 2 is accepted",
    ),
    "sunny": (
        {"asked_weather": "overcast", "asked_light": "day"},
        "asked for under an overcast sky: a share of 0.3 is blue sky, at most 0.05 is accepted",
    ),
    "broken": (
        {"problem": "the decoder complained: error while decoding MB", "decode_errors": 3},
        "the decoder complained: error while decoding MB",
    ),
    "unmeasured": ({"mean_luma": None}, "mean_luma could not be measured"),
}


CLIPS = {name: replace(GOOD, **fault) for name, (fault, _) in FAULTS.items()} | {
    "good": GOOD,
    "conditioned": replace(GOOD, first_frame_difference=2.5),
    "at-rest": replace(GOOD, still_frames=80, frozen_frames=16),
    "signed": replace(GOOD, text_characters=30, text_is_asked=True),
    "too soft for drops": replace(GOOD, asked_weather="rain", sharpness=30.0),
    "unopened": Measures(problem="the file is empty (0 bytes)"),
}


@pytest.fixture(scope="module")
def verdict(tmp_path_factory: pytest.TempPathFactory) -> Verdict:
    return validate(table(CLIPS), [*CLIPS, "forgotten"], GEOMETRY, tmp_path_factory.mktemp("docs"))


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_and_nothing_else_is(verdict: Verdict, name: str) -> None:
    assert verdict.reasons[name] == (FAULTS[name][1],)


def test_good_clips_are_valid(verdict: Verdict) -> None:
    assert {each for each, reasons in verdict.reasons.items() if not reasons} == {
        "good",
        "conditioned",
        "at-rest",
        "signed",
        "too soft for drops",
    }


def test_a_clip_that_could_not_be_opened_has_that_one_reason(verdict: Verdict) -> None:
    assert verdict.reasons["unopened"] == ("the file is empty (0 bytes)",)


def test_a_clip_without_measures_is_invalid(verdict: Verdict) -> None:
    assert verdict.reasons["forgotten"] == ("it was not measured",)
    assert verdict.result["success"] is False


def test_all_good_is_a_success_and_its_data_docs_are_kept(tmp_path: Path) -> None:
    found = validate(table({"a": GOOD, "b": GOOD}), ["a", "b"], GEOMETRY, tmp_path)

    assert found.reasons == {"a": (), "b": ()}
    assert found.result["success"] is True
    assert "<html" in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert (tmp_path / "validation.json").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"index.html", "validation.json"}


def test_the_verdict_is_the_same_without_data_docs(verdict: Verdict) -> None:
    assert validate(table(CLIPS), [*CLIPS, "forgotten"], GEOMETRY).reasons == verdict.reasons
    good = {name: each for name, each in CLIPS.items() if not verdict.reasons[name]}
    assert validate(table(good), list(good), GEOMETRY).reasons == dict.fromkeys(good, ())
    for fault in ("short", "broken", "unmeasured"):
        one = validate(table(good | {fault: CLIPS[fault]}), [*good, fault], GEOMETRY)
        assert one.reasons == {name: verdict.reasons[name] for name in (*good, fault)}


def test_a_missing_column_is_never_a_pass() -> None:
    found = validate(table({"a": GOOD}).drop(columns="black_frames"), ["a"], GEOMETRY)

    assert found.reasons == {"a": ("black_frames could not be checked",)}


def test_measures_of_another_type_are_never_a_pass() -> None:
    rows = table({"a": GOOD})
    rows["decoded_frames"] = pd.Series(["many"], dtype="string")

    found = validate(rows, ["a"], GEOMETRY)

    assert all(found.reasons.values())


def test_a_clip_measured_twice_is_invalid() -> None:
    found = validate(pd.concat([table({"a": GOOD}), table({"a": GOOD})]), ["a"], GEOMETRY)

    assert found.reasons == {"a": ("it was measured more than once",)}


def test_an_empty_table_passes_nothing() -> None:
    assert validate(table({}), ["a"], GEOMETRY).reasons == {"a": ("it was not measured",)}


def test_html_in_a_reason_is_escaped_in_the_data_docs(tmp_path: Path) -> None:
    clips = {"<script>alert(1)</script>": replace(GOOD, codec="<script>alert(2)</script>")}

    validate(table(clips), list(clips), GEOMETRY, tmp_path)

    pages = "".join(page.read_text(encoding="utf-8") for page in tmp_path.rglob("*.html"))
    assert "<script>alert(" not in pages
