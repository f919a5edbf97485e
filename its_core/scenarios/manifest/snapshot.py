"""A manifest that must stay as it is while it is read: which files it has, and what is in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from its_core import storage
from its_core.scenarios.manifest import parquet_source
from its_core.scenarios.manifest.suggestions import short
from its_core.scenarios.scenario import ManifestError
from its_core.storage.errors import shown


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """A file of a manifest; ``url`` is a path where the file is local."""

    url: str
    sha256: str
    size_bytes: int


def files_of(manifest_url: str) -> tuple[ManifestFile, ...]:
    """Each file of the manifest with its digest, sorted by name. Raises ManifestError when there is none."""
    with parquet_source.files(manifest_url) as files:
        try:
            return tuple(
                ManifestFile(file.url, storage.sha256_file(file.path), file.path.stat().st_size) for file in files
            )
        except OSError as error:
            where = short(shown(manifest_url), 300)
            raise ManifestError(f"{where}: cannot be read ({type(error).__name__})") from error


@contextmanager
def unchanged(manifest_url: str) -> Iterator[tuple[ManifestFile, ...]]:
    """Yields the manifest's files for a block that reads them.

    Raises:
        ManifestError: it is not there, or it changed while the block ran, whatever the block made of that.
    """
    files = files_of(manifest_url)
    try:
        yield files
    except ManifestError:
        _refuse_change(manifest_url, files)
        raise
    _refuse_change(manifest_url, files)


def _refuse_change(manifest_url: str, before: tuple[ManifestFile, ...]) -> None:
    after = files_of(manifest_url)
    if changed := sorted({file.url for file in {*before} ^ {*after}}):
        raise ManifestError(
            f"{short(changed[0], 300)}: was changed while it was read; build again once it is written, "
            "and write a manifest aside and rename it, so that nobody reads a part of it"
        )
