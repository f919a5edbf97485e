"""URLs of stored data: local paths, ``file://`` and ``s3://``."""

from __future__ import annotations

import re
from pathlib import Path

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://")


def is_local(url: str) -> bool:
    scheme = _SCHEME.match(url)
    return scheme is None or scheme[1].lower() == "file"


def local_path(url: str) -> Path:
    """The path of a local URL. Raises ValueError for any other."""
    if not is_local(url):
        raise ValueError(f"{url!r} is not on this machine's disk")
    return Path(url.removeprefix("file://"))


def join(url: str, *parts: str) -> str:
    return "/".join([url.rstrip("/"), *(part.strip("/") for part in parts)])


def resolve(url: str, base: Path) -> str:
    """An absolute URL: a relative local path counts from ``base``."""
    return url if not is_local(url) else str((base / local_path(url).expanduser()).resolve())
