"""Where a manifest's rows come from: Parquet in a file, a folder or a glob, local or on S3, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from its_core import storage
from its_core.scenarios.columns import check_schema, is_text
from its_core.scenarios.scenario import ManifestError
from its_core.scenarios.vocabulary import short

# A batch of rows with long prompts is made smaller, so that memory stays bounded whatever the rows hold.
BATCH_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Rows:
    """Consecutive rows of one file: the first one's number over all files, and the names of the unknown columns."""

    first_row: int
    table: pa.RecordBatch
    extra: tuple[str, ...]


def rows(manifest_url: str, batch_rows: int) -> Iterator[Rows]:
    """All rows, at most ``batch_rows`` at a time. Text comes dictionary-encoded: a prompt used in each of a million
    rows is held once a batch.

    Raises:
        ManifestError: nothing is there, it is not Parquet, a column is missing or has a wrong type, or no row is in it.
    """
    filesystem, paths = find_files(manifest_url)
    first_row = 0
    for path in paths:
        where = short(filesystem.unstrip_protocol(path).removeprefix("file://"), 300)
        try:
            with filesystem.open(path, "rb") as file:
                for extra, table in _batches(file, where, batch_rows):
                    yield Rows(first_row, table, extra)
                    first_row += table.num_rows
        except (pa.ArrowException, OSError) as error:
            raise ManifestError(f"{where}: cannot be read as Parquet ({_told(error)})") from error
    if first_row == 0:
        raise ManifestError(f"{short(manifest_url, 300)}: the manifest has no rows")


def find_files(manifest_url: str) -> tuple[Any, list[str]]:
    """The file system of ``manifest_url`` and the Parquet files that it names there, sorted by name.

    A folder stands for every ``*.parquet`` below it, but for names that begin with ``_`` or ``.``.
    """
    where = short(manifest_url, 300)
    try:
        filesystem, path = _place(manifest_url)
        if filesystem.isfile(path):
            return filesystem, [path]
        if filesystem.isdir(path):
            found = [name for name in filesystem.find(path) if _is_part(name.removeprefix(path).strip("/"))]
        elif any(c in path for c in "*?["):
            found = [name for name, info in filesystem.glob(path, detail=True).items() if info["type"] == "file"]
        else:
            raise ManifestError(f"{where}: no such manifest; name a Parquet file, a folder of them or a glob")
    except ManifestError:
        raise
    except Exception as error:  # each file system and each S3 server has errors of its own
        raise ManifestError(f"{where}: cannot be reached ({_told(error)})") from error
    if not found:
        raise ManifestError(f"{where}: no Parquet file there")
    return filesystem, sorted(found)


def _place(url: str) -> tuple[Any, str]:
    if storage.is_local(url):
        return fsspec.filesystem("file"), str(storage.local_path(url).absolute())
    if not url.startswith("s3://"):
        raise ManifestError(f"{short(url, 300)}: neither a local path nor an s3:// URL")
    # Directory listings are not cached: another machine may be writing.
    return fsspec.filesystem("s3", use_listings_cache=False), url.removeprefix("s3://").rstrip("/")


def _is_part(relative: str) -> bool:
    return relative.endswith(".parquet") and not any(part.startswith(("_", ".")) for part in relative.split("/"))


def _batches(file: Any, where: str, batch_rows: int) -> Iterator[tuple[tuple[str, ...], pa.RecordBatch]]:
    plain = pq.ParquetFile(file)
    extra = check_schema(plain.schema_arrow, where)
    encoded = [f.name for f in plain.schema_arrow if is_text(f.type) and not pa.types.is_null(f.type)]
    metadata = plain.metadata
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    row_bytes = max((group.total_byte_size // max(group.num_rows, 1) for group in groups), default=0)
    size = max(1, min(batch_rows, BATCH_BYTES // max(row_bytes, 1)))
    parquet = pq.ParquetFile(file, metadata=metadata, read_dictionary=encoded, pre_buffer=False)
    for table in parquet.iter_batches(batch_size=size, use_threads=False):
        yield extra, table


def _told(error: Exception) -> str:
    return short(f"{type(error).__name__}: {error}".strip().splitlines()[0], 200)
