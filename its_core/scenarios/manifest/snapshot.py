"""A manifest that must stay as it is while it is read: which files it has, and what is in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from its_core import storage
from its_core.scenarios.manifest import parquet
from its_core.scenarios.manifest.parquet.listing import where
from its_core.scenarios.scenario import ManifestError
from its_core.text import short


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """A file of a manifest; ``url`` is a path where the file is local."""

    url: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A manifest's files as they were when the snapshot was taken.

    Attributes:
        opened: for ``manifest.read``.
        not_read: files beside them, as paths from the manifest's folder.
    """

    url: str
    files: tuple[ManifestFile, ...]
    opened: Sequence[parquet.File]
    not_read: tuple[str, ...]


@contextmanager
def snapshot(manifest_url: str) -> Iterator[Snapshot]:
    """Holds a manifest's files, with their digests, for a block that reads them.

    Raises:
        ManifestError: there is none, or it changed while the block ran, whatever the block made of that.
    """
    with parquet.files(manifest_url) as opened:
        not_read = parquet.list_files(manifest_url).not_read
        taken = Snapshot(manifest_url, _digests(manifest_url, opened), opened, not_read)
        try:
            yield taken
        except ManifestError:
            _refuse_change(taken)
            raise
        _refuse_change(taken)


def _digests(manifest_url: str, opened: Sequence[parquet.File]) -> tuple[ManifestFile, ...]:
    try:
        return tuple(
            ManifestFile(file.url, storage.sha256_file(file.path), file.path.stat().st_size) for file in opened
        )
    except OSError as error:
        failed = f"{where(manifest_url)}: cannot be read ({type(error).__name__})"
        raise ManifestError(failed, code="manifest.unreadable") from error


def _refuse_change(before: Snapshot) -> None:
    with parquet.files(before.url) as opened:
        after = _digests(before.url, opened)
    if changed := sorted({file.url for file in {*before.files} ^ {*after}}):
        raise ManifestError(
            f"{short(changed[0], 300)}: was changed while it was read; build again once it is written, "
            "and write a manifest aside and rename it, so that nobody reads a part of it",
            code="manifest.changed",
        )
