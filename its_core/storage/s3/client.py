"""Requests to S3 through s3fs: one connection a process, patience with transient faults, errors that say what to do.

The endpoint, profile, region, credentials and CA come from the usual AWS variables and configuration files.
"""

from __future__ import annotations

import logging
import os
import random
import re
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from its_core.storage.errors import Denied, StorageError, shown
from its_core.storage.s3.errors import Truncated, diagnose

ATTEMPTS = 8
FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 15.0
CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 60.0
_CONNECTIONS = 64

_log = logging.getLogger(__name__)
_PROXIES = {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"}
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*|arn:[A-Za-z0-9._:-]+")  # or an access point's ARN
_lock = threading.Lock()
_held: dict[tuple[int, int], Any] = {}

_T = TypeVar("_T")

# Their debug lines show requests with the session token in the headers.
for _name in ("aiobotocore", "botocore", "s3fs"):
    logging.getLogger(_name).setLevel(logging.WARNING)


def split(url: str) -> tuple[str, str]:
    """Bucket and key of an ``s3://`` URL; the key is empty for the bucket itself.

    Raises:
        StorageError: it is not an ``s3://`` URL with a bucket.
    """
    bucket, _, key = url.removeprefix("s3://").partition("/")
    if not url.startswith("s3://") or not _BUCKET.fullmatch(bucket):
        raise StorageError(f"{shown(url)}: not an S3 URL, which is s3://bucket/name; credentials do not belong in it")
    return bucket, key


def call(operation: str, url: str, **parameters: Any) -> dict[str, Any]:
    """One S3 operation by its name in botocore (``put_object`` …) on the bucket and key of ``url``.

    Raises:
        StorageError: a subclass tells permanent reasons, raised at once, from transient ones (Unreachable).
    """
    bucket, key = split(url)

    async def request(filesystem: Any) -> dict[str, Any]:
        # s3fs leaves out what an operation does not take: the key, where it is about the bucket.
        answer: dict[str, Any] = await filesystem._call_s3(operation, Bucket=bucket, Key=key, **parameters)
        if errors := answer.get("Errors"):  # of a deletion that succeeded in part
            raise ClientError({"Error": errors[0]}, operation)
        return answer

    return _patiently(operation, url, request)


def read(url: str, size_bytes: int | None = None, **parameters: Any) -> bytes:
    """The body of one ``get_object``, whole: ``size_bytes`` long, where that is known. Raises as ``call`` does."""
    bucket, key = split(url)

    async def request(filesystem: Any) -> bytes:
        answer = await filesystem._call_s3("get_object", Bucket=bucket, Key=key, **parameters)
        async with answer["Body"] as stream:
            body: bytes = await stream.read()
        if len(body) != (answer["ContentLength"] if size_bytes is None else size_bytes):
            raise Truncated
        return body

    return _patiently("get_object", url, request)


def endpoint(url: str) -> str:
    """The server that requests about ``url`` go to now, to tell one server's buckets from another's."""

    async def address(filesystem: Any) -> str:
        client = await filesystem.set_session()
        return str(client.meta.endpoint_url)

    return _patiently("connect", url, address)


def _patiently(operation: str, url: str, request: Callable[[Any], Awaitable[_T]]) -> _T:
    attempt = 1
    while True:
        try:
            return _run(request)
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
        _forget()  # so that renewed credentials are read
    # Outside of the except block: the original, which may hold secrets, is not this error's context.
    raise fault.error


def _run(request: Callable[[Any], Awaitable[_T]]) -> _T:
    from fsspec.asyn import sync

    filesystem = _connected()
    result: _T = sync(filesystem.loop, request, filesystem)
    return result


def _connected() -> Any:
    """The process's connection, a new one after a fork or a change of the variables that it was made from."""
    variables = {k: v for k, v in os.environ.items() if k.startswith("AWS_") or k.upper() in _PROXIES}
    key = (os.getpid(), hash(frozenset(variables.items())))
    with _lock:
        if key not in _held:
            # Takes 0.2 s, which work on local files need not wait for.
            from s3fs import S3FileSystem

            region = os.environ.get("AWS_REGION")  # botocore itself only knows AWS_DEFAULT_REGION
            filesystem = S3FileSystem(
                skip_instance_cache=True,
                use_listings_cache=False,
                client_kwargs={"region_name": region} if region else {},
                config_kwargs={
                    "connect_timeout": CONNECT_TIMEOUT_S,
                    "read_timeout": READ_TIMEOUT_S,
                    "max_pool_connections": _CONNECTIONS,
                    # Not of ranges, of which no server knows a checksum though some send the whole object's.
                    "response_checksum_validation": "when_required",
                    "retries": {"mode": "standard", "total_max_attempts": 1},
                },
            )
            filesystem.retries = 1  # one place decides what is tried again: _patiently
            _held.clear()
            _held[key] = filesystem
        return _held[key]


def _forget() -> None:
    with _lock:
        _held.clear()
