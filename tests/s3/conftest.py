from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.s3.fault_proxy import FaultProxy
from tests.s3.server import S3, running_server


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    with running_server() as url:
        yield url


@pytest.fixture
def s3(server_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[S3]:
    with FaultProxy(server_url) as proxy:
        place = S3(server_url, proxy, monkeypatch)
        place.set_variables(str(tmp_path))
        yield place
