"""The Prefect server that a build reports to: the one that is configured, else a short-lived one of its own.

A build needs none. Where neither answers, it goes on without, says so in a line, and loses only its page in Prefect.
"""

from __future__ import annotations

import contextlib
import http.client
import importlib
import os
import re
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from its_flows.prefect_environment import API_URL, HOME, configured_api_url

from its_core.shards import parent_death
from its_core.storage.errors import shown

START_LIMIT_S = 120.0  # a busy machine may take half a minute
PROBE_LIMIT_S = 5.0
_WAITS_S = (0.0, 2.0)  # before each probe: a server may be restarting
_STOP_LIMIT_S = 5.0
_DATABASE = "prefect.db"
_USER = re.compile(r"(?<=://)[^/@]*@")  # urllib would take it for a part of the host's name
_COMMAND = ["-m", "prefect", "server", "start", "--no-ui", "--no-scheduler", "--no-late-runs", "--log-level", "ERROR"]


@contextmanager
def server_for_build(work: Path, say: Callable[[str], None], modules: Sequence[str] = ()) -> Iterator[bool]:
    """Sets ``PREFECT_API_URL`` to a server that answers, while the block runs; whether there is one. To be entered
    before Prefect is imported.

    ``work`` is the build's work folder, where its own server keeps its database. ``say`` prints a line. ``modules``
    will be needed, and are imported while a server of its own starts: that takes seconds and one processor.
    """
    url = configured_api_url()
    if url is not None:
        reason = unreachable_reason(url)
        if reason is not None:
            say(
                f"the Prefect server at {shown(url)} does not answer ({reason}): the build goes on without it; start "
                "it, or unset PREFECT_API_URL"
            )
        yield reason is None
        return
    server = OwnServer(work / "prefect")
    try:
        os.environ |= {HOME: str(server.home), API_URL: server.api_url}  # Prefect reads them when it is imported
        reason = server.start(modules)
        if reason is not None:
            del os.environ[API_URL]
            say(f"Prefect's own server does not start ({reason}): the build goes on without it")
        yield reason is None
    finally:
        server.stop()


def unreachable_reason(api_url: str) -> str | None:
    """Why no Prefect server answers at a URL, None where one does. Takes seconds at most."""
    reason = "no answer"
    place = _USER.sub("", api_url.rstrip("/"))
    for wait_s in _WAITS_S:
        time.sleep(wait_s)
        try:
            with urllib.request.urlopen(f"{place}/health", timeout=PROBE_LIMIT_S):
                return None
        except urllib.error.HTTPError as error:
            if error.code < 500:
                return None  # it answers; whether it lets us in is seen when the run is reported
            reason = f"HTTP status {error.code}"
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLError):
                return None  # Prefect may have a certificate that this request has not
            reason = str(getattr(error.reason, "strerror", None) or error.reason)
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = str(error) or type(error).__name__
    return reason


class OwnServer:
    """A Prefect server for the length of a build, its database below ``home``. It listens on 127.0.0.1 alone."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._port = _free_port()
        self.api_url = f"http://127.0.0.1:{self._port}/api"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, modules: Sequence[str] = ()) -> str | None:
        """Starts it, imports ``modules`` and waits until it answers. Returns why it does not, None where it does."""
        reason = self._start_once(modules)
        if reason is not None and (self.home / _DATABASE).exists():
            # A newer Prefect may have left a database that this one cannot read. Nothing depends on it.
            for file in self.home.glob(f"{_DATABASE}*"):
                file.unlink(missing_ok=True)
            reason = self._start_once()
        return reason

    def _start_once(self, modules: Sequence[str] = ()) -> str | None:
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            with (self.home / "server.log").open("wb") as log:
                # A build that is killed stops nothing: the server ends by itself then.
                mortal = [sys.executable, "-m", parent_death.__name__]
                self.process = subprocess.Popen(
                    [*mortal, *_COMMAND, "--host", "127.0.0.1", "--port", str(self._port)],
                    cwd=self.home,
                    env=self._environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # so that a Ctrl-C in the terminal does not end it first
                )
        except OSError as error:
            return f"{self.home}: {error.strerror or error}"
        for module in modules:
            importlib.import_module(module)
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                return f"it ended with status {self.process.returncode}; see {self.home / 'server.log'}"
            if _is_healthy(self._port):
                return None
            time.sleep(0.1)
        self.stop()
        return f"no answer within {START_LIMIT_S:g} s; see {self.home / 'server.log'}"

    def _environment(self) -> dict[str, str]:
        """Nothing of another server's settings: database, address, authentication."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        own = {HOME: str(self.home), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
        return kept | own | parent_death.environment()

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PROBE_LIMIT_S)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/api/health")
        return connection.getresponse().status == 200
    return False
