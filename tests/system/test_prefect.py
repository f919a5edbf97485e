"""Prefect that cannot be reached, cannot start, sits behind a proxy or dies costs seconds and a line, and no build."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from its_flows.prefect_server import OwnServer
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings

from its_core.dataset import reader
from tests.system.conftest import TROUBLED_WORKER, Dataset, wait_until

SCRIPT = {"engine": {"name": "simulator", "script": str(TROUBLED_WORKER)}}
SECRET = "s3cr3t-4711"


@pytest.fixture
def small(dataset: Dataset) -> Dataset:
    """Two clips, and no server that is known of."""
    dataset.define(**SCRIPT)
    dataset.ask(["ok", "ok"])
    del dataset.environment["PREFECT_API_URL"]
    return dataset


def published(done: subprocess.CompletedProcess[str], dataset: Dataset) -> str:
    """What the build said, if it published."""
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "Traceback" not in said
    assert sum(reader.open_version(str(dataset.latest)).clips.values()) == 2
    return said


def lines_about_prefect(said: str) -> list[str]:
    return [line for line in said.splitlines() if "Prefect" in line]


def test_a_server_that_cannot_be_reached(small: Dataset):
    small.environment["PREFECT_API_URL"] = "http://127.0.0.1:9/api"
    (line,) = lines_about_prefect(published(small.build(), small))
    assert "http://127.0.0.1:9/api" in line and "unset PREFECT_API_URL" in line


def test_its_own_server_behind_a_proxy_with_a_home_that_cannot_be_used(small: Dataset, tmp_path: Path):
    """One build for three faults that its own server does not notice."""
    (tmp_path / "file").touch()
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")
    small.environment |= proxies | {"PREFECT_HOME": str(tmp_path / "file" / "prefect")}
    small.environment |= {"PREFECT_SERVER_DATABASE_CONNECTION_URL": "sqlite+aiosqlite:////proc/none.db"}
    refused = small.build("--set", f"engine.options.token={SECRET}")
    assert refused.returncode == 2  # the simulator has no such option
    assert SECRET not in refused.stdout + refused.stderr
    assert lines_about_prefect(published(small.build(), small)) == []

    home = small.folder / ".its" / "prefect"
    with sqlite3.connect(home / "prefect.db") as database:
        runs = database.execute("select state_type, parameters from flow_run order by created").fetchall()
        assert [state for state, _ in runs] == ["FAILED", "COMPLETED"]
        assert '"***"' in runs[0][1]
    files = [path for path in home.rglob("*") if path.is_file()]
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]


def test_a_database_of_another_version_is_made_anew(tmp_path: Path):
    with sqlite3.connect(tmp_path / "prefect.db") as database:
        database.execute("create table alembic_version (version_num varchar(32))")
        database.execute("insert into alembic_version values ('5b0bd3b41a23')")
    server = OwnServer(tmp_path)
    assert server.start() is None
    server.stop()
    with sqlite3.connect(tmp_path / "prefect.db") as database:
        assert database.execute("select count(*) from flow_run").fetchone() == (0,)


def test_its_own_server_ends_with_a_build_that_is_killed(tmp_path: Path):
    start = """
import sys, time
from pathlib import Path
from its_flows.prefect_server import OwnServer
server = OwnServer(Path(sys.argv[1]))
assert server.start() is None
print(server.process.pid, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", start, tmp_path], stdout=subprocess.PIPE, text=True) as build:
        server = psutil.Process(int(build.stdout.readline()))
        started = [server, *server.children(recursive=True)]
        build.kill()
        _, alive = psutil.wait_procs(started, timeout=60)
    assert alive == []


def test_a_server_that_hangs_or_dies_in_the_middle(small: Dataset, tmp_path: Path):
    server = OwnServer(tmp_path / "server")
    assert server.start() is None and server.process is not None
    small.environment["PREFECT_API_URL"] = server.api_url
    try:
        for signals in ((signal.SIGSTOP, signal.SIGCONT), (signal.SIGKILL,)):
            flag = tmp_path / f"flag-{signals[0]}"
            small.ask([f"wait-for {flag}", "ok"], seed=int(signals[0]))
            build = small.start("build", str(small.folder))
            wait_until(small.ranks)
            server.process.send_signal(signals[0])
            flag.touch()
            said, _ = build.communicate(timeout=180)
            for number in signals[1:]:
                server.process.send_signal(number)
            published(subprocess.CompletedProcess(build.args, build.returncode, said, ""), small)
            assert 1 <= len(lines_about_prefect(said)) <= 2
    finally:
        server.process.kill()
        server.stop()


@pytest.mark.usefixtures("prefect_server")
def test_a_flow_that_is_called_with_a_secret_keeps_it_from_the_server(small: Dataset, monkeypatch: pytest.MonkeyPatch):
    from its_flows.build_dataset import build_dataset

    for name in set(os.environ) - set(small.environment):
        monkeypatch.delenv(name)
    overrides = {"publish_url": f"s3://user:{SECRET}@127.0.0.1:9/x", "engine.options": {"password": SECRET}}
    with pytest.raises(Exception) as raised:
        build_dataset(str(small.folder), overrides)
    assert SECRET not in str(raised.value)
    with temporary_settings({PREFECT_API_URL: PREFECT_API_URL.value()}), get_client(sync_client=True) as client:
        parameters = [run.parameters for run in client.read_flow_runs() if str(small.folder) in str(run.parameters)]
    assert len(parameters) == 1 and SECRET not in str(parameters)
    assert parameters[0]["overrides"]["engine.options"] == {"password": "***"}
