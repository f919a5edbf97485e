"""``its status``: a line a dataset, what failed and why, all of it as JSON."""

import json
from pathlib import Path

import pytest
from its_flows.cli.main import app
from typer.testing import CliRunner

from its_core.clip import Outcome
from its_core.shards.receipts import TooFewClips
from tests.shards.test_status import building, ends


@pytest.fixture
def datasets(tmp_path: Path) -> Path:
    for name in ("broken", "failed", "never"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "dataset.yaml").write_text(f"name: {name}")
    (tmp_path / "broken" / "dataset.yaml").write_text("name: [")
    work = tmp_path / "failed" / ".its"
    with pytest.raises(TooFewClips), building(work, clips=1234):
        ends(work, 0, Outcome.GENERATED)
        for index in range(1, 8):
            ends(work, index, Outcome.TIMED_OUT)
        raise TooFewClips("too few")
    return tmp_path


def test_it_shows_all_builds_and_why_clips_failed(datasets: Path):
    shown = CliRunner().invoke(app, ["status", str(datasets)], terminal_width=200)
    assert shown.exit_code == 0
    lines = shown.output.splitlines()
    assert any(line.split()[:6] == ["failed", "unfinished", "1", "of", "1,234", "1,233"] for line in lines)
    assert any(line.split() == ["never", "never", "built"] for line in lines)
    assert any(line.split() == ["broken", "unknown"] for line in lines)
    assert "broken: " in shown.output and "cannot be read as YAML" in shown.output
    assert "failed: too_few_clips: too few, 7 timed_out" in shown.output
    assert "s1 v0" in shown.output and "timed_out: because (1 attempt, to be tried again)" in shown.output
    assert "… and 2 more (--json has all)" in shown.output


def test_json_has_all_of_it(datasets: Path):
    shown = CliRunner().invoke(app, ["status", str(datasets), "--json"])
    broken, failed, never = json.loads(shown.output)
    assert (broken["phase"], never["phase"]) == ("unknown", "never_built")
    assert (failed["phase"], failed["made"], failed["left"]) == ("unfinished", 1, 1233)
    assert len(failed["failed"]) == 7
    assert failed["failed"][0]["attempts"][0]["duration_s"] == 2.0
    assert failed["build"]["overrides"] == {"fps": 10}


def test_a_folder_without_datasets_is_an_error(tmp_path: Path):
    shown = CliRunner().invoke(app, ["status", str(tmp_path)])
    assert shown.exit_code == 2
