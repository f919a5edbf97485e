"""Requests to S3 through botocore: one client a process, retries of transient faults, errors that say what to do.

The endpoint, profile, region, credentials and CA come from the usual AWS variables and configuration files.

The retries are our own and not botocore's, because those do not cover a body that breaks off while it is read, log
nothing while they wait, and cannot name the reason that a HEAD request withholds.
"""

from __future__ import annotations

import logging
import os
import random
import re
import threading
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any, TypeVar

from its_core.storage.errors import Denied, UnusableUrl, shown
from its_core.storage.s3.errors import Truncated, diagnose

ATTEMPTS = 8
FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 15.0
CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 60.0
_CONNECTIONS = 64

_log = logging.getLogger(__name__)
_PROXIES = {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"}
_SCHEME = re.compile("s3://", re.IGNORECASE)
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*|arn:[A-Za-z0-9._:-]+")  # or an access point's ARN
_ABOUT_THE_BUCKET = {"delete_objects", "list_multipart_uploads", "list_objects_v2"}
_lock = threading.Lock()
_clients: dict[tuple[int, int], Any] = {}

_T = TypeVar("_T")

# Their debug lines show requests with signatures and session tokens.
for _name in ("botocore", "urllib3"):
    logging.getLogger(_name).setLevel(logging.WARNING)


def split(url: str) -> tuple[str, str]:
    """Bucket and key of an ``s3://`` URL; the key is empty for the bucket itself.

    Raises:
        UnusableUrl: it is not an ``s3://`` URL with a bucket.
    """
    scheme = _SCHEME.match(url)
    bucket, _, key = url[scheme.end() if scheme else 0 :].partition("/")
    if not scheme or not _BUCKET.fullmatch(bucket):
        raise UnusableUrl(f"{shown(url)}: neither a local path nor an S3 URL (s3://bucket/name, without credentials)")
    return bucket, key


def call(operation: str, url: str, **parameters: Any) -> dict[str, Any]:
    """One S3 operation by its name in botocore (``put_object`` …) on the bucket and key of ``url``.

    Raises:
        StorageError: permanent faults at once, transient ones (Unreachable) after several attempts.
    """
    bucket, key = split(url)
    named = {"Bucket": bucket} if operation in _ABOUT_THE_BUCKET else {"Bucket": bucket, "Key": key}

    def request(client: Any) -> dict[str, Any]:
        answer: dict[str, Any] = getattr(client, operation)(**named, **parameters)
        if errors := answer.get("Errors"):  # of a deletion that succeeded in part
            raise client.exceptions.ClientError({"Error": errors[0]}, operation)
        return answer

    return _with_retries(operation, url, request)


def read(url: str, size_bytes: int | None = None, **parameters: Any) -> bytes:
    """The body of one ``get_object``, whole: ``size_bytes`` long, where that is known. Raises as ``call`` does."""
    bucket, key = split(url)

    def request(client: Any) -> bytes:
        answer = client.get_object(Bucket=bucket, Key=key, **parameters)
        with closing(answer["Body"]) as stream:
            body: bytes = stream.read()
        if len(body) != (answer["ContentLength"] if size_bytes is None else size_bytes):
            raise Truncated
        return body

    return _with_retries("get_object", url, request)


def endpoint(url: str) -> str:
    """The server that requests about ``url`` go to now, to tell one server's buckets from another's."""
    return _with_retries("connect", url, lambda client: str(client.meta.endpoint_url))


def _with_retries(operation: str, url: str, request: Callable[[Any], _T]) -> _T:
    attempt = 1
    while True:
        try:
            return request(_client())
        except Exception as error:
            fault = diagnose(error, operation, url)
            if fault is None:
                raise
        if not fault.transient or attempt == ATTEMPTS:
            break
        wait_s = min(FIRST_WAIT_S * 2 ** (attempt - 1), LONGEST_WAIT_S) * random.uniform(0.5, 1)
        _log.warning("%s; trying again in %.1f s (attempt %d of %d)", fault.error, wait_s, attempt, ATTEMPTS)
        time.sleep(wait_s)
        attempt += 1
    if fault.reason_withheld:
        read(url, Range="bytes=0-0")  # raises with the reason
    if isinstance(fault.error, Denied):
        _forget_clients()  # so that renewed credentials are read
    # Outside of the except block: the original, which may hold secrets, is not this error's context.
    raise fault.error


def _client() -> Any:
    """The process's client; a new one after a fork or a change of the variables that it was made from."""
    variables = {k: v for k, v in os.environ.items() if k.startswith("AWS_") or k.upper() in _PROXIES}
    key = (os.getpid(), hash(frozenset(variables.items())))
    with _lock:
        if key not in _clients:
            # Here, because local files need no botocore.
            from botocore.config import Config
            from botocore.session import Session

            config = Config(
                connect_timeout=CONNECT_TIMEOUT_S,
                read_timeout=READ_TIMEOUT_S,
                max_pool_connections=_CONNECTIONS,
                # Not of ranges, of which no server knows a checksum though some send the whole object's.
                response_checksum_validation="when_required",
                retries={"mode": "standard", "total_max_attempts": 1},  # _with_retries alone decides
            )
            region = os.environ.get("AWS_REGION")  # botocore itself only knows AWS_DEFAULT_REGION
            client = Session().create_client("s3", region_name=region, config=config)
            _clients.clear()
            _clients[key] = client
        return _clients[key]


def _forget_clients() -> None:
    with _lock:
        _clients.clear()
