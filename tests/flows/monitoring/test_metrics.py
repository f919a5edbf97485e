"""``its metrics``: a real scrape of work folders, read as Prometheus reads it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from its_flows.cli.main import app
from its_flows.monitoring import metrics
from its_flows.monitoring.metrics import exposition
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

from its_core.clip import Outcome
from its_core.shards.receipts import clip_files
from its_core.shards.status import BuildStatus
from tests.shards.test_status import building, ends
from tests.system.conftest import wait_until

Samples = dict[tuple[str, ...], float]


def parsed(text: str) -> Samples:
    """Values by name and label values."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def define(folder: Path, name: str, text: str = "") -> Path:
    """A definition; returns its work folder."""
    (folder / name).mkdir()
    (folder / name / "dataset.yaml").write_text(text or f"name: {name}")
    return folder / name / ".its"


@pytest.fixture
def datasets(tmp_path: Path) -> Path:
    """Three datasets: one of the cosmos engine that ended, one never built and one that cannot be read."""
    define(tmp_path, "broken", "name: [")
    define(tmp_path, "never")
    work = define(tmp_path, "cosmos", "{name: cosmos, engine: {name: cosmos}}")
    with building(work, clips=3):
        ends(work, 0, Outcome.GENERATED)
        ends(work, 1, Outcome.OUT_OF_MEMORY)
        files = clip_files(work, f"{0:024x}")
        receipt = files.read_receipt()
        assert receipt is not None
        on_two_gpus = receipt.model_copy(update={"record": {"ranks_per_clip": 2, "prompt": "not to be kept"}})
        files.receipt.write_text(on_two_gpus.model_dump_json())
    return tmp_path


@pytest.fixture
def address(datasets: Path) -> Iterator[str]:
    """Of a server over the datasets, as it is started by hand."""
    command = [sys.executable, "-m", "its_flows.cli.main", "metrics", str(datasets), "--port", "0"]
    server = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ, PYTHONUNBUFFERED="1"),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a test run in the background ignores it
    )
    assert server.stdout is not None
    yield server.stdout.readline().strip()
    server.send_signal(signal.SIGINT)
    assert server.wait(timeout=30) == 130


def scrape(address: str) -> Samples:
    with urllib.request.urlopen(address, timeout=30) as answer:
        return parsed(answer.read().decode())


def test_a_scrape_tells_how_all_builds_stand(datasets: Path, address: str) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/metrics", address)
    told = scrape(address)
    readable = {key[1]: value for key, value in told.items() if key[0] == "its_dataset_readable"}
    assert readable == {"broken": 0, "never": 1, "cosmos": 1}
    assert told["its_dataset_state", "never", "never_built"] == 1
    assert told["its_dataset_state", "cosmos", "unfinished"] == 1
    assert told["its_dataset_state", "cosmos", "running"] == 0
    assert (told["its_clips_planned", "cosmos"], told["its_clips_made", "cosmos"]) == (3, 1)
    assert told["its_clips_left", "cosmos"] == 2
    assert told["its_clips_failed", "cosmos", "out_of_memory"] == 1
    assert told["its_clip_attempts_total", "cosmos", "generated"] == 1
    assert told["its_clip_seconds_total", "cosmos", "out_of_memory"] == 2.0
    assert told["its_gpu_seconds_total", "cosmos", "generated"] == 2 * 2.0
    assert told["its_gpu_seconds_total", "cosmos", "out_of_memory"] == 2.0
    assert ("its_clips_planned", "never") not in told

    work = define(datasets, "simulated")  # comes while the server runs
    with building(work, clips=8):
        ends(work, 0, Outcome.GENERATED, seconds_ago=7200)
        ends(work, 1, Outcome.GENERATED, seconds_ago=60)
        ends(work, 2, Outcome.TIMED_OUT)
        told = scrape(address)
        assert told["its_dataset_state", "simulated", "running"] == 1
        assert (told["its_clips_made", "simulated"], told["its_clips_made_last_hour", "simulated"]) == (2, 1)
        assert told["its_build_ends_in_seconds", "simulated"] > 0
        assert ("its_gpu_seconds_total", "simulated", "generated") not in told

        ends(work, 2, Outcome.GENERATED)
        clip_files(work, f"{0:024x}").video.unlink()
        told = scrape(address)
    assert (told["its_clips_made", "simulated"], told["its_clips_left", "simulated"]) == (2, 6)
    assert told["its_clip_attempts_total", "simulated", "timed_out"] == 1
    assert told["its_clip_attempts_total", "simulated", "generated"] == 2
    assert ("its_clips_failed", "simulated", "timed_out") not in told


def test_a_dataset_that_does_not_answer_keeps_no_other_from_being_told(
    datasets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    real = metrics.read_status

    def read_status(work: Path, *more: object) -> BuildStatus:
        if work.parent.name == "never":
            answers.wait()
        return real(work, *more)

    monkeypatch.setattr(metrics, "read_status", read_status)
    registry = CollectorRegistry()
    registry.register(metrics.BuildsCollector(str(datasets), read_limit_s=0.5))
    told = parsed(generate_latest(registry).decode())
    assert told["its_dataset_readable", "never"] == 0
    assert told["its_clips_left", "cosmos"] == 2
    answers.set()
    wait_until(lambda: parsed(generate_latest(registry).decode())["its_dataset_readable", "never"] == 1)


def test_once_prints_them_and_ends(datasets: Path) -> None:
    shown = CliRunner().invoke(app, ["metrics", str(datasets), "--once"])
    assert shown.exit_code == 0
    assert parsed(shown.stdout)["its_clips_left", "cosmos"] == 2


def test_a_folder_without_datasets_and_a_port_in_use_are_errors_in_a_line(datasets: Path, address: str) -> None:
    nothing = CliRunner().invoke(app, ["metrics", str(datasets / "never" / "none")])
    assert nothing.exit_code == 2 and "no dataset" in nothing.output
    port = address.rpartition(":")[2].partition("/")[0]
    taken = CliRunner().invoke(app, ["metrics", str(datasets), "--port", port])
    assert taken.exit_code == 1
    assert f"error: cannot listen at 127.0.0.1:{port} (Address already in use): take another port" in taken.output


def test_linked_datasets_are_told_apart_by_their_links_names(tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    for city in ("bonn", "jena"):
        (tmp_path / city).mkdir()
        define(tmp_path / city, "crossings")
        linked.mkdir(exist_ok=True)
        (linked / city).symlink_to(tmp_path / city / "crossings")
    told = parsed(exposition(str(linked)))
    assert {key[1] for key in told if key[0] == "its_dataset_readable"} == {"bonn", "jena"}


@pytest.mark.parametrize("where", [".", "../never", "sub/.."])
def test_one_dataset_has_its_folders_name_however_it_is_written(
    datasets: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    (datasets / "never" / "sub").mkdir()
    monkeypatch.chdir(datasets / "never")
    assert parsed(exposition(where))["its_dataset_readable", "never"] == 1
