"""Remote inputs (manifests, frames, checkpoints) on this machine's disk: each fetched once, under a limit of bytes.

The folder holds::

    objects/<name>    whole files, and hidden folders with files being fetched; the name is a hash of server and URL and
                      one of the ETag, the modification time that of the last use
    views/<id>/       folders of links, laid out as on the server, of the session of that id
    sessions/<id>     the names that a living process uses, with their sizes; the process holds a lock on the file,
                      which the kernel releases when it ends
    fetching/<nn>     locks: the holder of a name's lock fetches it, the others wait
    ledger            lock of all of the above; in it the bytes that objects take, those being fetched included
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import re
import shutil
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from its_core.storage.atomic import link_or_copy, room_for
from its_core.storage.errors import DiskFull, StorageError, Unreachable, shown
from its_core.storage.s3 import objects
from its_core.storage.transfers import download
from its_core.storage.urls import is_local, join, local_path

FOLDER_ENV = "ITS_CACHE"
LIMIT_ENV = "ITS_CACHE_BYTES"
# Removing more than is needed just now keeps every later fetch from counting anew.
_REMOVE_DOWN_TO = 0.9
_TAKES_TIME_BYTES = 100_000_000
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,12}$")
_log = logging.getLogger(__name__)


class CacheFull(StorageError):
    """The limit leaves no room beside what is in use."""

    default_code = "storage.cache_full"


class InputCache:
    """Any number of processes and threads may share one folder.

    What one of them has fetched stays until its InputCache is closed or its process ends. The rest is removed, the
    longest unused first, when the limit or the disk leaves no room. A local URL stands for its own path: nothing is
    written for it, and the folder is made only when the first remote input is fetched.

    Args:
        folder: on a local disk.
        max_bytes: the limit of all objects together; None stands for half of the disk. Processes that share a folder
            should agree about it.
    """

    def __init__(self, folder: Path, max_bytes: int | None) -> None:
        self._folder = folder
        self._objects = folder / "objects"
        self._sessions = folder / "sessions"
        self._views = folder / "views"
        self._limit_bytes = max_bytes
        self._used: dict[str, int] = {}
        self._session: TextIO | None = None
        self._starting = threading.Lock()

    def close(self) -> None:
        """From now on everything that was fetched may be removed."""
        with self._starting:
            if self._session is None:
                return
            with suppress(FileNotFoundError), self._ledger():  # somebody may have removed the whole cache
                self._forget(Path(self._session.name))
            self._session.close()
            self._session = None

    def __enter__(self) -> InputCache:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fetch(self, url: str, refuse_bytes: Callable[[int], None] = lambda _: None) -> Path:
        """A local path with the content that ``url`` has now; for a local URL its own path.

        The server is asked for the ETag every time, and a changed object is fetched anew. When it does not answer
        there is no path, even if a copy is kept, because that may be out of date.

        Args:
            refuse_bytes: called with the size of a remote object before it is fetched; what it raises comes through.

        Raises:
            NotThere, Denied, ExpiredCredentials: as the server says.
            Unreachable: the server does not answer.
            Changed, Damaged: what arrived is not one whole object.
            CacheFull: the limit leaves no room beside what is in use.
            DiskFull: the disk has none, not even without what nobody uses. Nothing half stays behind.
            StorageError: the folder cannot be written.
        """
        if is_local(url):
            return local_path(url)
        self._start()
        found, name = self._ask(url)
        refuse_bytes(found.size_bytes)
        try:
            return self._fetch(url, found, name)
        except DiskFull:
            # Others than this cache may have filled the disk, long before the limit.
            if not self._free(found.size_bytes):
                raise
        return self._fetch(url, found, name)

    def fetch_into(self, url: str, folder: Path, refuse_bytes: Callable[[int], None] = lambda _: None) -> Path:
        """As ``fetch``, but a remote object also gets a name in ``folder`` (a link where the disk allows one), so that
        it stays there when this cache forgets it."""
        fetched = self.fetch(url, refuse_bytes)
        if is_local(url):
            return fetched
        path = folder / fetched.name
        if not path.exists():
            with room_for(url, folder):
                link_or_copy(fetched, path)
        return path

    def fetch_below(self, root: str, part: str) -> Path:
        """Fetches the object or the folder ``part`` below the URL ``root``, to a local folder that stands for ``root``:
        it has all parts that were fetched from there under their own paths, until this InputCache is closed.

        A local root is its own folder, and nothing is looked at. Raises NotThere when there is no such part, otherwise
        as ``fetch`` does.
        """
        if is_local(root):
            return local_path(root)
        folder = self._views / Path(self._start().name).name / _hash(root)
        part = part.strip("/")
        names = [f"{part}/{name}" for name in objects.find(join(root, part)) if not name.endswith("/")]
        for name in names or [part]:
            url = f"{join(root)}/{name}"
            if not {"", ".", ".."}.isdisjoint(name.split("/")):
                raise StorageError(f"{shown(url)}: no file on a disk can have this name")
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            fetched = self.fetch(url)
            path.unlink(missing_ok=True)
            path.symlink_to(fetched.resolve())
        return folder

    def _start(self) -> TextIO:
        """This process's session, begun with the first remote input."""
        with self._starting:
            if self._session is None:
                try:
                    for each in (self._objects, self._sessions, self._folder / "fetching"):
                        each.mkdir(parents=True, exist_ok=True)
                    with self._ledger():
                        session = (self._sessions / uuid.uuid4().hex).open("w")
                        fcntl.flock(session, fcntl.LOCK_EX)
                except OSError as error:
                    raise StorageError(
                        f"{self._folder}: inputs from S3 cannot be kept there ({error.strerror}): "
                        f"name another folder in {FOLDER_ENV}",
                        code="storage.cache",
                    ) from None
                self._session = session
            return self._session

    @property
    def _max_bytes(self) -> int:
        if self._limit_bytes is None:
            self._limit_bytes = shutil.disk_usage(self._folder).total // 2
        return self._limit_bytes

    def _fetch(self, url: str, found: objects.Object, name: str) -> Path:
        with room_for(url, self._folder):
            if path := self._kept(name, found.size_bytes):
                return path
            with self._fetching(name, url):
                # Another may have fetched it while this one waited.
                return self._kept(name, found.size_bytes) or self._download(url, found, name)

    def _ask(self, url: str) -> tuple[objects.Object, str]:
        place = _hash(f"{objects.endpoint(url)} {url}")
        unreachable = None
        try:
            found = objects.head(url)
        except Unreachable as error:
            unreachable = error
        if unreachable:
            kept = any(self._objects.glob(f"{place}-*"))
            raise Unreachable(f"{unreachable}{'; the copy kept here may be out of date' if kept else ''}")
        if not found.etag:
            raise StorageError(f"{shown(url)}: the server gives no ETag, without which an input cannot be kept")
        suffix = _SUFFIX.search(url)
        return found, f"{place}-{_hash(found.etag)}{suffix[0].lower() if suffix else ''}"

    def _kept(self, name: str, size_bytes: int) -> Path | None:
        path = self._objects / name
        with self._ledger():
            if not path.exists():
                return None
            os.utime(path)
            self._use(name, size_bytes)
            return path

    def _download(self, url: str, found: objects.Object, name: str) -> Path:
        path = self._objects / name
        with self._ledger() as ledger:
            for left in self._objects.glob(f".{name}.*"):  # by a process that was killed
                _remove(left)
            taken_bytes = self._make_room(url, found.size_bytes, ledger.read())
            _write(ledger, str(taken_bytes + found.size_bytes))
            self._use(name, found.size_bytes)
        if found.size_bytes >= _TAKES_TIME_BYTES:
            _log.info("%s: fetching %.1f GB", shown(url), found.size_bytes / 1e9)
        try:
            download(url, path, found)
        except BaseException:
            # The ledger keeps counting it, until a fetch that does not seem to fit counts anew.
            with self._ledger():
                del self._used[name]
                _write(self._start(), "".join(_line(*entry) for entry in self._used.items()))
            raise
        return path

    def _use(self, name: str, size_bytes: int) -> None:
        if name not in self._used:
            session = self._start()
            session.write(_line(name, size_bytes))
            session.flush()
            self._used[name] = size_bytes

    def _make_room(self, url: str, size_bytes: int, counted: str) -> int:
        """The bytes that objects take once ``size_bytes`` more fit; ``counted`` is the ledger's text."""
        if counted.isdecimal() and int(counted) + size_bytes <= self._max_bytes:
            return int(counted)
        in_use = self._in_use()
        in_use_bytes = sum(in_use.values())
        if in_use_bytes + size_bytes > self._max_bytes:
            raise CacheFull(
                f"{shown(url)}: its {size_bytes} bytes do not fit beside {in_use_bytes} bytes in use under the limit "
                f"of {self._max_bytes} bytes for {self._folder}: raise the limit"
            )
        unused = self._unused(in_use)
        taken_bytes = in_use_bytes + sum(size for _, size, _ in unused)
        enough = taken_bytes + size_bytes <= self._max_bytes
        for _, size, path in [] if enough else unused:
            if taken_bytes + size_bytes <= _REMOVE_DOWN_TO * self._max_bytes:
                break
            _remove(path)
            taken_bytes -= size
        return taken_bytes

    def _free(self, size_bytes: int) -> bool:
        """Removes what nobody uses, the longest unused first, to make room for ``size_bytes`` on the disk and in its
        quota. Whether anything was removed."""
        removed_bytes = 0
        with self._ledger() as ledger:
            ledger.truncate(0)  # the next fetch counts anew
            for _, size, path in self._unused(self._in_use()):
                if removed_bytes >= size_bytes and shutil.disk_usage(self._folder).free >= size_bytes:
                    break
                _remove(path)
                removed_bytes += size
        return removed_bytes > 0

    def _unused(self, in_use: Mapping[str, int]) -> list[tuple[float, int, Path]]:
        """Time of last use, size and path of all objects that no living process uses, the longest unused first."""
        unused = []
        for path in self._objects.iterdir():
            hidden = path.name.startswith(".")
            name = path.name[1:].rsplit(".", 2)[0] if hidden else path.name
            if name not in in_use:
                unused.append((0.0 if hidden else path.stat().st_mtime, _size_bytes(path), path))
        return sorted(unused)

    def _in_use(self) -> dict[str, int]:
        """Names and sizes of all that living processes use or fetch. Forgets the dead ones."""
        names: dict[str, int] = {}
        for path in self._sessions.iterdir():
            # An older release removes its session without the ledger, between the listing and here.
            with suppress(FileNotFoundError), path.open() as session:
                try:
                    fcntl.flock(session, fcntl.LOCK_SH | fcntl.LOCK_NB)
                    self._forget(path)
                except BlockingIOError:
                    names.update((name, int(size)) for name, size in (line.split() for line in session))
        return names

    def _forget(self, session: Path) -> None:
        shutil.rmtree(self._views / session.name, ignore_errors=True)
        session.unlink(missing_ok=True)

    @contextmanager
    def _ledger(self) -> Iterator[TextIO]:
        with (self._folder / "ledger").open("a+") as ledger:
            fcntl.flock(ledger, fcntl.LOCK_EX)
            ledger.seek(0)
            yield ledger

    @contextmanager
    def _fetching(self, name: str, url: str) -> Iterator[None]:
        # 256 locks for all names: two that share a lock wait for each other, which does no harm.
        with (self._folder / "fetching" / name[:2]).open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                _log.info("%s: another process is fetching it; waiting", shown(url))
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def cache_folder() -> Path:
    """``ITS_CACHE``, else ``its-accident-factory`` under ``XDG_CACHE_HOME`` or ``~/.cache``. Raises RuntimeError where
    this user has no home."""
    if named := os.environ.get(FOLDER_ENV):
        return Path(named).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "its-accident-factory"


def of_this_machine() -> InputCache:
    """A session in the cache that all builds of this user share.

    It lies in ``cache_folder`` and takes at most ``ITS_CACHE_BYTES``, else half of its disk. Raises StorageError for a
    limit that is no number.
    """
    folder = cache_folder()
    limit = os.environ.get(LIMIT_ENV)
    if limit and not limit.isdecimal():
        bad_limit = f"{LIMIT_ENV}: {limit!r} is not a number of bytes, such as 200000000000"
        raise StorageError(bad_limit, code="storage.cache")
    return InputCache(folder, int(limit) if limit else None)


def _size_bytes(path: Path) -> int:
    return path.stat().st_size if path.is_file() else sum(each.stat().st_size for each in path.iterdir())


def _remove(path: Path) -> None:
    if path.is_dir():  # what a killed process had begun to fetch
        shutil.rmtree(path)
    else:
        path.unlink()


def _line(name: str, size_bytes: int) -> str:
    return f"{name} {size_bytes}\n"


def _write(file: TextIO, text: str) -> None:
    file.seek(0)
    file.truncate()
    file.write(text)
    file.flush()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
