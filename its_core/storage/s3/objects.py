"""Objects on S3: the verbs of ``its_core.storage`` for ``s3://`` URLs."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import math
import mimetypes
import os
import re
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, wait
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar

from its_core.storage.errors import (
    Changed,
    ConditionalPutIgnored,
    Damaged,
    NotThere,
    StorageError,
    Unsupported,
    shown,
)
from its_core.storage.s3.client import call, read, split
from its_core.storage.s3.client import endpoint as endpoint

PART_BYTES = 16 * 2**20
PAGE_OBJECTS = 1000  # the most that one request lists or deletes
_MOST_PARTS = 10_000
_MD5_ETAG = re.compile(r"[0-9a-f]{32}(-[0-9]+)?")

_T = TypeVar("_T")

_checked: set[tuple[str, str]] = set()
_checking = threading.Lock()


@dataclass(frozen=True, slots=True)
class Object:
    """What the server says of an object; ``sha256`` (base64) and ``md5`` (hexadecimal) are None where it does not.

    Of an object that was sent in parts both are digests of the parts' digests, and ETag and MD5 end in ``-`` and the
    number of parts.
    """

    size_bytes: int
    etag: str
    sha256: str | None
    md5: str | None
    metadata: dict[str, str]


def head(url: str) -> Object:
    """Raises NotThere when there is no such object."""
    if not split(url)[1]:
        raise NotThere(f"{shown(url)}: is a bucket, not an object")
    answer = call("head_object", url, ChecksumMode="ENABLED")
    etag = str(answer.get("ETag", "")).strip('"')
    sha256 = answer.get("ChecksumSHA256")
    encrypted = str(answer.get("ServerSideEncryption", "")).startswith("aws:kms") or "SSECustomerAlgorithm" in answer
    directory_bucket = split(url)[0].endswith("--x-s3")
    has_md5 = _MD5_ETAG.fullmatch(etag) and not encrypted and not directory_bucket
    return Object(
        size_bytes=answer["ContentLength"],
        etag=etag,
        sha256=sha256.partition("-")[0] if sha256 else None,
        md5=etag if has_md5 else None,
        metadata=answer.get("Metadata", {}),
    )


def exists(url: str) -> bool:
    """Whether there is an object of this name, or any below it."""
    _, key = split(url)
    if key and not key.endswith("/"):
        with contextlib.suppress(NotThere):
            head(url)
            return True
    try:
        return "Contents" in call("list_objects_v2", url, Prefix=_prefix(key), MaxKeys=1) or not key
    except NotThere:
        return False


def list_folder(url: str) -> list[str]:
    _, key = split(url)
    prefix = _prefix(key)
    names: set[str] = set()
    with contextlib.suppress(NotThere):
        for page in _pages(url, Prefix=prefix, Delimiter="/"):
            names.update(entry["Prefix"] for entry in page.get("CommonPrefixes", []))
            names.update(entry["Key"] for entry in page.get("Contents", []))
    return sorted(name for path in names if (name := path.removeprefix(prefix).rstrip("/")))


def find(url: str) -> dict[str, tuple[int, str]]:
    """Size in bytes and ETag of all objects below a folder, by their names from there. Raises NotThere when the bucket
    does not exist."""
    prefix = _prefix(split(url)[1])
    return {
        entry["Key"].removeprefix(prefix): (entry["Size"], str(entry.get("ETag", "")).strip('"'))
        for page in _pages(url, Prefix=prefix)
        for entry in page.get("Contents", [])
    }


def age_s(url: str) -> float:
    """Seconds since the object was written, by the server's own clock.

    Raises:
        NotThere: there is no such object.
        StorageError: the answer does not say what the time is.
    """
    answer = call("head_object", url)
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    if date is None:
        raise StorageError(
            f"{shown(url)}: how old it is cannot be told, because the server's answer has no Date header: have the "
            "gateway before the server let it through, or name an endpoint without that gateway"
        )
    return float((parsedate_to_datetime(date) - answer["LastModified"]).total_seconds())


def read_bytes(url: str) -> bytes:
    return read(url, ChecksumMode="ENABLED")


class ObjectFile(io.RawIOBase):
    """An object as a file that can be read and searched without fetching all of it: a request a read, so put a buffer
    before it. Anything newer in the object's place raises Changed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._object = head(url)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._object.size_bytes}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        size = min(len(buffer), self._object.size_bytes - self._at)
        if size <= 0:
            return 0
        span = f"bytes={self._at}-{self._at + size - 1}"
        buffer[:size] = read(self._url, size, Range=span, IfMatch=f'"{self._object.etag}"')
        self._at += size
        return size


