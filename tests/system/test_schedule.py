"""A real Prefect server and process worker run what ``prefect.yaml`` deploys, as it stands, on its schedules."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import httpx
import pandas as pd
import psutil
import pytest

from tests.system.conftest import TROUBLED_WORKER, wait_until

CHECKOUT = Path(__file__).parent.parent.parent
NIGHTLY = "quickstart-nightly"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def end(process: subprocess.Popen) -> None:
    """Ends a process and all that it started."""
    family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.terminate()
    _, alive = psutil.wait_procs(family, timeout=20)
    for survivor in alive:
        survivor.kill()
    process.kill()
    process.wait()


class Prefect:
    """A server, a worker when asked for, and the command ``prefect`` in a checkout's folder."""

    def __init__(self, folder: Path, checkout: Path) -> None:
        port = free_port()
        self.checkout = checkout
        self.log = folder / "prefect.log"
        self.api = f"http://127.0.0.1:{port}/api"
        self.environment = {
            # Of Prefect's settings none: importing its_flows has made this process as impatient as a build is.
            **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
            "PREFECT_HOME": str(folder / "home"),
            "PREFECT_API_URL": self.api,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            # A schedule added to a deployment is looked at once a minute, and waiting runs every half: too long here.
            "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "5",
            "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "5",
            "PREFECT_WORKER_QUERY_SECONDS": "2",
        }
        self.client = httpx.Client(base_url=self.api, timeout=60)
        self.running = [self.start("server", "start", "--host", "127.0.0.1", "--port", str(port))]
        wait_until(self._is_up)

    def _is_up(self) -> bool:
        try:
            return self.client.get("health").status_code == 200
        except httpx.TransportError:
            return False

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "prefect", *arguments]

    def start(self, *arguments: str) -> subprocess.Popen:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self.command(*arguments), cwd=self.checkout, env=self.environment, stdout=log, stderr=log
            )

    def run(self, *arguments: str) -> None:
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.checkout,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr + self.log.read_text(errors="replace")[-20_000:]

    def work(self) -> None:
        self.running.append(self.start("worker", "start", "--pool", "local"))

    def runs(self, deployment: str) -> list[dict]:
        """The deployment's runs, soonest first."""
        wanted = {"deployments": {"name": {"any_": [deployment]}}, "sort": "EXPECTED_START_TIME_ASC"}
        return self.client.post("flow_runs/filter", json=wanted).raise_for_status().json()

    def states(self, run: dict) -> list[str]:
        history = self.client.get("flow_run_states/", params={"flow_run_id": run["id"]}).raise_for_status().json()
        return [state["name"] for state in sorted(history, key=lambda state: state["timestamp"])]


@pytest.fixture
def prefect(tmp_path: Path) -> Iterator[Prefect]:
    """Beside the files as they stand, a ``datasets/quickstart`` whose clips take no time."""
    checkout = tmp_path / "checkout"
    dataset = checkout / "datasets" / "quickstart"
    dataset.mkdir(parents=True)
    shutil.copy(CHECKOUT / "prefect.yaml", checkout)
    (checkout / "flows").symlink_to(CHECKOUT / "flows")
    definition = {
        "name": "quickstart",
        "resolution": "480",
        "fps": 10,
        "publish_url": "../../published",
        "engine": {"name": "simulator", "script": str(TROUBLED_WORKER)},
    }
    (dataset / "dataset.yaml").write_text(json.dumps(definition))
    row = {"scenario_id": "s0", "camera_id": "c0", "incident_type": "normal_traffic", "prompt": "slow 4", "seed": 1}
    pd.DataFrame([row]).to_parquet(dataset / "scenarios.parquet")
    made = Prefect(tmp_path, checkout)
    yield made
    for process in reversed(made.running):
        end(process)


def test_what_the_file_deploys_runs_on_its_schedules_one_build_at_a_time(prefect: Prefect):
    prefect.run("work-pool", "create", "local", "--type", "process")
    prefect.run("deploy", "--all")
    nights = wait_until(lambda: prefect.runs(NIGHTLY))
    assert {run["expected_start_time"][11:19] for run in nights} == {"03:00:00"}
    hours = [datetime.fromisoformat(run["expected_start_time"]) for run in wait_until(lambda: prefect.runs("hourly"))]
    assert {later - earlier for earlier, later in pairwise(hours)} == {timedelta(hours=1)}
    assert prefect.runs("quickstart-six-hourly") == []  # its schedule is switched off
    assert prefect.runs("example") == []  # and the post-training's
    training = prefect.client.get("deployments/name/post-train/example").raise_for_status().json()
    assert training["parameters"] == {"definition": "examples/post_train"}

    # Two runs, no more: on a busy machine an endless schedule piles up runs that all ask for the slot again and again.
    soon = datetime.now(UTC) + timedelta(seconds=30)
    twice = f"DTSTART:{soon:%Y%m%dT%H%M%SZ}\nRRULE:FREQ=SECONDLY;INTERVAL=4;COUNT=2"
    prefect.run("deployment", "schedule", "create", f"build-dataset/{NIGHTLY}", "--rrule", twice, "--accept-yes")
    prefect.work()
    wait_until(lambda: len(finished(prefect)) >= 2, 600, every_s=2)
    first, second = finished(prefect)[:2]
    assert [run["auto_scheduled"] for run in (first, second)] == [True, True]
    assert [run["state_type"] for run in (first, second)] == ["COMPLETED", "COMPLETED"]
    assert first["end_time"] <= second["start_time"]
    assert "AwaitingConcurrencySlot" in prefect.states(second)  # it was due while the first ran, and waited
    (clip,) = (prefect.checkout / "published" / "quickstart").glob("*/*/*/*.mp4")
    assert clip.stat().st_size > 0

    prefect.run("deployment", "run", "retry-failed-shards/hourly", "--watch")


def finished(prefect: Prefect) -> list[dict]:
    ended = [run for run in prefect.runs(NIGHTLY) if run["end_time"]]
    return sorted(ended, key=lambda run: run["start_time"])
