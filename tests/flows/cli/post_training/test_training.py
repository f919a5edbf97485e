"""``its training``: how a post-training stands, as a table and for Prometheus."""

from __future__ import annotations

from pathlib import Path

import pytest
from its_flows.cli.main import app
from typer.testing import CliRunner

from its_core.post_training.training.trainer import Trainer
from tests.post_training.small_run import make_run


@pytest.fixture
def definition(tmp_path: Path) -> Path:
    """A definition whose run has made two of its two iterations."""
    Trainer(make_run(tmp_path / ".its/post_training/small", tmp_path / "checkpoints", iterations=2)).train()
    (tmp_path / "post_train.yaml").write_text("name: small\nparts: [{dataset: quickstart}]\nmodel_size: tiny\n")
    return tmp_path


def test_it_shows_where_a_training_stands(definition: Path) -> None:
    shown = CliRunner().invoke(app, ["training", str(definition)], env={"COLUMNS": "100"})
    assert shown.exit_code == 0, shown.output
    lines = {
        line.split("│")[1].strip(): line.split("│")[2].strip() for line in shown.output.splitlines() if "│" in line
    }
    assert lines["iterations"] == "2 of 2"
    assert float(lines["validation loss"]) > 0
    assert float(lines["validation loss at sigma 4"]) > 0
    assert float(lines["learning rate"]) > 0


def test_it_speaks_prometheus(definition: Path) -> None:
    shown = CliRunner().invoke(app, ["training", str(definition), "--prometheus"])
    assert shown.exit_code == 0, shown.output
    for family in ("iterations", "iterations_planned"):
        assert f'its_post_training_{family}{{model="small",run="run"}} 2.0' in shown.output
    for family in ("loss", "learning_rate", "gradient_norm", "seconds_per_iteration", "validation_loss"):
        assert f'its_post_training_{family}{{model="small",run="run"}}' in shown.output
    assert 'its_post_training_validation_loss_by_sigma{model="small",run="run",sigma="4"}' in shown.output
