"""``its check`` says what an engine lacks before anything is rendered."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from its_flows.cli.main import app
from its_tasks.engines import resolve_engine
from PIL import Image
from typer.testing import CliRunner

from its_core import definition as definitions
from its_core.definition import DefinitionError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound manifest for the cosmos engine, whose guardrail is on and whose weights are not there."""
    Image.new("RGB", (640, 360), "grey").save(tmp_path / "camera.png")
    row = {"scenario_id": "a", "camera_id": "a", "incident_type": "normal_traffic", "input_image": "camera.png"}
    pd.DataFrame([row]).to_parquet(tmp_path / "scenarios.parquet")
    options = {"model_size": "2B", "checkpoints_dir": str(tmp_path / "checkpoints")}
    written = {"name": "small", "engine": {"name": "cosmos", "options": options}}
    (tmp_path / "dataset.yaml").write_text(json.dumps(written))
    return tmp_path


def test_missing_weights_are_listed_and_end_with_status_2(folder: Path) -> None:
    checked = CliRunner().invoke(app, ["check", str(folder)])
    missing = [line for line in checked.output.splitlines() if line.startswith("missing: ")]
    assert checked.exit_code == 2
    assert len(missing) == 9
    assert any("Cosmos-Guardrail1/face_blur_filter/Resnet50_Final.pth" in line for line in missing)
    assert "1 rows: 1 scenarios, 1 clips, 0 rejected" in checked.output
    assert "about 32 GiB of GPU memory" in checked.output
    assert "1 clips take about 0.1 GPU-hours" in checked.output


def test_a_build_names_them_before_it_reads_the_manifest(folder: Path) -> None:
    with pytest.raises(DefinitionError) as caught:
        resolve_engine(definitions.load(str(folder)))
    assert str(caught.value).count("\n  ") == 9
    assert "t5-11b/config.json is missing" in str(caught.value)


@pytest.mark.parametrize(("limit", "is_said"), [(None, True), (0.7, False)])
def test_rows_of_which_too_many_are_rejected(tmp_path: Path, limit: float | None, is_said: bool) -> None:
    rows = [{"scenario_id": f"s{i}", "camera_id": "a", "incident_type": "normal_traffic"} for i in range(3)]
    rows[1]["incident_type"] = rows[2]["incident_type"] = "meteor"
    pd.DataFrame(rows).to_parquet(tmp_path / "scenarios.parquet")
    keys = {"name": "small"} | ({"max_rejected_ratio": limit} if limit else {})
    (tmp_path / "dataset.yaml").write_text(json.dumps(keys))
    places = [tmp_path, tmp_path / "scenarios.parquet"] if limit is None else [tmp_path]
    for place in places:
        checked = CliRunner().invoke(app, ["check", str(place)])
        assert checked.exit_code == (2 if is_said else 1)
        assert ("too many rows are rejected, 66.7%" in checked.output) is is_said
