import os
from collections.abc import Iterator

import pytest

from its_core.storage.s3 import client as s3_client
from tests.storage.fault_proxy import FaultProxy
from tests.storage.server import S3, running_server


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    with running_server() as url:
        yield url


@pytest.fixture(scope="session")
def proxy(server_url: str) -> Iterator[FaultProxy]:
    with FaultProxy(server_url) as proxy:
        yield proxy


@pytest.fixture
def s3(
    server_url: str, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> S3:
    """A new bucket, an empty cache of inputs, and no fault armed. Tests share a connection as long as they leave the
    variables as they are."""
    place = S3(server_url, proxy)
    for name in set(os.environ) - set(place.variables):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name, value in place.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ITS_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.delenv("ITS_CACHE_BYTES", raising=False)
    monkeypatch.setattr(s3_client, "ATTEMPTS", 6)
    monkeypatch.setattr(s3_client, "LONGEST_WAIT_S", 0.01)
    proxy.reset()
    return place
