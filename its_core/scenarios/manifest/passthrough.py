"""The columns that are carried to the labels: as JSON values, unread. They never stop a row."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from its_core.scenarios.manifest.columns import CARRIED_MAX_CHARS
from its_core.scenarios.manifest.faults import Fault, Faults
from its_core.scenarios.manifest.plain_arrays import as_text, distinct, is_list, is_text, listed, portable, spread
from its_core.scenarios.scenario import Json

_NONE: Mapping[str, Json] = {}
_NOT_UTF8 = "holds bytes that are not UTF-8, so it is left out"


def carried(table: pa.RecordBatch, columns: Mapping[str, int], remarks: Faults) -> list[Mapping[str, Json]]:
    """A mapping a row. Dates and decimals come as text, NaN as null. What cannot be carried is null, with a remark."""
    if not columns:
        return [_NONE] * table.num_rows
    values = [_json_column(table.column(number), name, remarks) for name, number in columns.items()]
    return [dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True)]


def _json_column(array: pa.Array, column: str, remarks: Faults) -> list[Json]:
    lengths = _least_chars(array)
    array = array.take(pa.array(np.arange(len(array)), mask=lengths > CARRIED_MAX_CHARS))  # null where it is too long
    plain = portable(array)
    cells = _texts(plain, column, remarks) if is_text(plain.type) else _values(plain, column, remarks)
    nested = pa.types.is_nested(array.type)
    for i, cell in enumerate(cells):
        length = max(int(lengths[i]), len(json.dumps(cell)) if nested and cell is not None else 0)
        if length > CARRIED_MAX_CHARS:
            reason = f"{length} characters long; a label carries {CARRIED_MAX_CHARS} at most, so it is left out"
            remarks[i].append(Fault("carried.too_long", column, "", reason))
            cells[i] = None
    return cells


def _texts(array: pa.Array, column: str, remarks: Faults) -> list[Json]:
    texts, codes = distinct(array)
    broken = {code for code, text in enumerate(texts) if text is not None and not _is_unicode(text)}
    for i in np.flatnonzero(np.isin(codes, list(broken))).tolist() if broken else ():
        remarks[i].append(Fault("carried.bytes", column, "", _NOT_UTF8))
    return spread([None if code in broken else text for code, text in enumerate(texts)], codes)


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= c <= "\udfff" for c in text) if not text.isascii() else True


def _values(array: pa.Array, column: str, remarks: Faults) -> list[Json]:
    try:
        return [_json(value) for value in array.to_pylist()]
    except UnicodeDecodeError:
        return [_json(_value(cell, i, column, remarks)) for i, cell in enumerate(array)]


def _value(cell: pa.Scalar, i: int, column: str, remarks: Faults) -> Any:
    try:
        return cell.as_py()
    except UnicodeDecodeError:
        remarks[i].append(Fault("carried.bytes", column, "", _NOT_UTF8))
        return None


def _least_chars(array: pa.Array) -> NDArray[np.int64]:
    """What each cell has at least as JSON, in characters: from Arrow's own lengths, so that nothing is unfolded."""
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return _least_chars(array.storage)
    if pa.types.is_dictionary(kind):
        of_each = np.append(_least_chars(array.dictionary), 0)  # −1, for null, finds the 0
        return np.asarray(of_each[_counts(array.indices.cast(pa.int64()), -1)])
    if pa.types.is_struct(kind):
        fields = [_least_chars(pc.struct_field(array, i)) for i in range(kind.num_fields)]
        return sum(fields, start=np.ones(len(array), np.int64))
    if is_list(kind):
        lists = listed(array)
        counts = _counts(pc.list_value_length(lists), 0)
        sums = np.append(0, np.cumsum(_least_chars(pc.list_flatten(lists))))
        ends = np.cumsum(counts)
        return np.asarray(sums[ends] - sums[ends - counts] + counts)
    if is_text(kind) and not pa.types.is_null(kind):
        return _counts(pc.utf8_length(as_text(array)), 0)
    return np.ones(len(array), np.int64)


def _counts(array: pa.Array, of_null: int) -> NDArray[np.int64]:
    return np.asarray(pc.fill_null(array, of_null).to_numpy(zero_copy_only=False), np.int64)


def _json(value: Any) -> Json:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_json(each) for each in value]
    if isinstance(value, dict):
        return {name: _json(each) for name, each in value.items()}
    return value