def write_bytes(url: str, content: bytes, **conditions: Any) -> None:
    """One PUT. The server checks what arrives against the SHA-256."""
    digest = {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": _base64(hashlib.sha256(content).digest())}
    call("put_object", url, Body=content, ContentType=_media_type(url), **digest, **conditions)


def create(url: str, content: bytes) -> bool:
    """Puts the object unless there is one: True for exactly one of all that try.

    Raises:
        ConditionalPutIgnored: this server would answer True to several.
    """
    _check_conditional_puts(url)
    return _create(url, content)


def _create(url: str, content: bytes) -> bool:
    claim = uuid.uuid4().hex
    try:
        write_bytes(url, content, IfNoneMatch="*", Metadata={"claim": claim})
    except Changed:
        # Also the answer to a second attempt, where the first one succeeded and its answer was lost.
        with contextlib.suppress(NotThere):
            return head(url).metadata.get("claim") == claim
        return False
    return True


def _check_conditional_puts(url: str) -> None:
    """Once a process and bucket: creates one name twice. Some servers (rclone's, s3rver) ignore the condition."""
    server_and_bucket = (endpoint(url), split(url)[0])
    with _checking:
        if server_and_bucket in _checked:
            return
        probe = f"{url.rpartition('/')[0]}/.conditional-put-{uuid.uuid4().hex}"
        try:
            honoured = _create(probe, b"") and not _create(probe, b"")
        except Unsupported:
            honoured = False
        remove_tree(probe)
        if not honoured:
            raise ConditionalPutIgnored(
                f"{shown(url)}: the server ignores conditional writes (If-None-Match), so that two publishers could "
                "take the same name: publish to a server that honours them, such as AWS S3 or MinIO, or to a folder"
            )
        _checked.add(server_and_bucket)


def remove_tree(url: str) -> None:
    """Removes the object and everything below it."""
    _, key = split(url)
    if not key.strip("/"):
        raise StorageError(f"{shown(url)}: is a whole bucket, which is never removed")
    with contextlib.suppress(NotThere):
        _delete(url, [key])
        for page in _pages(url, Prefix=_prefix(key)):
            _delete(url, [entry["Key"] for entry in page.get("Contents", [])])


def _delete(url: str, keys: list[str]) -> None:
    if keys:
        call("delete_objects", url, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True})


def _pages(url: str, **parameters: Any) -> Iterator[dict[str, Any]]:
    more: dict[str, str] = {}
    while True:
        page = call("list_objects_v2", url, MaxKeys=PAGE_OBJECTS, **parameters, **more)
        yield page
        if not page.get("IsTruncated"):
            return
        more = {"ContinuationToken": page["NextContinuationToken"]}


def _prefix(key: str) -> str:
    return key.rstrip("/") + "/" if key.strip("/") else ""


def download(url: str, found: Object, file: io.BufferedRandom, pool: Executor) -> None:
    """Fills ``file`` with the object that ``head`` found, several ranges at a time.

    The length is checked always, the content where the server knows the whole object's digest: not where the object
    was sent in parts, for which there is the transport's own check (TLS).

    Raises:
        Changed: it was replaced meanwhile.
        Damaged: the content is not what the server says it is.
        OSError: the disk is full.
    """
    if found.size_bytes:
        _reserve(file, found.size_bytes)

    def fetch(start: int) -> None:
        size = min(PART_BYTES, found.size_bytes - start)
        body = read(url, size, Range=f"bytes={start}-{start + size - 1}", IfMatch=f'"{found.etag}"')
        os.pwrite(file.fileno(), body, start)

    _each(pool, fetch, range(0, found.size_bytes, PART_BYTES))
    if "-" not in found.etag and not _is_whole(file, found):
        raise Damaged(f"{shown(url)}: what arrived is not what the server says it has: run again")


