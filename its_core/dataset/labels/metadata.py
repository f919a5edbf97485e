"""``metadata.parquet``: the rows of each split, written batch by batch, beside the split's clips."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from its_core.dataset.labels.label_rows import COLUMNS, SOURCES
from its_core.taxonomy import Split

FILE_NAME = "metadata.parquet"
_ROWS_AT_ONCE = 1024


def schema(extra: Iterable[pa.Field]) -> pa.Schema:
    """The label columns with their descriptions as field metadata, the passthrough columns, then the sources."""
    described = [pa.field(c.name, c.type, metadata={"description": c.description}) for c in (*COLUMNS, SOURCES)]
    return pa.schema([*described[:-1], *extra, described[-1]])


class MetadataWriter:
    """Writes ``<folder>/<split>/metadata.parquet`` for every split that gets a row or begins."""

    def __init__(self, folder: Path, columns: pa.Schema) -> None:
        self._folder = folder
        self._columns = columns
        self._stack = ExitStack()
        self._writers: dict[Split, pq.ParquetWriter] = {}
        self._pending: dict[Split, list[Mapping[str, Any]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._stack:
            if error is None:
                for split in self._pending:
                    self._flush(split)

    def begin(self, split: Split) -> None:
        """The split gets a file even if no row follows."""
        self._pending.setdefault(split, [])

    def add(self, split: Split, row: Mapping[str, Any]) -> None:
        pending = self._pending.setdefault(split, [])
        pending.append(row)
        if len(pending) == _ROWS_AT_ONCE:
            self._flush(split)

    def _flush(self, split: Split) -> None:
        if split not in self._writers:
            path = self._folder / split.value / FILE_NAME
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writers[split] = self._stack.enter_context(pq.ParquetWriter(path, self._columns))
        if rows := self._pending[split]:
            self._writers[split].write_table(pa.Table.from_pylist(rows, self._columns))
            self._pending[split] = []
