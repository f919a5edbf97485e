"""``its plan`` and ``its coverage`` from the command line."""

import re
from pathlib import Path

import pyarrow.parquet as pq
import yaml
from its_flows.cli.main import app
from typer.testing import CliRunner

from its_core.dataset.publish import Published
from tests.dataset.conftest import clips, published, work

__all__ = ["clips", "published", "work"]


def test_a_plan_tops_up_what_a_version_lacks(published: Published, tmp_path: Path) -> None:
    quotas = {"incident_type": {"rear_end_collision": 0.5, "normal_traffic": 0.5}}
    (tmp_path / "coverage.yaml").write_text(yaml.safe_dump({"clips": 6, "quotas": quotas, "earlier": [published.url]}))
    manifest = tmp_path / "scenarios.parquet"
    done = CliRunner().invoke(app, ["plan", str(tmp_path / "coverage.yaml"), str(manifest)])
    assert done.exit_code == 0, done.output
    # Three rear-end collisions and one clip of normal traffic are there.
    assert pq.read_table(manifest)["incident_type"].to_pylist() == ["normal_traffic"] * 2


def test_coverage_is_shown_as_numbers_and_pictures(published: Published, tmp_path: Path) -> None:
    page = tmp_path / "coverage.html"
    done = CliRunner().invoke(app, ["coverage", published.url, "--by", "incident_type", "--output", str(page)])
    assert done.exit_code == 0, done.output
    assert re.search(r"rear_end_collision\W+3\b", done.stdout)
    text = page.read_text()
    assert text.count("<img") == 2
    assert "http" not in text


def test_wrong_quotas_are_status_2(tmp_path: Path) -> None:
    (tmp_path / "coverage.yaml").write_text("clips: 5")
    done = CliRunner().invoke(app, ["plan", str(tmp_path / "coverage.yaml")])
    assert done.exit_code == 2
    assert "quotas" in done.stderr
