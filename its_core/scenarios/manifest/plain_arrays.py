"""Arrow arrays of any type as arrays of text, numbers, booleans, lists and structs: what the manifest's readers expect.

Nothing is unfolded: a dictionary stays one.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

T = TypeVar("T")


def is_text(kind: pa.DataType) -> bool:
    """Whether cells are text, or bytes that may be text (as old writers leave them), or all null."""
    kind = value_type(kind)
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_null(kind)
        or is_bytes(kind)
        or _is_uuid(kind)
    )


def is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind))


def is_number(kind: pa.DataType) -> bool:
    kind = value_type(kind)
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind)
    )


def value_type(kind: pa.DataType) -> pa.DataType:
    """The type of the values: of a dictionary those in it, of an extension type those that are stored. UUIDs stay."""
    if pa.types.is_dictionary(kind):
        return value_type(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType) and not _is_uuid(kind):
        return value_type(kind.storage_type)
    return kind


def as_text(array: pa.Array) -> pa.Array:
    """Text, integers, dates and times as text. Bytes that are not UTF-8 stay in it, and decoding them raises."""
    if pa.types.is_dictionary(array.type):
        return pa.DictionaryArray.from_arrays(array.indices, as_text(array.dictionary))
    if _is_uuid(array.type):
        return _uuid_text(array)
    if isinstance(array.type, pa.BaseExtensionType):
        return as_text(array.storage)
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type) or pa.types.is_null(array.type):
        return array
    if pa.types.is_binary(array.type) or pa.types.is_integer(array.type) or pa.types.is_temporal(array.type):
        return array.cast(pa.string(), safe=False)
    return array.cast(pa.large_string(), safe=False)


def portable(array: pa.Array) -> pa.Array:
    """The same values in types that JSON has: dates, times, decimals and UUIDs as text, maps as lists of key and value,
    times in an unknown zone in UTC. A dictionary is unfolded in lists and structs. Raises ArrowException where Arrow
    cannot."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        if is_text(kind):
            return as_text(array)
        return portable(array.dictionary_decode())
    if isinstance(kind, pa.BaseExtensionType) and not _is_uuid(kind):
        return portable(array.storage)
    if pa.types.is_struct(kind):
        names = [kind.field(i).name for i in range(kind.num_fields)]
        return pa.StructArray.from_arrays([portable(each) for each in array.flatten()], names, mask=array.is_null())
    if is_list(kind):
        lists = listed(array)
        counts = np.asarray(pc.fill_null(pc.list_value_length(lists), 0))
        offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())
        return pa.ListArray.from_arrays(offsets, portable(lists.flatten()), mask=lists.is_null())
    if pa.types.is_duration(kind):
        return _duration_text(array)
    if pa.types.is_timestamp(kind) and kind.tz is not None and not _is_known_zone(kind):
        return array.cast(pa.timestamp(kind.unit, "UTC")).cast(pa.string())
    if pa.types.is_temporal(kind) or pa.types.is_decimal(kind):
        return array.cast(pa.string())
    if pa.types.is_float16(kind):
        return array.cast(pa.float32())
    return as_text(array) if is_text(kind) else array


def is_list(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_list(kind)
        or pa.types.is_large_list(kind)
        or pa.types.is_fixed_size_list(kind)
        or pa.types.is_list_view(kind)
        or pa.types.is_large_list_view(kind)
        or pa.types.is_map(kind)
    )


def listed(array: pa.Array) -> pa.Array:
    """A list-like array as one whose lengths and elements Arrow gives. Maps become lists of structs, key and value."""
    kind = array.type
    if pa.types.is_map(kind):
        element = pa.struct([pa.field("key", kind.key_type), pa.field("value", kind.item_type)])
        return array.cast(pa.list_(element))
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        return array.cast(pa.large_list(kind.value_type))
    return array


def distinct(array: pa.Array) -> tuple[list[str | None], NDArray[np.int64]]:
    """The distinct texts of a text array, and for each cell the number of its own, −1 for null. Bytes that are not
    UTF-8 come as lone surrogates."""
    if pa.types.is_null(array.type):
        return [], np.full(len(array), -1)
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    codes = pc.fill_null(array.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    return _texts(array.dictionary), codes


def spread(values: Sequence[T | None], codes: NDArray[np.int64]) -> list[T | None]:
    """One object for all cells of a number: what ``distinct`` took apart."""
    by_code = [*values, None]  # −1 finds the None
    return [by_code[code] for code in codes.tolist()]


def _texts(array: pa.Array) -> list[str | None]:
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    try:
        return list(array.to_pylist())
    except UnicodeDecodeError:
        raw = array.cast(pa.large_binary()).to_pylist()
        return [None if value is None else value.decode("utf-8", "surrogateescape") for value in raw]


def _is_uuid(kind: pa.DataType) -> bool:
    return isinstance(kind, pa.BaseExtensionType) and kind.extension_name == "arrow.uuid"


def _uuid_text(array: pa.Array) -> pa.Array:
    return pa.array([None if each is None else str(uuid.UUID(bytes=each)) for each in array.storage.to_pylist()])


def _duration_text(array: pa.Array) -> pa.Array:
    """ISO 8601: ``PT90S``, ``PT0.25S``."""
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[array.type.unit]
    counts = array.cast(pa.int64()).to_pylist()
    return pa.array([None if count is None else _iso_seconds(count, per_second) for count in counts], pa.string())


def _iso_seconds(count: int, per_second: int) -> str:
    whole, part = divmod(abs(count), per_second)
    digits = f"{part:0{len(str(per_second)) - 1}d}".rstrip("0") if part else ""
    return f"{'-' if count < 0 else ''}PT{whole}{'.' if digits else ''}{digits}S"


def _is_known_zone(kind: pa.TimestampType) -> bool:
    try:
        pa.scalar(0, kind).cast(pa.string())
    except pa.ArrowInvalid:
        return False
    return True
