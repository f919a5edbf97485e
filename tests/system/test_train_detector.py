"""``its train-detector`` as a person starts it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from its_flows.train_detector import train_detector

from tests.evaluation.conftest import clips, mixed, published, work

__all__ = ["clips", "mixed", "published", "work"]


def test_metrics_lie_beside_the_version_and_nothing_in_it_also_where_prefect_cannot_be_reached(mixed) -> None:
    before = sorted(Path(mixed.url).rglob("*"))
    environment = {**os.environ, "PREFECT_API_URL": "http://127.0.0.1:9/api", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "its_flows.cli.main", "train-detector", mixed.url, "--epochs", "1"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    decoded = [f"ours: {number} of 4 clips decoded" for number in range(1, 5)]
    assert done.stdout.splitlines()[:4] == decoded
    assert "ours: epoch 1 of 1" in done.stdout.splitlines()[4]
    (line,) = [line for line in done.stderr.splitlines() if "Prefect" in line]
    assert "http://127.0.0.1:9/api" in line and "Traceback" not in done.stderr
    assert sorted(Path(mixed.url).rglob("*")) == before
    folder = Path(mixed.url).parent / "evaluation" / mixed.version / "detector"
    metrics = json.loads((folder / "metrics.json").read_text())
    (run,) = metrics["runs"]
    assert (run["train_clips"], run["train_accidents"], run["report"]["overall"]["clips"]) == (2, 1, 2)
    assert (folder / "ours" / "predictions.csv").exists()
    assert "<polyline" in (folder / "scores.html").read_text()


@pytest.mark.usefixtures("prefect_server")
def test_its_runs_page_shows_scores_seconds_and_log_lines(mixed, tmp_path: Path, prefect_api: str) -> None:
    train_detector(mixed.url, output=str(tmp_path / "detector"), epochs=1, device="cpu")

    def found(what: str, asked: dict[str, Any]) -> list[dict[str, Any]]:
        return httpx.post(f"{prefect_api}/{what}/filter", json=asked, timeout=60).raise_for_status().json()

    runs = found("flow_runs", {"sort": "START_TIME_DESC"})
    mine = {"flow_run_id": {"any_": [next(run["id"] for run in runs if run["parameters"].get("version") == mixed.url)]}}
    shown = {artifact["key"]: artifact["data"] for artifact in found("artifacts", {"artifacts": mine})}
    assert json.loads(shown["detector"])[0]["trained on"] == "ours"
    assert (tmp_path / "detector" / "scores.html").as_uri() in shown["detector-training"]
    assert "| train-detector | " in shown["detector-training"]
    (line,) = [line["message"] for line in found("logs", {"logs": mine}) if line["name"] == "its"]
    assert line.startswith("ours: epoch 1 of 1, loss ")
