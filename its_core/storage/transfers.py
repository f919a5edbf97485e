"""Whole files between this machine and any URL, many at a time, checked on arrival."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from pathlib import Path

from its_core.storage.atomic import copy, link_or_copy, replacing
from its_core.storage.s3 import objects
from its_core.storage.urls import is_local, local_path

_AT_ONCE = 8


def download(url: str, path: Path, found: objects.Object | None = None) -> None:
    """Copies ``url`` to a local path, whole or not at all.

    Args:
        found: what the S3 server said of the object. Anything newer in its place raises Changed.

    Raises:
        DiskFull: it does not fit.
    """
    with replacing(path, url) as part:
        if is_local(url):
            copy(local_path(url), part)
            return
        with part.open("w+b") as file, ThreadPoolExecutor(_AT_ONCE) as pool:
            objects.download(url, found or objects.head(url), file, pool)


def upload(path: Path, url: str) -> None:
    """Copies a local file to ``url``, whole or not at all, and verifies that it arrived."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        _upload(path, url, pool)


def upload_many(
    pairs: Iterable[tuple[Path, str]], at_once: int = _AT_ONCE, on_done: Callable[[str], None] | None = None
) -> int:
    """Copies local files to URLs, ``at_once`` at a time, and verifies that each arrived.

    To S3, what is there already with the same size and checksum is not sent again: after a failure the same call
    continues where it stopped. On a local disk files are linked, or copied where they cannot be.

    Args:
        pairs: each local file and its URL; taken one by one, so that there may be very many.
        at_once: files, and again parts of large files, in transfer; a part is 16 MiB of memory.
        on_done: called with each URL that is there, in the calling thread.

    Returns:
        How many had to be sent.

    Raises:
        StorageError: of the first file that failed. Those in transfer were finished before, no other was begun.
    """
    sent = 0
    running: dict[Future[bool], str] = {}

    def finish(most: int) -> Iterator[bool]:
        while len(running) > most:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                url = running.pop(future)
                yield future.result()
                if on_done:
                    on_done(url)

    with ThreadPoolExecutor(at_once) as parts, ThreadPoolExecutor(at_once) as files:
        try:
            for path, url in pairs:
                running[files.submit(_upload, path, url, parts)] = url
                sent += sum(finish(2 * at_once))
            sent += sum(finish(0))
        except BaseException:
            files.shutdown(cancel_futures=True)
            raise
    return sent


def _upload(path: Path, url: str, pool: Executor) -> bool:
    if not is_local(url):
        return objects.upload(path, url, pool)
    link_or_copy(path, local_path(url))
    return True
