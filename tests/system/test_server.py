"""``make server``: a standing Prefect server on a real PostgreSQL."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from its_flows import server
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from tests.system.conftest import wait_until
from tests.system.test_schedule import free_port


@pytest.fixture
def data() -> Iterator[Path]:
    """Root's PostgreSQL runs as another user, who cannot enter pytest's own folders."""
    folder = Path(tempfile.mkdtemp(prefix="its-server-"))
    folder.chmod(0o755)
    yield folder / "postgresql"
    for process in of_this(folder):
        process.kill()
    shutil.rmtree(folder)


def of_this(folder: Path) -> list[psutil.Process]:
    """What runs on this folder."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(folder) in " ".join(process.info["cmdline"] or [])
    ]


class Standing:
    def __init__(self, data: Path) -> None:
        port = free_port()
        self.api = f"http://127.0.0.1:{port}/api"
        environment = {
            **os.environ,
            "PREFECT_HOME": str(data.parent / "home"),
            "PREFECT_API_URL": "http://127.0.0.1:9/api",  # another server, which the page must not ask
        }
        with (data.parent / "server.log").open("ab") as log:
            command = [sys.executable, "-m", "its_flows.server", str(data), "--port", str(port)]
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        wait_until(self._is_up, every_s=0.5)

    def _is_up(self) -> bool:
        assert self.process.poll() is None, "the server ended"
        try:
            return httpx.get(f"{self.api}/health", timeout=60).status_code == 200
        except httpx.TransportError:
            return False

    def pools(self) -> list[str]:
        found = httpx.post(f"{self.api}/work_pools/filter", json={}, timeout=60).raise_for_status().json()
        return [pool["name"] for pool in found]


def asked_by_its_page(standing: Standing) -> list[str]:
    """What a browser asks for when it shows the server's page, until the page has its data."""
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    with webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver")) as browser:
        browser.get(standing.api.removesuffix("/api"))

        def asked() -> list[str]:
            script = "return performance.getEntriesByType('resource').map((entry) => entry.name)"
            urls: list[str] = browser.execute_script(script)
            return urls if sum("/api/" in url for url in urls) >= 3 else []

        return wait_until(asked)


def test_what_it_knows_outlives_it_even_killed_and_nothing_else_does(data: Path):
    half_made = data.with_name("postgresql.new")  # as a killed initdb leaves it
    half_made.mkdir()
    (half_made / "pg_hba.conf").touch()
    first = Standing(data)
    assert not half_made.exists()
    httpx.post(f"{first.api}/work_pools/", json={"name": "local", "type": "process"}, timeout=60).raise_for_status()
    for process in psutil.Process(first.process.pid).children():
        process.kill()
    first.process.kill()
    first.process.wait()
    assert of_this(data)  # PostgreSQL was left behind

    second = Standing(data)
    assert second.pools() == ["local"]
    assert {urlsplit(url).netloc for url in asked_by_its_page(second)} == {urlsplit(second.api).netloc}
    second.process.send_signal(signal.SIGTERM)
    second.process.wait(60)
    wait_until(lambda: not of_this(data), 20)
    assert (data / "PG_VERSION").exists()


def test_without_postgresql_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(server, "_DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(server.ServerError) as raised:
        server.programs()
    assert raised.value.code == "server.not_installed"
