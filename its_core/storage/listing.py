"""What lies in a folder, or under the names that a pattern matches, on a disk or on S3."""

from __future__ import annotations

import glob as on_disk
import re
from contextlib import suppress
from dataclasses import dataclass
from os import stat_result, walk
from pathlib import Path

from its_core.storage.errors import NotThere, shown
from its_core.storage.s3 import objects
from its_core.storage.urls import is_local, join, local_path

_WILDCARD = re.compile(r"[*?\[]")
_IN_A_NAME = re.compile(r"\*+|\?|\[(?P<set>!?[^\]]+)\]")


@dataclass(frozen=True, slots=True)
class Stat:
    """A file's size, and an ``etag``: another one for every other content that the name ever had."""

    size_bytes: int
    etag: str


def stat(url: str) -> Stat:
    """Of a file. Raises NotThere when there is none (a folder is none)."""
    if not is_local(url):
        found = objects.head(url)
        return Stat(found.size_bytes, found.etag)
    path = local_path(url)
    if not path.exists():
        raise NotThere(f"{shown(url)}: does not exist")
    if not path.is_file():
        raise NotThere(f"{shown(url)}: is not a file", code="storage.not_a_file")
    return _stat(path.stat())


def exists(url: str) -> bool:
    return local_path(url).exists() if is_local(url) else objects.exists(url)


def is_folder(url: str) -> bool:
    """Whether files lie below ``url``, and none under the name itself."""
    if is_local(url):
        return local_path(url).is_dir()
    with suppress(NotThere):
        stat(url)
        return False
    return objects.exists(url)


def list_folder(url: str) -> list[str]:
    """Names (not paths) of what lies directly in a folder, sorted; empty when it does not exist."""
    if not is_local(url):
        return objects.list_folder(url)
    try:
        return sorted(entry.name for entry in local_path(url).iterdir())
    except FileNotFoundError:
        return []


def find(url: str) -> dict[str, Stat]:
    """Every file below a folder, by its path from there, sorted; empty when the folder does not exist.

    Links to folders are followed. Raises OSError for a folder that may not be read, NotThere for a missing bucket.
    """
    if not is_local(url):
        below = sorted(objects.find(url).items())
        return {name: Stat(*found) for name, found in below if name and not name.endswith("/")}
    top = local_path(url)
    if not top.is_dir():
        return {}
    found: dict[str, Stat] = {}
    seen: set[Path] = set()  # a link may lead back to a folder above it
    for folder, folders, names in walk(top, onerror=_fail, followlinks=True):
        if (real := Path(folder).resolve()) in seen:
            folders.clear()
            continue
        seen.add(real)
        for name in names:
            path = Path(folder, name)
            if path.is_file():
                found[path.relative_to(top).as_posix()] = _stat(path.stat())
    return dict(sorted(found.items()))


def glob(pattern: str) -> dict[str, Stat]:
    """The files whose URLs match a pattern of ``*``, ``?``, ``[…]`` and ``**`` (any folders), sorted by URL.

    A wildcard does not match a name's first full stop, as in a shell. Raises as ``find`` does.
    """
    if is_local(pattern):
        # Path.glob's wildcards match hidden names.
        paths = map(Path, on_disk.glob(str(local_path(pattern)), recursive=True))  # noqa: PTH207
        return {str(path): _stat(path.stat()) for path in sorted(paths) if path.is_file()}
    folder, relative = split_glob(pattern)
    matches = re.compile(_as_regex(relative)).fullmatch
    return {f"{join(folder)}/{name}": found for name, found in find(folder).items() if matches(name)}


def is_glob(url: str) -> bool:
    return bool(_WILDCARD.search(url))


def split_glob(pattern: str) -> tuple[str, str]:
    """The folder that a pattern's matches lie below, and the rest of the pattern."""
    wildcard = _WILDCARD.search(pattern)
    folder, _, _ = pattern[: wildcard.start() if wildcard else None].rpartition("/")
    if is_local(pattern):
        folder = folder or ("/" if pattern.startswith("/") else ".")
    return folder, pattern[len(folder) :].lstrip("/") if folder != "." else pattern


def _as_regex(pattern: str) -> str:
    *folders, name = pattern.split("/")
    any_folders = r"(?:(?!\.)[^/]+/)*"
    parts = [any_folders if folder == "**" else f"{_name_regex(folder)}/" for folder in folders]
    return "".join([*parts, f"{any_folders}[^/]+" if name == "**" else _name_regex(name)])


def _name_regex(pattern: str) -> str:
    """The names that one part of a pattern matches: ``*`` any characters, ``?`` one, ``[…]`` one of a set."""
    regex = "" if pattern.startswith(".") else r"(?!\.)"
    end = 0
    for wildcard in _IN_A_NAME.finditer(pattern):
        regex += re.escape(pattern[end : wildcard.start()])
        end = wildcard.end()
        if chosen := wildcard["set"]:
            negated = chosen.startswith("!")
            members = re.sub(r"([\\\[\]^&~|])", r"\\\1", chosen[negated:])
            regex += f"(?!/)[{'^' if negated else ''}{members}]"
        else:
            regex += "[^/]" if wildcard[0] == "?" else "[^/]*"
    return regex + re.escape(pattern[end:])


def _stat(status: stat_result) -> Stat:
    return Stat(status.st_size, f"{status.st_ino}-{status.st_size}-{status.st_mtime_ns}")


def _fail(error: OSError) -> None:
    raise error
