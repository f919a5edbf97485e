"""``its score`` from the command line."""

import json
from pathlib import Path

import pytest
from its_flows.cli.main import app
from typer.testing import CliRunner

from its_core.dataset.publish import Published, publish
from its_core.evaluation import baselines, ground_truth
from its_core.evaluation.scoring import predictions
from tests.dataset import samples


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Published:
    work, folder = tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("published")
    clips = samples.four(work)
    return publish(clips, samples.dataset(folder), samples.rejected(work), samples.run_of(work), work)


def test_predictions_are_scored_beside_the_version(version: Published, tmp_path: Path) -> None:
    truth = ground_truth.open_truth(version.url)
    predictions.write(tmp_path / "mine.csv", baselines.predict("naive", truth))
    before = sorted(Path(version.url).rglob("*"))
    done = CliRunner().invoke(app, ["score", str(tmp_path / "mine.csv"), version.url, "--baselines", "--json"])
    assert done.exit_code == 0, done.output
    reports = json.loads(done.stdout)
    assert [report["predictions"] for report in reports] == ["mine", "naive", "optical-flow", "box-dynamics"]
    assert reports[0]["overall"]["scores"]["when"] == reports[1]["overall"]["scores"]["when"]
    assert sorted(Path(version.url).rglob("*")) == before
    beside = Path(version.url).parent / "evaluation" / version.version / "mine"
    assert sorted(path.name for path in beside.iterdir()) == ["scores.html", "scores.json"]


def test_wrong_predictions_are_one_line_and_status_2(version: Published, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("clip_id,score\nnobody,1\n")
    done = CliRunner().invoke(app, ["score", str(tmp_path / "mine.csv"), version.url])
    assert done.exit_code == 2
    assert "nobody" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_what_is_not_published_is_said(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["score", str(tmp_path), "--baselines"])
    assert done.exit_code == 2
    assert "no published version" in done.stderr
