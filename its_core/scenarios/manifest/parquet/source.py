"""A manifest's files, fetched and opened, and their rows batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from its_core.scenarios.manifest.parquet import reader
from its_core.scenarios.manifest.parquet.listing import list_files, where
from its_core.scenarios.manifest.parquet.reader import ParquetReader, UnreadableFile
from its_core.scenarios.manifest.schema import Layout, layout_of
from its_core.scenarios.scenario import ManifestError
from its_core.storage import Changed, input_cache

_FETCHES = 4  # at a time, each in several ranges


@dataclass(frozen=True, slots=True)
class File:
    """A file of a manifest: what it is called, where its content lies on this machine, and the columns that its folders
    say."""

    url: str
    path: Path
    partitions: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Rows:
    """Consecutive rows of one file: what messages call it, the first one's number over all files, and what its columns
    are for."""

    where: str
    first_row: int
    table: pa.RecordBatch
    layout: Layout


@contextmanager
def files(manifest_url: str) -> Iterator[list[File]]:
    """The Parquet files that ``manifest_url`` names, in the order in which they are read. Those on S3 are fetched, all
    as they were at one moment, and stay as they are until the block ends.

    Raises:
        ManifestError: there is none.
        StorageError: S3 does not give them, or they were changed while they were fetched.
    """
    with input_cache.of_this_machine() as cache:
        listed = list_files(manifest_url).files
        with ThreadPoolExecutor(_FETCHES) as pool:
            paths = list(pool.map(cache.fetch, listed))
        if list_files(manifest_url).files != listed:
            raise Changed(f"{where(manifest_url)}: was changed while it was being fetched: run again")
        yield [File(url, path, listed[url].partitions) for url, path in zip(listed, paths, strict=True)]


def rows(found: Sequence[File], batch_rows: int) -> Iterator[Rows]:
    """All rows, at most ``batch_rows`` at a time.

    Raises:
        ManifestError: a file cannot be read, a column is missing or has a wrong type.
    """
    first_row = 0
    with ParquetReader() as parquet:
        for file in found:
            name = where(file.url)
            try:
                for batch in parquet.batches(file.path, batch_rows, reader.LIMITS):
                    table, layout = layout_of(batch, file.partitions, name)
                    yield Rows(name, first_row, table, layout)
                    first_row += batch.num_rows
            except UnreadableFile as error:
                raise ManifestError(f"{name}: {error}", code="manifest.unreadable") from None
