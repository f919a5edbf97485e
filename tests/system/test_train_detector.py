"""``its train-detector`` as a person starts it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.evaluation.conftest import clips, mixed, published, work

__all__ = ["clips", "mixed", "published", "work"]


def test_metrics_lie_beside_the_version_and_nothing_in_it_also_where_prefect_cannot_be_reached(mixed) -> None:
    before = sorted(Path(mixed.url).rglob("*"))
    environment = {**os.environ, "PREFECT_API_URL": "http://127.0.0.1:9/api", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "its_flows.cli.main", "train-detector", mixed.url, "--epochs", "1"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "ours: epoch 1 of 1" in done.stdout
    (line,) = [line for line in done.stderr.splitlines() if "Prefect" in line]
    assert "http://127.0.0.1:9/api" in line and "Traceback" not in done.stderr
    assert sorted(Path(mixed.url).rglob("*")) == before
    folder = Path(mixed.url).parent / "evaluation" / mixed.version / "detector"
    metrics = json.loads((folder / "metrics.json").read_text())
    (run,) = metrics["runs"]
    assert (run["train_clips"], run["train_accidents"], run["report"]["overall"]["clips"]) == (2, 1, 2)
    assert (folder / "ours" / "predictions.csv").exists()
    assert "<polyline" in (folder / "scores.html").read_text()
