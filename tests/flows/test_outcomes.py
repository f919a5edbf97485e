"""When a build goes no further, and how its clips and rows are counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from its_flows.outcomes import count_outcomes, refuse_too_few, refuse_too_many_rejected
from its_tasks.clip_table import ClipTable

from its_core import definition as definitions
from its_core.clip import Geometry, Outcome
from its_core.scenarios.manifest import ManifestError
from its_core.scenarios.scenario import Rejection
from its_core.shards.plan import Plan
from its_core.shards.receipts import TooFewClips
from its_core.taxonomy import Split
from tests.shards.test_status import ends


def plan(work: Path, rows: int, rejected: list[int], clips: int) -> Plan:
    rejections = [Rejection(row, f"s{row}", "weather", "hail", "is none of ours") for row in rejected]
    clip_ids = [f"{index:024x}" for index in range(clips)]
    return Plan(work, Geometry.of("480", 10), rows, clip_ids, range(clips), {"c": Split.TRAIN}, rejections)


def define(folder: Path, **keys: Any) -> definitions.Definition:
    (folder / "dataset.yaml").write_text("name: small\n")
    return definitions.load(folder, keys)


@pytest.mark.parametrize(
    ("rows", "rejected", "limit", "is_refused"),
    [
        (100, list(range(99)), 0.05, True),
        (100, [1, 2, 3, 4, 5], 0.05, False),
        (100, [1, 2, 3, 4, 5, 6], 0.05, True),
        (100, [7, 7, 7, 7, 7, 7, 7], 0.05, False),  # one row with seven faults
        (3, [1], 0.0, True),
        (3, [0, 1, 2], 1.0, False),
        (3, [], 0.0, False),
    ],
)
def test_a_manifest_of_which_too_many_rows_are_rejected(tmp_path, rows, rejected, limit, is_refused):
    definition = define(tmp_path, max_rejected_ratio=limit)
    asked = plan(tmp_path, rows, rejected, 1)
    if not is_refused:
        refuse_too_many_rejected(definition, asked)
        return
    with pytest.raises(ManifestError) as raised:
        refuse_too_many_rejected(definition, asked)
    assert raised.value.code == "manifest.too_many_rejected"
    assert f"{len(set(rejected))} of {rows} rows rejected" in str(raised.value)
    assert f"row {rejected[0]}, weather: is none of ours" in str(raised.value)


def test_five_percent_is_the_default(tmp_path):
    assert define(tmp_path).max_rejected_ratio == 0.05


def test_too_few_clips(tmp_path):
    ends(tmp_path, 0, Outcome.GENERATED)
    ends(tmp_path, 1, Outcome.GUARDRAIL_TEXT)
    asked = plan(tmp_path, 2, [], 2)
    clips = ClipTable(tmp_path, asked)
    refuse_too_few(define(tmp_path, min_success_ratio=0.5), clips)
    with pytest.raises(TooFewClips, match=r"1 of 2 clips were not made: 50.0% .*\n.*s1 v0 .*guardrail_text: because"):
        refuse_too_few(define(tmp_path, min_success_ratio=0.6), clips)


def test_every_clip_and_every_rejected_row_counts_once(tmp_path):
    for index, outcome in enumerate((Outcome.GENERATED, Outcome.GENERATED, Outcome.REUSED, Outcome.TIMED_OUT)):
        ends(tmp_path, index, outcome)
    asked = plan(tmp_path, 9, [4, 5], 4)
    clips = ClipTable(tmp_path, asked)
    counts = count_outcomes(asked, clips, before=frozenset({asked.clip_ids[0], asked.clip_ids[3]}))
    assert counts == {
        Outcome.REUSED: 2,
        Outcome.GENERATED: 1,
        Outcome.TIMED_OUT: 1,
        Outcome.REJECTED_INPUT: 2,
    }
