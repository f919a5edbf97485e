"""Conditioning images and videos that a manifest names: only from allowed folders, small enough, and whole."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from its_core import storage
from its_core.inputs import UnusableInput, check_picture, check_video, kind_of
from its_core.storage import Denied, NotAuthenticated, NotThere, StorageError, UnusableUrl, input_cache
from its_core.text import short

MAX_BYTES = 50 * 2**20
_MAX_KEY_BYTES = 1024  # S3's own limit
_FETCHES = 8  # at a time, local or remote
_decoding = threading.BoundedSemaphore(2)  # a 64-megapixel image takes 256 MB decoded


@dataclass(frozen=True, slots=True)
class Input:
    """An input that can be used: a local file and what is in it."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why an input cannot be used. ``reason`` names no folder of this machine, because it is published."""

    code: str
    reason: str


class InputChecker:
    """Checks each distinct input once.

    Args:
        base_folder: what relative paths start from: a local folder or an s3:// prefix.
        allowed: local folders and s3:// prefixes that inputs may be read from, links followed.
        folder: where remote inputs are kept for as long as their clips need them: links into this machine's cache
            where the disk allows, so that the cache may forget them.
    """

    def __init__(self, base_folder: str, allowed: Sequence[str], folder: Path) -> None:
        self._base = base_folder
        self._allowed = allowed
        self._folder = folder
        self._checked: dict[str, Input | Unusable] = {}

    def check(self, given: Iterable[str]) -> dict[str, Input | Unusable]:
        """For each text of a manifest, the input that it names or why it cannot be used.

        Raises:
            StorageError: nothing can be said about a row, because the server does not answer, the credentials open
                nothing or the disk is full.
        """
        distinct = set(given)
        new = sorted(distinct - self._checked.keys())
        if new:
            with ThreadPoolExecutor(_FETCHES) as pool:
                self._checked.update(zip(new, pool.map(self._check, new), strict=True))
        return {each: self._checked[each] for each in distinct}

    def _check(self, given: str) -> Input | Unusable:
        try:
            path = self._found(given)
            _check_content(path, given)
            return Input(str(path), storage.sha256_file(path))
        except UnusableInput as error:
            return Unusable(error.code, str(error))
        except NotAuthenticated:
            raise
        except Denied:
            return Unusable("input.denied", "may not be read with these credentials")
        except UnusableUrl:
            return Unusable("input.outside", "is neither a local path nor an s3:// URL")
        except StorageError:
            raise
        except (OSError, RuntimeError, ValueError) as error:  # no permission, a loop of links, a name too long
            return Unusable("input.unreadable", f"cannot be read ({type(error).__name__})")

    def _found(self, given: str) -> Path:
        """The input's local file. A name in another Unicode form (NFC, NFD) than the file's is the same name."""
        missing: UnusableInput | None = None
        for url in self._candidates(given):
            self._refuse_outside(url, given)
            kind_of(given.rstrip())
            try:
                storage.stat(url)
            except NotThere as error:
                missing = missing or _missing(error, given)
                continue
            with input_cache.of_this_machine() as cache:
                return cache.fetch_into(url, self._folder, _refuse_bytes).resolve()
        raise missing or UnusableInput("does not exist", code="input.missing")

    def _candidates(self, given: str) -> Iterator[str]:
        names = [given, *(unicodedata.normalize(form, given) for form in ("NFC", "NFD"))]
        for name in dict.fromkeys(names):
            yield name if storage.is_absolute(name) else storage.join(self._base, name)
        if not given.isascii() and not storage.is_absolute(given) and storage.scheme(self._base) == "file":
            yield from _same_name(self._base, given)

    def _refuse_outside(self, url: str, given: str) -> None:
        parts = url.partition("://")[2].split("/")
        if storage.scheme(url) != "file" and ("" in parts or len("/".join(parts[1:]).encode()) > _MAX_KEY_BYTES):
            rule = f"one has no empty part between slashes, and at most {_MAX_KEY_BYTES} bytes"
            raise UnusableInput(f"is no object's name: {rule}", code="input.outside")
        if any(storage.contains(folder, url) for folder in self._allowed):
            return
        leads = _link(url, given)
        where = f"leads to {leads}, which is" if leads else "is"
        raise UnusableInput(
            f"{where} in none of the allowed inputs: move it, or add its folder to allowed_inputs", code="input.outside"
        )


def _missing(error: NotThere, given: str) -> UnusableInput:
    if error.code == "storage.not_a_file":
        return UnusableInput("is not a regular file", code="input.missing")
    blanks = f" (its name is {given!r}, with blanks at its end)" if given != given.strip() else ""
    return UnusableInput(f"does not exist{blanks}", code="input.missing")


def _same_name(base: str, given: str) -> Iterator[str]:
    """The URL below ``base`` whose parts are the given ones in any Unicode form, if there is one."""
    url = base
    for part in given.split("/"):
        wanted = unicodedata.normalize("NFC", part)
        found = [name for name in storage.list_folder(url) if unicodedata.normalize("NFC", name) == wanted]
        if not found:
            return
        url = storage.join(url, found[0])
    yield url


def _link(url: str, given: str) -> str | None:
    """Where a link among the given path's own parts leads: its last folders only, because the rest is this machine's
    business. None where there is no link."""
    if storage.scheme(url) != "file" or storage.is_absolute(given):
        return None
    path = storage.local_path(url)
    for link in (path, *list(path.parents)[: len(Path(given).parts) - 1]):
        if link.is_symlink():
            return f"…/{short(link.resolve().name)}"
    return None


def forget_inputs(folder: Path, needed: Iterable[str]) -> None:
    """Removes the remote inputs that ``folder`` holds and no clip needs any more; ``needed`` are paths."""
    if folder.is_dir() and (names := {each.name for each in folder.iterdir()}):
        names -= {Path(path).name for path in needed}
        for name in names:
            storage.remove_tree(str(folder / name))


def _refuse_bytes(size_bytes: int) -> None:
    if size_bytes > MAX_BYTES:
        largest = f"at most {MAX_BYTES // 2**20} are read"
        raise UnusableInput(f"has {size_bytes / 2**20:.1f} MiB; {largest}", code="input.size")
    if size_bytes == 0:
        raise UnusableInput("is empty", code="input.empty")


def _check_content(path: Path, given: str) -> None:
    _refuse_bytes(path.stat().st_size)
    with _decoding:
        (check_picture if kind_of(given.rstrip()) == "image" else check_video)(path)
