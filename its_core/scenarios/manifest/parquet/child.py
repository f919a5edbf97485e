"""Decodes Parquet files for ``reader.ParquetReader``: a script that runs in a process of its own.

A damaged or malicious file can end the process that decodes it, or fill its memory. This process has a limit of memory,
and nothing else to lose. It imports pyarrow and the standard library alone, so that it starts fast.

It takes orders from its standard input, a line of JSON a file, and answers on its standard output: a line of JSON with
``stream: true`` in front of each Arrow IPC stream, and one with ``end: true``, ``refused`` or ``error`` (texts) after
the last. Every stream has at least one batch, which has no rows where the file has none.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

MAX_MEMORY_BYTES = 4 * 2**30
# Text in these encodings can be read as a dictionary, in which a text that is used in many rows is held once.
_DICTIONARY_READABLE = {"PLAIN", "PLAIN_DICTIONARY", "RLE_DICTIONARY", "RLE", "BIT_PACKED"}
_TEXT = {"NONE", "STRING", "ENUM", "JSON"}


class Refused(Exception):
    """The file is well, but would take too much memory."""


@dataclass(frozen=True)
class Limits:
    """Of one row group, as its metadata tells before anything is decoded; ``batch_bytes`` of what is read at a time."""

    chunk_values: int
    group_values: int
    group_bytes: int
    batch_bytes: int


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else prints must not get between the answers
    _limit_memory()
    for line in sys.stdin.buffer:
        order = json.loads(line)
        try:
            _read(order["path"], order["batch_rows"], Limits(**order["limits"]), answers)
            _answer(answers, end=True)
        except Refused as error:
            _answer(answers, refused=str(error))
        except (MemoryError, pa.ArrowMemoryError):
            limit = f"more than the {MAX_MEMORY_BYTES / 2**30:.0f} GiB of memory that reading a manifest may take"
            _answer(answers, refused=f"needs {limit}: write smaller row groups")
        except Exception as error:  # a damaged file raises any of them
            _answer(answers, error=f"{type(error).__name__}: {error}".strip().splitlines()[0])


def _limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    limit = MAX_MEMORY_BYTES if most == resource.RLIM_INFINITY else min(MAX_MEMORY_BYTES, most)
    resource.setrlimit(resource.RLIMIT_AS, (limit, most))


def _answer(answers: BinaryIO, **values: Any) -> None:
    answers.write(json.dumps(values).encode() + b"\n")
    answers.flush()


def _read(path: str, batch_rows: int, limits: Limits, answers: BinaryIO) -> None:
    plain = pq.ParquetFile(path)
    metadata = plain.metadata
    refuse_bombs(metadata, limits)
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    row_bytes = max((group.total_byte_size // max(group.num_rows, 1) for group in groups), default=0)
    size = max(1, min(batch_rows, limits.batch_bytes // max(row_bytes, 1)))
    position = [0, 0]  # row group, rows of it that were sent
    encoded = _dictionary_columns(plain)
    while True:
        parquet = pq.ParquetFile(path, metadata=metadata, read_dictionary=encoded, pre_buffer=False)
        try:
            _send(_batches(parquet, size, len(groups), position, limits), parquet.schema_arrow, answers)
            return
        except (pa.ArrowNotImplementedError, OSError) as error:
            # Some writers name fewer encodings than they use. Such a file is read again as plain text.
            if not encoded or "Not yet implemented" not in str(error):
                raise
            encoded = []


def _send(batches: Iterator[pa.RecordBatch], schema: pa.Schema, answers: BinaryIO) -> None:
    first = next(batches, None)
    if first is None:
        first = pa.RecordBatch.from_pylist([], schema=schema)
    _answer(answers, stream=True)
    with pa.ipc.new_stream(answers, first.schema) as stream:  # which is brought to its end after an error too
        stream.write_batch(first)
        for batch in batches:
            stream.write_batch(batch)
    answers.flush()


def _batches(
    parquet: pq.ParquetFile, size: int, groups: int, position: list[int], limits: Limits
) -> Iterator[pa.RecordBatch]:
    # Each group by itself: texts in lists and structs cannot be read dictionary-encoded across the border of two.
    for group in range(position[0], groups):
        skip = position[1] if group == position[0] else 0
        position[:] = [group, skip]
        for batch in parquet.iter_batches(size, row_groups=[group], use_threads=False):
            if skip >= batch.num_rows:
                skip -= batch.num_rows
                continue
            rest = batch.slice(skip)
            skip = 0
            for array in rest.columns:
                _check(array)
            rows = max(1, rest.num_rows * 4 * limits.batch_bytes // max(rest.nbytes, 1))
            for start in range(0, rest.num_rows, rows):
                part = rest.slice(start, rows)
                position[1] += part.num_rows
                yield part
        position[:] = [group + 1, 0]


def _check(array: pa.Array) -> None:
    """Raises for what would be met only when the values are looked at."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        places = array.indices.drop_null().to_numpy() if array.null_count else array.indices.to_numpy()
        if len(places) and not 0 <= np.min(places) <= np.max(places) < len(array.dictionary):
            raise IndexError("a value is not in the dictionary")
    elif pa.types.is_struct(kind):
        for child in array.flatten():
            _check(child)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_map(kind):
        array.validate()
        _check(array.flatten() if not pa.types.is_map(kind) else array.items)
    else:
        array.validate()


def _dictionary_columns(parquet: pq.ParquetFile) -> list[str]:
    """Text, in lists and structs too: a text of a megabyte may be named a million times in a few bytes."""
    metadata = parquet.metadata
    named = []
    for number, column in enumerate(parquet.schema):
        if column.physical_type == "BYTE_ARRAY" and column.logical_type.type in _TEXT:
            chunks = (metadata.row_group(group).column(number) for group in range(metadata.num_row_groups))
            if all(_DICTIONARY_READABLE.issuperset(chunk.encodings) for chunk in chunks):
                named.append(column.path)
    return named


def refuse_bombs(metadata: pq.FileMetaData, limits: Limits) -> None:
    """Refuses what would be decoded to many times the size of the file, by what its metadata tells. Raises Refused."""
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        chunks = [group.column(index) for index in range(group.num_columns)]
        largest = max(chunks, key=lambda chunk: chunk.num_values, default=None)
        name = largest.path_in_schema[:80] if largest else ""
        for who, size, most, what in (
            (f"column {name!r} holds", largest.num_values if largest else 0, limits.chunk_values, "values"),
            ("its columns hold", sum(chunk.num_values for chunk in chunks), limits.group_values, "values"),
            ("its columns hold", sum(chunk.total_uncompressed_size for chunk in chunks), limits.group_bytes, "bytes"),
        ):
            if size > most:
                raise Refused(
                    f"{who} {size:,} {what} in {group.num_rows:,} rows; at most {most:,} are read at a time: "
                    "write smaller row groups, or less in a row"
                )


if __name__ == "__main__":
    main()
