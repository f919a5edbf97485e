"""Builds as a person starts them: the command ``its`` in a process of its own, with a Prefect home of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import psutil
import pytest

TROUBLED_WORKER = Path(__file__).parent.parent / "shards" / "troubled_worker.py"


class Dataset:
    """A small dataset in a folder of its own; ``prompts`` tell the troubled worker what to do with each clip."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = environment
        self.published = folder.parent / "published"
        folder.mkdir()

    def define(self, **keys: object) -> None:
        known = {"name": "small", "resolution": "480", "fps": 10, "publish_url": "../published", "retry_delay_s": 0}
        (self.folder / "dataset.yaml").write_text(json.dumps(known | keys))

    def ask(self, prompts: list[str], **columns: object) -> None:
        rows = [
            {
                "scenario_id": f"s{index}",
                "camera_id": f"cam-{index}",
                "incident_type": "normal_traffic",
                "prompt": prompt,
                "seed": 1,
            }
            for index, prompt in enumerate(prompts)
        ]
        pd.DataFrame(rows).assign(**columns).to_parquet(self.folder / "scenarios.parquet")

    def its(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments), env=self.environment, capture_output=True, text=True, timeout=300, check=False
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments),
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "flows.cli", *arguments]

    def build(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.its("build", str(self.folder), *arguments)

    @property
    def latest(self) -> Path:
        home = self.published / "small"
        return home / json.loads((home / "latest.json").read_text())["version"]

    def clips(self) -> dict[str, int]:
        """Rendered clips by name, and when each was written."""
        return {path.name: path.stat().st_mtime_ns for path in self.folder.glob(".its/clips/*/*.mp4")}

    def receipts(self) -> dict[str, dict]:
        """Receipts by scenario."""
        found = [json.loads(path.read_text()) for path in self.folder.glob(".its/clips/*/*.receipt.json")]
        return {receipt["scenario_id"]: receipt for receipt in found}

    def processes(self) -> list[psutil.Process]:
        """What belongs to this dataset's builds and is alive."""
        mark = self.environment["PREFECT_HOME"]
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("PREFECT_HOME") == mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def ranks(self) -> list[psutil.Process]:
        return [process for process in self.processes() if "LOCAL_RANK" in process.environ()]


@pytest.fixture(scope="session")
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prefect's database is made once; a build in a fresh one spends seconds on it."""
    return tmp_path_factory.mktemp("prefect")


@pytest.fixture
def dataset(tmp_path: Path, prefect_home: Path) -> Iterator[Dataset]:
    environment = {
        **os.environ,
        "PREFECT_HOME": str(prefect_home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    environment.pop("PREFECT_API_URL", None)
    made = Dataset(tmp_path / "dataset", environment)
    yield made
    for process in made.processes():
        process.kill()


def wait_until(condition, limit_s: float = 90.0, every_s: float = 0.05):
    deadline = time.monotonic() + limit_s
    while not (result := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(every_s)
    return result
