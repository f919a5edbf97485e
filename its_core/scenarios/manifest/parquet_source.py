"""Where a manifest's rows come from: Parquet in a file, a folder or a glob, local or on S3, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from its_core import storage
from its_core.scenarios.manifest.columns import check_schema
from its_core.scenarios.manifest.suggestions import short
from its_core.scenarios.scenario import ManifestError
from its_core.storage import Changed, NotThere, Stat, UnusableUrl, input_cache, shown

# A batch of rows with long prompts is made smaller, so that memory stays bounded whatever the rows hold.
BATCH_BYTES = 64 * 2**20
# Of one column, and of all columns, in one row group, as its metadata tells before anything is decoded.
MAX_CHUNK_VALUES = 20_000_000
MAX_GROUP_VALUES = 100_000_000
MAX_GROUP_BYTES = 2**29
_FETCHES = 4  # at a time, each in several ranges
_NO_SUCH = "no such manifest; name a Parquet file, a folder of them or a glob"
_NO_PARQUET = "no Parquet file there"


@dataclass(frozen=True, slots=True)
class Rows:
    """Consecutive rows of one file: what messages call it, the first one's number over all files, and the names of the
    unknown columns."""

    where: str
    first_row: int
    table: pa.RecordBatch
    extra: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class File:
    """A file of a manifest: what it is called, and where its content lies on this machine."""

    url: str
    path: Path


def rows(manifest_url: str, batch_rows: int) -> Iterator[Rows]:
    """All rows, at most ``batch_rows`` at a time. Text comes dictionary-encoded: a prompt used in each of a million
    rows is held once a batch.

    Raises:
        ManifestError: nothing is there, it is not Parquet, a column is missing or has a wrong type, or no row is in it.
        StorageError: S3 does not give it.
    """
    first_row = 0
    with files(manifest_url) as found:
        for each in found:
            where = short(shown(each.url), 300)
            try:
                with each.path.open("rb") as file:
                    for extra, table in _batches(file, where, batch_rows):
                        yield Rows(where, first_row, table, extra)
                        first_row += table.num_rows
            except ManifestError:
                raise
            except (pa.ArrowException, OSError, ValueError, LookupError) as error:  # a damaged file raises any of them
                raise ManifestError(f"{where}: cannot be read as Parquet ({told(error)})") from error
    if first_row == 0:
        raise ManifestError(f"{short(shown(manifest_url), 300)}: the manifest has no rows")


@contextmanager
def files(manifest_url: str) -> Iterator[list[File]]:
    """The Parquet files that ``manifest_url`` names, sorted by name. Those on S3 are fetched, all as they were at one
    moment, and stay as they are until the block ends.

    A folder stands for every ``*.parquet`` below it, but for names that begin with ``_`` or ``.``.

    Raises:
        ManifestError: there is none.
        StorageError: S3 does not give them, or they were changed while they were fetched.
    """
    where = short(shown(manifest_url), 300)
    with input_cache.of_this_machine() as cache:
        named = _named(manifest_url, where)
        with ThreadPoolExecutor(_FETCHES) as pool:
            paths = list(pool.map(cache.fetch, named))
        if _named(manifest_url, where) != named:
            raise Changed(f"{where}: was changed while it was being fetched: run again")
        yield [File(url, path) for url, path in zip(named, paths, strict=True)]


def base_folder(manifest_url: str) -> str:
    """What relative paths in a manifest count from where no definition says it: the manifest, if it is a folder, else
    the folder that it lies in, for a glob the one before the first wildcard."""
    if storage.is_folder(manifest_url):
        return manifest_url
    if storage.is_glob(manifest_url) and not storage.exists(manifest_url):
        return storage.split_glob(manifest_url)[0]
    return storage.split(manifest_url)[0]


def _named(url: str, where: str) -> dict[str, Stat]:
    """The URLs of the manifest's files."""
    try:
        with suppress(NotThere):
            return {url: storage.stat(url)}
        if storage.is_glob(url):
            return storage.glob(url) or _none(f"{where}: {_NO_PARQUET}")
        found = storage.find(url)
    except (NotThere, UnusableUrl) as error:
        raise ManifestError(str(error)) from None
    parts = {storage.join(url, name): each for name, each in found.items() if _is_part(name)}
    return parts or _none(f"{where}: {_NO_PARQUET if found or storage.exists(url) else _NO_SUCH}")


def _none(message: str) -> dict[str, Stat]:
    raise ManifestError(message)


def _is_part(relative: str) -> bool:
    return relative.endswith(".parquet") and not any(part.startswith(("_", ".")) for part in relative.split("/"))


def _batches(file: Any, where: str, batch_rows: int) -> Iterator[tuple[tuple[str, ...], pa.RecordBatch]]:
    plain = pq.ParquetFile(file)
    extra = check_schema(plain.schema_arrow, where)
    metadata = plain.metadata
    _refuse_bombs(metadata, where)
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    row_bytes = max((group.total_byte_size // max(group.num_rows, 1) for group in groups), default=0)
    size = max(1, min(batch_rows, BATCH_BYTES // max(row_bytes, 1)))
    # In lists and structs too: a text of a megabyte may be named a million times in a few bytes.
    encoded = [column.path for column in plain.schema if column.physical_type == "BYTE_ARRAY" and _is_plain(column)]
    parquet = pq.ParquetFile(file, metadata=metadata, read_dictionary=encoded, pre_buffer=False)
    # Each group by itself: texts in lists and structs cannot be read dictionary-encoded across the border of two.
    for group in range(len(groups)):
        for table in parquet.iter_batches(size, row_groups=[group], use_threads=False):
            yield extra, table


def _is_plain(column: Any) -> bool:
    return column.logical_type.type in {"NONE", "STRING"}


def _refuse_bombs(metadata: pq.FileMetaData, where: str) -> None:
    """Refuses what would be decoded to many times the size of the file, by what its metadata tells. Raises
    ManifestError."""
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        chunks = [group.column(index) for index in range(group.num_columns)]
        largest = max(chunks, key=lambda chunk: chunk.num_values, default=None)
        name = short(largest.path_in_schema) if largest else ""
        for who, size, most, what in (
            (f"column {name!r} holds", largest.num_values if largest else 0, MAX_CHUNK_VALUES, "values"),
            ("its columns hold", sum(chunk.num_values for chunk in chunks), MAX_GROUP_VALUES, "values"),
            ("its columns hold", sum(chunk.total_uncompressed_size for chunk in chunks), MAX_GROUP_BYTES, "bytes"),
        ):
            if size > most:
                raise ManifestError(
                    f"{where}: {who} {size:,} {what} in {group.num_rows:,} rows; at most {most:,} are read at a time: "
                    "write smaller row groups, or less in a row"
                )


def told(error: Exception) -> str:
    """What Parquet's library says of a file, in a line."""
    return short(f"{type(error).__name__}: {error}".strip().splitlines()[0], 200)
