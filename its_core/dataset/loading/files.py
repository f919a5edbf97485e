"""Files of a version, local or on S3. Nothing of S3 is imported for local ones."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from its_core.errors import FactoryError


class LoadError(FactoryError, ValueError):
    """Clips that cannot be loaded as asked; the message says which, and what would be right."""

    default_code = "load"


def is_s3(url: str) -> bool:
    return url.startswith("s3://")


def join(folder: str, *parts: str) -> str:
    return "/".join((folder.rstrip("/"), *parts))


def read_bytes(url: str) -> bytes:
    """Raises FileNotFoundError, or a StorageError of S3."""
    if is_s3(url):
        from its_core import storage

        return storage.read_bytes(url)
    return Path(url).read_bytes()


def for_decoder(url: str) -> str | BinaryIO:
    """What PyAV can open: the path of a local file, the content of a remote one."""
    return BytesIO(read_bytes(url)) if is_s3(url) else url
