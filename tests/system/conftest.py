"""Builds as a person starts them: the command ``its`` in a process of its own, with a Prefect home of its own."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import psutil
import pytest
from its_flows.prefect_server import OwnServer
from prefect.settings import PREFECT_API_URL, temporary_settings

from its_core.dataset import reader

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
        return [sys.executable, "-m", "its_flows.cli.main", *arguments]

    def build(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.its("build", str(self.folder), *arguments)

    def run_page(self) -> dict[str, Any]:
        """What Prefect's page of the last run shows: ``parameters``, ``lines`` and artifacts by their keys."""
        api = self.environment["PREFECT_API_URL"]

        def found(what: str, asked: dict[str, Any]) -> list[dict[str, Any]]:
            return httpx.post(f"{api}/{what}/filter", json=asked, timeout=60).raise_for_status().json()

        runs = found("flow_runs", {"sort": "START_TIME_DESC"})
        run = next(run for run in runs if str(self.folder) in str(run["parameters"]))
        mine = {"flow_run_id": {"any_": [run["id"]]}}
        shown = {artifact["key"]: artifact["data"] for artifact in found("artifacts", {"artifacts": mine})}
        lines = [line["message"] for line in found("logs", {"logs": mine, "sort": "TIMESTAMP_ASC"})]
        return {"parameters": run["parameters"], "lines": lines} | shown

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

    def processes(self, told: str = "PREFECT_HOME") -> list[psutil.Process]:
        """What belongs to this dataset's builds, is alive and has the variable ``told`` in its environment."""
        mark = self.environment["PREFECT_HOME"]
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):  # it may end while it is looked at
                environment = process.environ()
                ours = environment.get("PREFECT_HOME") == mark and told in environment
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def ranks(self) -> list[psutil.Process]:
        return self.processes("LOCAL_RANK")


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prefect server for all builds of a session: each would spend seconds on one of its own."""
    server = OwnServer(tmp_path_factory.mktemp("prefect-server"))
    assert server.start() is None
    yield server.api_url
    server.stop()


@pytest.fixture
def dataset(tmp_path: Path, prefect_api: str) -> Iterator[Dataset]:
    home = {"PREFECT_HOME": str(tmp_path / "prefect"), "PREFECT_API_URL": prefect_api}
    made = Dataset(tmp_path / "dataset", {**os.environ, **home})
    yield made
    for process in made.processes():
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def wait_until(condition, limit_s: float = 90.0, every_s: float = 0.05):
    deadline = time.monotonic() + limit_s
    while not (result := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(every_s)
    return result


@pytest.fixture(scope="module")
def prefect_server(prefect_api: str) -> Iterator[None]:
    """For flows that a test calls itself."""
    with temporary_settings({PREFECT_API_URL: prefect_api}):
        yield


def define(folder: Path, prompts: list[str], **keys: object) -> Path:
    """A small dataset whose clips end as ``prompts`` say."""
    folder.mkdir(parents=True)
    known = {
        "name": folder.name,
        "resolution": "480",
        "fps": 10,
        "publish_url": "../../published",
        "retries": 0,
        "retry_delay_s": 0,
        "engine": {"name": "simulator", "script": str(TROUBLED_WORKER)},
    }
    (folder / "dataset.yaml").write_text(json.dumps(known | keys))
    rows = [
        {
            "scenario_id": f"s{index}",
            "camera_id": f"c{index}",
            "incident_type": "normal_traffic",
            "prompt": text,
            "seed": 1,
        }
        for index, text in enumerate(prompts)
    ]
    pd.DataFrame(rows).to_parquet(folder / "scenarios.parquet")
    return folder


def receipts(folder: Path) -> dict[str, dict]:
    found = [json.loads(path.read_text()) for path in folder.glob(".its/clips/*/*.receipt.json")]
    return {receipt["scenario_id"]: receipt for receipt in found}


def tries(folder: Path) -> dict[str, list[str]]:
    return {name: [attempt["outcome"] for attempt in receipt["attempts"]] for name, receipt in receipts(folder).items()}


def small(tmp_path: Path, **keys: object) -> Path:
    """Three clips in one shard; without trouble, all are made."""
    return define(tmp_path / "datasets" / "small", ["ok"] * 3, shard_size=3, **keys)


def contents(built: Any) -> str:
    """The digests of every published file that is content and not of a run."""
    version = reader.open_version(built.published.url)
    assert version.damaged() == []
    return (Path(version.url) / "checksums.sha256").read_text()


@pytest.fixture(scope="session")
def calm(tmp_path_factory: pytest.TempPathFactory, prefect_api: str) -> tuple[Path, str]:
    """A build without trouble: its folder, with what it published in ``../../published``, and the digests."""
    from its_flows.build_dataset import build_dataset

    folder = small(tmp_path_factory.mktemp("calm"))
    with temporary_settings({PREFECT_API_URL: prefect_api}):
        return folder, contents(build_dataset(str(folder)))


@pytest.fixture
def finished(calm, tmp_path) -> Path:
    """A copy of the calm build, to be damaged."""
    copied = tmp_path / "copy"
    shutil.copytree(calm[0].parent.parent, copied)
    return copied / "datasets" / "small"


@pytest.fixture
def trouble(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Tells the worker what else to do with a scenario; without words, to behave."""

    def tell(**scenarios: str) -> None:
        monkeypatch.setenv("ITS_TEST_TROUBLE", json.dumps(scenarios))

    return tell
