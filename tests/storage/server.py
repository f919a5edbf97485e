"""An S3 server of this machine's own, spoken to over HTTP."""

import logging
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from moto.server import ThreadedMotoServer

from tests.storage.fault_proxy import FaultProxy


@contextmanager
def running_server() -> Iterator[str]:
    """The URL of moto's server while it runs."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def new_bucket(server_url: str) -> str:
    """The URL of a bucket that nothing else uses."""
    name = f"bucket-{uuid.uuid4().hex}"
    with urllib.request.urlopen(urllib.request.Request(f"{server_url}/{name}", method="PUT")):
        return f"s3://{name}"


class S3:
    """A new bucket behind a proxy that can be told to fail, and the variables of a person who has a key for it."""

    def __init__(self, server_url: str, proxy: FaultProxy) -> None:
        self.bucket = new_bucket(server_url)
        self.proxy = proxy
        self.variables = {
            "AWS_ENDPOINT_URL": proxy.url,
            "AWS_ACCESS_KEY_ID": "reader",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
            "AWS_CONFIG_FILE": "/nonexistent",
            "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
