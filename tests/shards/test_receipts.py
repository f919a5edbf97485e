"""Receipts: what they say of a clip, and what it was made from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from its_core.clip import Geometry, Outcome, Scene
from its_core.shards.receipts import ClipFiles, MadeFrom, synthetic_attempt
from its_core.taxonomy import IncidentType
from tests.shards.batch.requests import request

MADE = MadeFrom(request=request(), fingerprint="cosmos 1 (ab)", settings={"steps": 35}, weights_sha256="a" * 64)
EVERYTHING = {"prompt", "negative_prompt", "guidance", "scene", "input"}


@pytest.mark.parametrize(
    ("change", "part", "read"),
    [
        ({"prompt": "other"}, "prompt", "prompt"),
        ({"negative_prompt": "other"}, "negative prompt", "negative_prompt"),
        ({"guidance": 3.0}, "guidance", "guidance"),
        ({"scene": Scene("c", IncidentType.SIDESWIPE_COLLISION)}, "scene", "scene"),
        ({"input_sha256": "b" * 64}, "input", "input"),
        ({"seed": 6}, "seed", None),
        ({"geometry": Geometry.of("480", 10)}, "size", None),
    ],
)
def test_what_differs_is_named_where_the_engine_reads_it(change, part, read):
    other = MADE.model_copy(update={"request": replace(MADE.request, **change)})
    assert MADE.differences(other, EVERYTHING) == [part]
    assert MADE.differences(other, EVERYTHING - {read}) == ([] if read else [part])


def test_another_engine_or_other_weights_differ_and_unknown_weights_do_not():
    assert MADE.differences(MADE.model_copy(update={"fingerprint": "cosmos 2 (ab)"}), set()) == ["engine"]
    assert MADE.differences(MADE.model_copy(update={"weights_sha256": "b" * 64}), set()) == ["weights"]
    assert MADE.differences(MADE.model_copy(update={"weights_sha256": None}), set()) == []
    moved = replace(MADE.request, input_path="/elsewhere/a.jpg", clip_id="x", scenario_id="y")
    assert MADE.differences(MADE.model_copy(update={"request": moved}), EVERYTHING) == []


def test_a_clip_that_has_begun_is_ours_and_not_made(tmp_path: Path):
    files = ClipFiles(tmp_path / "a.mp4")
    assert not files.has_receipt()
    files.begin(MADE, EVERYTHING)
    assert files.has_receipt()
    assert files.read_receipt() is files.valid_receipt() is files.success_receipt() is None
    receipt = files.add_attempt(MADE.request, synthetic_attempt(Outcome.TIMED_OUT, "late", "test"))
    assert (receipt.made_from, len(receipt.attempts)) == (MADE, 1)


def test_attempts_at_the_same_clip_are_kept_and_those_at_another_forgotten(tmp_path: Path):
    files = ClipFiles(tmp_path / "a.mp4")
    files.begin(MADE, EVERYTHING)
    files.add_attempt(MADE.request, synthetic_attempt(Outcome.TIMED_OUT, "late", "test"))
    files.begin(MADE, EVERYTHING)
    assert files.read_receipt() is not None
    files.begin(MADE.model_copy(update={"request": replace(MADE.request, seed=9)}), EVERYTHING)
    assert files.read_receipt() is None


def test_a_made_clip_must_be_there_at_its_full_length(tmp_path: Path):
    files = ClipFiles(tmp_path / "a.mp4")
    files.video.write_bytes(b"a clip")
    attempt = synthetic_attempt(Outcome.GENERATED, "", "test")
    receipt = files.add_attempt(MADE.request, attempt, clip_sha256="c" * 64, made_from=MADE)
    assert files.success_receipt() == receipt
    files.video.write_bytes(b"a cl")
    assert files.read_receipt() == receipt
    assert files.valid_receipt() is None
    files.video.unlink()
    assert files.valid_receipt() is None
