"""URLs of stored data: local paths, ``file://`` URLs (RFC 8089) and ``s3://`` URLs."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from its_core.storage.errors import UnusableUrl, shown

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_FILE = re.compile(r"file:(?://(?P<host>[^/]*))?(?P<path>/.*)?", re.IGNORECASE | re.DOTALL)
_THIS_MACHINE = {"", "localhost", "127.0.0.1"}


def scheme(url: str) -> str:
    """``file`` for paths and ``file:`` URLs, else ``s3`` or what else it is, in lower case."""
    found = _SCHEME.match(url)
    return found[1].lower() if found else "file"


def is_local(url: str) -> bool:
    """Whether ``url`` is on this machine's disk. Only this package needs to ask."""
    return scheme(url) == "file"


def local_path(url: str) -> Path:
    """The path of a local URL: a plain path as it is, a ``file:`` URL without its percent encoding.

    Raises:
        UnusableUrl: any other scheme, or a file on another host.
    """
    if not is_local(url):
        raise UnusableUrl(f"{shown(url)}: is not on this machine's disk")
    file = _FILE.fullmatch(url)
    if not file or (file["host"] is None and file["path"] is None):
        return Path(url)  # a plain path; "file:name" too is a file's name
    if file["host"] and file["host"].lower() not in _THIS_MACHINE:
        raise UnusableUrl(f"{shown(url)}: is on the host {file['host']!r}; a local file is file:///folder/name")
    return Path(unquote(file["path"] or "/"))


def is_absolute(url: str) -> bool:
    """Whether ``url`` means the same wherever it is read: an absolute path, or a URL with a scheme."""
    return bool(_SCHEME.match(url)) or local_path(url).is_absolute()


def join(url: str, *parts: str) -> str:
    return "/".join([url.rstrip("/"), *(part.strip("/") for part in parts)])


def split(url: str) -> tuple[str, str]:
    """The folder that something lies in, and its name there."""
    folder, slash, name = url.rstrip("/").rpartition("/")
    return folder or slash or ".", name


def resolve(url: str, base: Path) -> str:
    """An absolute URL: a relative local path counts from ``base``, and a local URL becomes a path."""
    if is_local(url):
        return str((base / local_path(url).expanduser()).resolve())
    return f"{scheme(url)}://{url.partition('://')[2]}"


def contains(folder: str, url: str) -> bool:
    """Whether ``url`` is ``folder`` or lies below it. Links on a disk are followed.

    Raises OSError for a path on a disk that cannot be followed.
    """
    if is_local(folder) and is_local(url):
        return local_path(url).resolve().is_relative_to(local_path(folder).resolve())
    below = url.removeprefix(join(folder, ""))
    return not is_local(url) and below != url and {".", "..", ""}.isdisjoint(below.split("/"))


def can_rename(url: str) -> bool:
    """Whether a folder built aside can be given the name ``url`` at once, by a rename. Object stores cannot do that."""
    return is_local(url)