def _reserve(file: io.BufferedRandom, size_bytes: int) -> None:
    """A full disk is noticed before anything is fetched, where the system can reserve room (macOS cannot)."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size_bytes)
    else:
        file.truncate(size_bytes)


def _is_whole(file: io.BufferedRandom, found: Object) -> bool:
    file.seek(0)
    if found.sha256:
        return _base64(hashlib.file_digest(file, "sha256").digest()) == found.sha256
    md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    return found.md5 in (None, md5)


@dataclass(frozen=True, slots=True)
class _Content:
    """What the server should say of a file once it has it, and the SHA-256 (base64) of each part."""

    size_bytes: int
    part_bytes: int
    part_sha256: tuple[str, ...]
    sha256: str
    md5: str

    def differs(self, found: Object) -> str | None:
        """What of the object is not the file's; None when everything that the server says is."""
        if found.size_bytes != self.size_bytes:
            return f"size of {found.size_bytes} bytes instead of {self.size_bytes}"
        if found.sha256 is None and found.md5 is None:
            return "unknown content: the server keeps neither a SHA-256 nor an MD5 of it"
        if found.sha256 not in (None, self.sha256):
            return "other SHA-256"
        return None if found.md5 in (None, self.md5) else "other MD5"


def _content(path: Path) -> _Content:
    size_bytes = path.stat().st_size
    part_bytes = max(PART_BYTES, math.ceil(size_bytes / _MOST_PARTS))
    sha256: list[bytes] = []
    md5: list[bytes] = []
    with path.open("rb") as file:
        while (part := file.read(part_bytes)) or not sha256:
            sha256.append(hashlib.sha256(part).digest())
            md5.append(hashlib.md5(part, usedforsecurity=False).digest())
    parts = tuple(map(_base64, sha256))
    if len(parts) == 1:
        return _Content(size_bytes, part_bytes, parts, parts[0], md5[0].hex())
    whole_md5 = hashlib.md5(b"".join(md5), usedforsecurity=False).hexdigest()
    whole_sha256 = _base64(hashlib.sha256(b"".join(sha256)).digest())
    return _Content(size_bytes, part_bytes, parts, whole_sha256, f"{whole_md5}-{len(parts)}")


def upload(path: Path, url: str, pool: Executor) -> bool:
    """Sends a file, a large one in parts, and verifies that it arrived. False: it was there already, unchanged.

    Raises:
        Damaged: the server has something else now, for instance because the file changed meanwhile.
    """
    content = _content(path)
    with contextlib.suppress(NotThere):
        if content.differs(head(url)) is None:
            return False
    if len(content.part_sha256) == 1:
        write_bytes(url, path.read_bytes())
    else:
        _send_parts(path, url, content, pool)
    if difference := content.differs(head(url)):
        raise Damaged(f"{shown(url)}: differs from the file that was sent ({difference}): run again")
    return True


def _send_parts(path: Path, url: str, content: _Content, pool: Executor) -> None:
    begun = call("create_multipart_upload", url, ContentType=_media_type(url), ChecksumAlgorithm="SHA256")["UploadId"]

    def send(number: int) -> dict[str, Any]:
        with path.open("rb") as file:
            file.seek((number - 1) * content.part_bytes)
            body = file.read(content.part_bytes)
        part = {"PartNumber": number, "ChecksumSHA256": content.part_sha256[number - 1]}
        answer = call("upload_part", url, UploadId=begun, Body=body, ChecksumAlgorithm="SHA256", **part)
        return {"ETag": answer["ETag"], **part}

    try:
        parts = _each(pool, send, range(1, len(content.part_sha256) + 1))
        with contextlib.suppress(NotThere):  # an earlier attempt's answer was lost: the HEAD afterwards tells
            call("complete_multipart_upload", url, UploadId=begun, MultipartUpload={"Parts": parts})
    except BaseException:
        with contextlib.suppress(StorageError):  # parts cost money until they are removed
            call("abort_multipart_upload", url, UploadId=begun)
        raise


def _each(pool: Executor, function: Callable[[int], _T], numbers: Iterable[int]) -> list[_T]:
    """The function's results. After a failure nothing of it is still running."""
    futures = [pool.submit(function, number) for number in numbers]
    try:
        return [future.result() for future in futures]
    finally:
        for future in futures:
            future.cancel()
        wait(futures)


def _media_type(url: str) -> str:
    return mimetypes.guess_type(url.rpartition("/")[2])[0] or "application/octet-stream"


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
