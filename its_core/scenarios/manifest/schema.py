"""What each column of a file is for: one that is known, one that is carried to the labels, or one that is left out."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from its_core.scenarios.manifest.columns import KNOWN, NAME_MAX_CHARS, NUMBERS, PARTICIPANT_FIELDS, REQUIRED
from its_core.scenarios.manifest.plain_arrays import as_text, is_list, is_number, is_text, value_type
from its_core.scenarios.manifest.suggestions import nearest
from its_core.scenarios.scenario import ManifestError
from its_core.text import printable, short

# Row labels that pandas writes as columns; nobody means them.
_ROW_LABELS = re.compile(r"__index_level_\d+__|Unnamed: \d+")
_BLANKS = "\ufeff \t\r\n\u00a0"  # what text files leave at the ends of a name: the byte order mark, Windows' line end
_PARTICIPANTS = "a list of structs with the text fields type, colour and role"


@dataclass(frozen=True, slots=True)
class Layout:
    """Numbers of a table's columns by their names.

    Attributes:
        known: the columns of ``columns.COLUMNS``.
        carried: columns that are copied to the labels.
        left_out: columns that cannot be, with the reason.
        from_folders: names of those that the names of folders say.
    """

    known: dict[str, int]
    carried: dict[str, int]
    left_out: dict[str, str] = field(default_factory=dict)
    from_folders: tuple[str, ...] = ()


def layout_of(table: pa.RecordBatch, partitions: Mapping[str, str | None], where: str) -> tuple[pa.RecordBatch, Layout]:
    """The table with the columns that its folders say, and what its columns are for.

    Raises:
        ManifestError: a required column is missing, a known one occurs twice or has a type that cannot be read, or a
            folder says another value than the file.
    """
    names = [_clean(name) for name in table.schema.names]
    for key, value in partitions.items():
        name = _clean(key)
        if name in names:
            _refuse_other_value(table.column(names.index(name)), name, value, where)
        else:
            names.append(name)
            table = table.append_column(f"{key}=", _constant(value, table.num_rows))
    left_out: dict[str, str] = {}
    known, carried = {}, {}
    twice = {name for name, count in Counter(names).items() if count > 1}
    for number, (name, kind) in enumerate(zip(names, table.schema.types, strict=True)):
        if name in KNOWN:
            _check_known(name, kind, name in twice, where)
            known[name] = number
        elif reason := _unfit_name(name, twice) or _unfit_type(kind):
            if not _ROW_LABELS.fullmatch(name):
                left_out[short(name) or "(no name)"] = reason
        elif not _ROW_LABELS.fullmatch(name):
            carried[name] = number
    _require(names, where)
    said = tuple(name for key in partitions if (name := _clean(key)) in known or name in carried)
    return table, Layout(known, carried, left_out, said)


def _clean(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip(_BLANKS))


def _constant(value: str | None, count: int) -> pa.Array:
    if value is None:
        return pa.nulls(count, pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), pa.array([value]))


def _refuse_other_value(array: pa.Array, name: str, value: str | None, where: str) -> None:
    """Some writers (polars) write the columns of the folders into the files as well."""
    kind = array.type
    if not (is_text(kind) or pa.types.is_integer(value_type(kind)) or pa.types.is_temporal(value_type(kind))):
        return
    found = {str(each) if each is not None else None for each in as_text(array).unique().to_pylist()}
    if found - {value}:
        other = short((found - {value}).pop())
        raise ManifestError(
            f"{where}: the folder says {name}={short(value)}, the column {name!r} in it says {other}; keep one of them",
            code="manifest.partitions",
        )


def _check_known(name: str, kind: pa.DataType, is_twice: bool, where: str) -> None:
    if is_twice:
        raise ManifestError(
            f"{where}: column {name!r} occurs more than once; keep one of them", code="manifest.columns"
        )
    if wanted := _wanted(name, kind):
        raise ManifestError(
            f"{where}: column {name!r} has type {short(kind)}; it must be {wanted}", code="manifest.column_type"
        )


def _require(names: list[str], where: str) -> None:
    for name in REQUIRED:
        if name not in names:
            close = nearest(name, [other for other in names if other not in KNOWN])
            hint = f" (rename {short(close)!r}?)" if close else ""
            raise ManifestError(
                f"{where}: the required column {name!r} is missing{hint}; every row needs one", code="manifest.columns"
            )


def _wanted(name: str, kind: pa.DataType) -> str | None:
    """What a known column should be instead of what it is; None when it is right."""
    if name == "participants":
        return _wanted_participants(kind)
    if name in NUMBERS:
        return None if is_number(kind) or is_text(kind) else "an integer, a decimal or a floating-point number"
    if name.endswith("_id") and pa.types.is_integer(value_type(kind)):
        return None
    return None if is_text(kind) else "text (a Parquet string)"


def _wanted_participants(kind: pa.DataType) -> str | None:
    if pa.types.is_null(kind):
        return None
    if not is_list(kind) or pa.types.is_map(kind) or not pa.types.is_struct(kind.value_type):
        return _PARTICIPANTS
    fields = [kind.value_type.field(i) for i in range(kind.value_type.num_fields)]
    unknown = [each.name for each in fields if each.name not in PARTICIPANT_FIELDS]
    if unknown:
        return f"{_PARTICIPANTS}, without the field {short(unknown[0])!r}"
    names = {each.name for each in fields}
    right = "type" in names and len(names) == len(fields) and all(is_text(each.type) for each in fields)
    return None if right else _PARTICIPANTS


def _unfit_name(name: str, twice: set[str]) -> str | None:
    if name in twice:
        return "several columns have this name"
    if not name:
        return "it has no name"
    if len(name) > NAME_MAX_CHARS:
        return f"its name has more than {NAME_MAX_CHARS} characters"
    return None if printable(name) == name else "its name has characters that cannot be printed"


def _unfit_type(kind: pa.DataType) -> str | None:
    return None if _is_portable(kind) else f"labels cannot carry its type, {short(kind)}"


def _is_portable(kind: pa.DataType) -> bool:
    """Whether ``plain_arrays.portable`` can make JSON values of it."""
    if isinstance(kind, pa.BaseExtensionType) and kind.extension_name not in {"arrow.uuid", "arrow.json"}:
        return is_number(kind) or pa.types.is_string(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return _is_portable(kind.value_type)
    if pa.types.is_map(kind):
        return _is_portable(kind.key_type) and _is_portable(kind.item_type)
    if is_list(kind):
        return _is_portable(kind.value_type)
    if pa.types.is_struct(kind):
        fields = [kind.field(i) for i in range(kind.num_fields)]
        return len({each.name for each in fields}) == len(fields) and all(_is_portable(each.type) for each in fields)
    scalar = is_text(kind) or is_number(kind) or pa.types.is_boolean(kind)
    return bool(scalar or (pa.types.is_temporal(kind) and not pa.types.is_interval(kind)))
