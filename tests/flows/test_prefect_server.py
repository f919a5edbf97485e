"""Which Prefect server a build reports to, and that asking never costs more than seconds."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from its_flows.prefect_environment import configured_api_url, set_defaults
from its_flows.prefect_server import OwnServer, server_for_build, unreachable_reason

PROFILES = 'active = "a"\n[profiles.a]\nPREFECT_API_URL = "http://a/api"\n[profiles.b]\n'


def serving(answer: bytes | None) -> Iterator[str]:
    """The URL of a server that gives one answer to everybody; None: it accepts connections and is silent."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while answer is not None:
                try:
                    caller, _ = server.accept()
                except OSError:
                    return
                with caller:
                    caller.recv(65536)
                    caller.sendall(answer)

        Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}/api"


@pytest.fixture
def silent() -> Iterator[str]:
    yield from serving(None)


@pytest.fixture
def gateway() -> Iterator[str]:
    yield from serving(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")


@pytest.fixture
def asks_for_a_password() -> Iterator[str]:
    yield from serving(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("its_flows.prefect_server.PROBE_LIMIT_S", 0.5)
    monkeypatch.setattr("its_flows.prefect_server._WAITS_S", (0.0, 0.1))


def test_nothing_listens() -> None:
    assert unreachable_reason("http://127.0.0.1:9/api") == "Connection refused"


def test_no_such_host() -> None:
    assert unreachable_reason("http://no-such-host.invalid:4200/api") is not None


@pytest.mark.parametrize("url", ["", "localhost", "ftp://", "http://[::1", "http://127.0.0.1:99999/api", "http:///api"])
def test_what_is_no_url(url: str) -> None:
    assert unreachable_reason(url) is not None


def test_one_that_never_answers(silent: str) -> None:
    assert unreachable_reason(f"http://{silent}") == "timed out"


def test_a_gateway_that_answers_for_one_that_is_down(gateway: str) -> None:
    assert unreachable_reason(f"http://{gateway}") == "HTTP status 503"


def test_one_that_asks_for_a_password_is_there(asks_for_a_password: str) -> None:
    assert unreachable_reason(f"http://{asks_for_a_password}") is None


def test_a_certificate_is_prefects_own_question(asks_for_a_password: str) -> None:
    with pytest.raises(ssl.SSLError):
        ssl.create_default_context().wrap_socket(
            socket.create_connection(_address(asks_for_a_password)), server_hostname="localhost"
        )
    assert unreachable_reason(f"https://{asks_for_a_password}") is None


def _address(url: str) -> tuple[str, int]:
    host, port = url.removesuffix("/api").split(":")
    return host, int(port)


@pytest.mark.parametrize(
    ("environment", "profiles", "url"),
    [
        ({"PREFECT_API_URL": "http://env/api"}, PROFILES, "http://env/api"),
        ({"PREFECT_API_URL": " "}, PROFILES, "http://a/api"),
        ({}, PROFILES, "http://a/api"),
        ({"PREFECT_PROFILE": "b"}, PROFILES, None),
        ({"PREFECT_PROFILE": "none"}, PROFILES, None),
        ({}, "", None),
        ({}, "not toml [", None),
        ({}, "profiles = 3\nactive = 'a'", None),
    ],
)
def test_the_server_that_is_configured(
    tmp_path: Path, environment: dict[str, str], profiles: str, url: str | None
) -> None:
    (tmp_path / "profiles.toml").write_text(profiles)
    assert configured_api_url({"PREFECT_HOME": str(tmp_path), **environment}) == url
    assert configured_api_url({"PREFECT_HOME": str(tmp_path / "profiles.toml" / "x")}) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, "127.0.0.1,localhost,::1"),
        ({"NO_PROXY": "a.example"}, "a.example,127.0.0.1,localhost,::1"),
        ({"no_proxy": "b, 127.0.0.1", "NO_PROXY": "a"}, "a,b,127.0.0.1,localhost,::1"),
        ({"no_proxy": "*"}, "*"),
    ],
)
def test_this_machines_servers_are_not_asked_for_through_a_proxy(before: dict[str, str], after: str) -> None:
    environment = dict(before)
    set_defaults(environment)
    assert environment["NO_PROXY"] == environment["no_proxy"] == after
    assert environment["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"


def test_a_configured_server_that_does_not_answer_is_said_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://user:s3cr3t@127.0.0.1:9/api")
    said: list[str] = []
    with server_for_build(tmp_path, said.append) as with_prefect:
        assert not with_prefect
    (line,) = said
    assert "127.0.0.1:9/api does not answer (Connection refused)" in line and "s3cr3t" not in line


def test_its_own_server_whose_folder_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "prefect").touch()
    said: list[str] = []
    with server_for_build(tmp_path / "work", said.append) as with_prefect:
        assert not with_prefect
        assert "PREFECT_API_URL" not in os.environ
    (line,) = said
    assert str(tmp_path / "work" / "prefect") in line


def test_its_own_server_that_dies_at_once_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "full.py").write_text("raise SystemExit('no room')")
    monkeypatch.setattr("its_flows.prefect_server._COMMAND", [str(tmp_path / "full.py")])
    server = OwnServer(tmp_path)
    assert server.start() == f"it ended with status 1; see {tmp_path / 'server.log'}"
    assert (tmp_path / "server.log").read_text() == "no room\n"
