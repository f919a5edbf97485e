"""Remote inputs (manifests, frames, checkpoints) on this machine's disk: each fetched once, under a limit of bytes.

The folder holds::

    objects/<name>    whole files, and hidden ones being fetched; the name is a hash of server and URL and one of the
                      ETag, the modification time that of the last use
    views/<id>/       folders of links, laid out as on the server, of the session of that id
    sessions/<id>     the names that a living process uses, with their sizes; the process holds a lock on the file, of
                      which the kernel lets go when it ends
    fetching/<nn>     locks: who holds a name's fetches it, the others wait
    ledger            lock of all of the above; in it the bytes that objects take, those being fetched included
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from its_core.storage.atomic import room_for
from its_core.storage.errors import StorageError, Unreachable, shown
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
    longest unused first, when room is needed.

    Args:
        folder: on a local disk.
        max_bytes: the limit of all objects together. Processes that share a folder should agree about it.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._objects = folder / "objects"
        self._sessions = folder / "sessions"
        self._views = folder / "views"
        self._max_bytes = max_bytes
        self._used: dict[str, int] = {}
        for each in (self._objects, self._sessions, folder / "fetching"):
            each.mkdir(parents=True, exist_ok=True)
        with self._ledger():
            self._session = (self._sessions / uuid.uuid4().hex).open("w")
            fcntl.flock(self._session, fcntl.LOCK_EX)

    def close(self) -> None:
        """From now on everything that was fetched may be removed."""
        with suppress(FileNotFoundError), self._ledger():  # somebody may have removed the whole cache
            self._forget(Path(self._session.name))
        self._session.close()

    def __enter__(self) -> InputCache:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fetch(self, url: str, refuse_bytes: Callable[[int], None] = lambda _: None) -> Path:
        """A local path with the content that ``url`` has now; for a local URL its own path.

        The server is asked for the ETag every time, and a changed object is fetched anew. When it does not answer
        there is no path, even if a copy is kept, because that may be out of date.

        Args:
            refuse_bytes: told the size before anything is fetched; what it raises comes through.

        Raises:
            NotThere, Denied, ExpiredCredentials: as the server says.
            Unreachable: the server does not answer.
            Changed, Damaged: what arrived is not one whole object.
            CacheFull: the limit leaves no room beside what is in use.
            DiskFull: the disk has none. Nothing half stays behind.
        """
        if is_local(url):
            return local_path(url)
        found, name = self._ask(url)
        refuse_bytes(found.size_bytes)
        with room_for(url, self._folder):
            if path := self._kept(name, found.size_bytes):
                return path
            with self._fetching(name, url):
                # Another may have fetched it while this one waited.
                return self._kept(name, found.size_bytes) or self._download(url, found, name)

    def fetch_below(self, root: str, part: str) -> Path:
        """Fetches the object or the folder ``part`` below the URL ``root``, to a local folder that stands for ``root``:
        it has all parts that were fetched from there under their own paths, until this InputCache is closed.

        A local root is its own folder, and nothing is looked at. Raises NotThere when there is no such part, otherwise
        as ``fetch`` does.
        """
        if is_local(root):
            return local_path(root)
        url = join(root, part)
        urls = [each for each in objects.find(url) if not each.endswith("/")] or [url]
        folder = self._views / Path(self._session.name).name / _hash(root)
        for each in urls:
            relative = each.removeprefix(join(root, ""))
            if not {"", ".", ".."}.isdisjoint(relative.split("/")):
                raise StorageError(f"{shown(each)}: no file on a disk can have this name")
            path = folder / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            kept = self.fetch(each)
            path.unlink(missing_ok=True)
            path.symlink_to(kept.resolve())
        return folder

    def _ask(self, url: str) -> tuple[objects.Object, str]:
        place = _hash(f"{objects.endpoint(url)} {url}")
        unreachable = None
        try:
            found = objects.look(url)
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
                left.unlink()
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
                _write(self._session, "".join(_line(*entry) for entry in self._used.items()))
            raise
        return path

    def _use(self, name: str, size_bytes: int) -> None:
        if name not in self._used:
            self._session.write(_line(name, size_bytes))
            self._session.flush()
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
        unused = []
        for path in self._objects.iterdir():
            hidden = path.name.startswith(".")
            name = path.name[1:].rsplit(".", 2)[0] if hidden else path.name
            if name not in in_use:
                status = path.stat()
                unused.append((0.0 if hidden else status.st_mtime, status.st_size, path))
        taken_bytes = in_use_bytes + sum(size for _, size, _ in unused)
        enough = taken_bytes + size_bytes <= self._max_bytes
        for _, size, path in [] if enough else sorted(unused):
            if taken_bytes + size_bytes <= _REMOVE_DOWN_TO * self._max_bytes:
                break
            path.unlink()
            taken_bytes -= size
        return taken_bytes

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
        # 256 locks for all names: two that share one wait for each other, which does no harm.
        with (self._folder / "fetching" / name[:2]).open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                _log.info("%s: another process is fetching it; waiting", shown(url))
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def of_this_machine() -> InputCache:
    """A session in the cache that all builds of this user share.

    It lies in ``ITS_CACHE``, else in ``its-accident-factory`` under ``XDG_CACHE_HOME`` or ``~/.cache``, and takes at
    most ``ITS_CACHE_BYTES``, else half of its disk. Raises StorageError for a limit that is no number, or a folder that
    cannot be written.
    """
    named = os.environ.get(FOLDER_ENV)
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(named).expanduser() if named else Path(home) / "its-accident-factory"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        limit = os.environ.get(LIMIT_ENV) or str(shutil.disk_usage(folder).total // 2)
        if limit.isdecimal():
            return InputCache(folder, int(limit))
        told = f"{LIMIT_ENV}: {limit!r} is not a number of bytes, such as 200000000000"
    except OSError as error:
        told = f"{folder}: inputs from S3 cannot be kept there ({error.strerror}): name another folder in {FOLDER_ENV}"
    raise StorageError(told)


def _line(name: str, size_bytes: int) -> str:
    return f"{name} {size_bytes}\n"


def _write(file: TextIO, text: str) -> None:
    file.seek(0)
    file.truncate()
    file.write(text)
    file.flush()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
