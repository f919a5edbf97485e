"""Fixtures of an S3 server for any test, and the marks by which `make test-fast` chooses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.storage.fault_proxy import FaultProxy
    from tests.storage.server import S3

# Triton reads it when it is first imported, by whichever test: its kernels are interpreted on the CPU.
os.environ["TRITON_INTERPRET"] = "1"

_SYSTEM = Path(__file__).parent / "system"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever lies in tests/system/ or asks for the S3 server starts processes or servers."""
    for item in items:
        if _SYSTEM in item.path.parents or "server_url" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.system)


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    from tests.storage.server import running_server

    with running_server() as url:
        yield url


@pytest.fixture(scope="session")
def proxy(server_url: str) -> Iterator[FaultProxy]:
    from tests.storage.fault_proxy import FaultProxy

    with FaultProxy(server_url) as proxy:
        yield proxy


@pytest.fixture
def s3(
    server_url: str, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> S3:
    """A new bucket, an empty cache of inputs, and no fault armed. Tests share a connection as long as they leave the
    variables as they are."""
    from its_core.storage.s3 import client
    from tests.storage.server import S3

    place = S3(server_url, proxy)
    for name in set(os.environ) - set(place.variables):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name, value in place.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ITS_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.delenv("ITS_CACHE_BYTES", raising=False)
    monkeypatch.setattr(client, "ATTEMPTS", 6)
    monkeypatch.setattr(client, "LONGEST_WAIT_S", 0.01)
    proxy.reset()
    return place
