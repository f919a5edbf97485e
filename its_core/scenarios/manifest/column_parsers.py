"""A batch's columns as Python values: each distinct text is checked once, each fault is noted with its row."""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import StrEnum
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from its_core.clip import MAX_PROMPT_CHARS
from its_core.scenarios.manifest.columns import PARTICIPANT_FIELDS, is_text
from its_core.scenarios.manifest.participants import MAX_PARTICIPANTS, Fault, Triple
from its_core.scenarios.manifest.suggestions import advice
from its_core.scenarios.scenario import Json
from its_core.taxonomy import CameraWord
from its_core.text import refuse_invisible

Faults = defaultdict[int, list[Fault]]  # position in the batch → what is wrong there, in column order
T = TypeVar("T")

EXTRA_MAX_CHARS = 10_000

_ID_PATTERN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
_ID_RULE = "use 1 to 128 of the characters A-Z a-z 0-9 . _ - and no full stop in front"
_NO_EXTRA: Mapping[str, Json] = {}


def id_fault(value: str) -> str | None:
    """Why ``value`` cannot be an id (it names files and folders of the output); None when it can."""
    if _ID_PATTERN.fullmatch(value):
        return None
    if not value.strip():
        return f"blank; {_ID_RULE}"
    if len(value) > 128:
        return f"{len(value)} characters long; {_ID_RULE}"
    if "/" in value or "\\" in value or ".." in value:
        return f"would lead out of the output folder; {_ID_RULE}"
    wrong = next((c for c in value if not _ID_PATTERN.fullmatch("_" + c)), value[0])
    return f"has the character {wrong!r}; {_ID_RULE}"


def ids(array: pa.Array | None, column: str, count: int, faults: Faults, missing: str = "") -> list[str | None]:
    """Usable ids, None for the others; a null is a fault where ``missing`` says why."""

    def check(value: str) -> str:
        reason = id_fault(value)
        if reason:
            raise ValueError(reason)
        return value

    found = _each_distinct(array, column, count, check, faults)
    if missing and array is not None and array.null_count:
        for i in np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False)).tolist():
            faults[i].append((column, "", f"missing: {missing}"))
    return found


def words(
    array: pa.Array | None, column: str, vocabulary: type[StrEnum], count: int, faults: Faults
) -> list[StrEnum | None]:
    members = {member.value: member for member in vocabulary}

    def check(value: str) -> StrEnum:
        if value not in members:
            raise ValueError(advice(value, vocabulary) if value.strip() else "blank: leave it null or name a word")
        return members[value]

    return _each_distinct(array, column, count, check, faults)


def camera_words(array: pa.Array | None, count: int, faults: Faults) -> list[tuple[CameraWord, ...] | None]:
    """Each row's words about its camera, in the vocabulary's order; two that exclude each other are a fault."""

    def check(value: str) -> tuple[CameraWord, ...]:
        given = [word for word in re.split(r"[,\s]+", value.strip()) if word]
        if not given:
            raise ValueError("blank: leave it null or name words such as 'near, sharp'")
        for word in given:
            if word not in set(CameraWord):
                raise ValueError(advice(word, CameraWord))
        found = {CameraWord(word) for word in given}
        for word in sorted(found):
            if word.opposite in found:
                raise ValueError(f"'{word}' and '{word.opposite}' exclude each other; keep one of them")
        return tuple(word for word in CameraWord if word in found)

    return _each_distinct(array, "camera", count, check, faults)


def prompts(array: pa.Array | None, column: str, count: int, faults: Faults, *, may_be_blank: bool) -> list[str | None]:
    def check(value: str) -> str:
        if not value.strip() and not may_be_blank:
            raise ValueError("blank: leave it null to have it composed, or say what happens")
        if len(value) > MAX_PROMPT_CHARS:
            raise ValueError(f"{len(value)} characters long; the text encoder reads about {MAX_PROMPT_CHARS} at most")
        refuse_invisible(value)
        return value

    return _each_distinct(array, column, count, check, faults)


def paths(array: pa.Array | None, column: str, count: int, faults: Faults) -> list[str | None]:
    def check(value: str) -> str:
        if not value.strip():
            raise ValueError("blank: leave it null or name a file")
        if len(value) > 1024:
            raise ValueError(f"{len(value)} characters long; a path has at most 1024")
        refuse_invisible(value, also="\n\t")
        return value

    return _each_distinct(array, column, count, check, faults)


def numbers(
    array: pa.Array | None, column: str, count: int, faults: Faults, *, low: int, high: int, whole: bool
) -> list[Any]:
    """Numbers from ``low`` to ``high``, None where the row has none. A whole number may come as a float, as it does
    from a table library that has no other way to leave some out."""
    if array is None or array.null_count == count:
        return [None] * count
    if pa.types.is_floating(array.type):
        array = array.cast(pa.float64())
    missing = array.is_null().to_numpy(zero_copy_only=False)
    values = array.fill_null(low).to_numpy(zero_copy_only=False)
    good = (values >= low) & (values <= high)
    if whole:
        good &= np.floor(np.where(good, values, low)) == values
    kind = "whole number" if whole else "number"
    for i in np.flatnonzero(~good).tolist():
        faults[i].append((column, str(values[i]), f"must be a {kind} from {low} to {high}"))
    numbers: list[Any] = np.where(good, values, low).astype(np.int64 if whole else np.float64).tolist()
    for i in np.flatnonzero(missing).tolist():
        numbers[i] = None
    return numbers


def participants(array: pa.Array | None, count: int, faults: Faults) -> list[tuple[Triple, ...]]:
    """Each row's (type, colour, role) triples as they are written; none where the list is null, empty or too long."""
    if array is None or array.null_count == count:
        return [()] * count
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
    crowds = lengths > MAX_PARTICIPANTS
    for i in np.flatnonzero(crowds).tolist():
        reason = f"at most {MAX_PARTICIPANTS} participants fit in a scenario"
        faults[i].append(("participants", f"{lengths[i]} of them", reason))
    array = array.take(pa.array(np.arange(count), mask=crowds))
    lengths = np.where(crowds, 0, lengths)
    elements = pc.list_flatten(array)
    names = [field.name for field in elements.type]
    columns: list[list[str | None]] = []
    for field in PARTICIPANT_FIELDS:
        values, codes = _distinct(pc.struct_field(elements, field)) if field in names else ([], None)
        columns.append(_spread(values, codes) if codes is not None else [None] * len(elements))
    triples = list(zip(*columns, strict=True))
    ends = np.cumsum(lengths).tolist()
    shared: dict[tuple[Triple, ...], tuple[Triple, ...]] = {}
    found = []
    for start, end in zip([0, *ends], ends, strict=False):
        row = tuple(triples[start:end])
        found.append(shared.setdefault(row, row))
    return found


def extras(table: pa.RecordBatch, names: tuple[str, ...], faults: Faults) -> list[Mapping[str, Json]]:
    """The unknown columns, a mapping a row, as JSON values: dates and decimals as text, NaN as null."""
    if not names:
        return [_NO_EXTRA] * table.num_rows
    columns = [_json_column(table.column(name), name, faults) for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _json_column(array: pa.Array, column: str, faults: Faults) -> list[Json]:
    if pa.types.is_temporal(array.type) or pa.types.is_decimal(array.type):
        array = array.cast(pa.string())
    if is_text(array.type):

        def check(value: str) -> str:
            if len(value) > EXTRA_MAX_CHARS:
                raise ValueError(f"{len(value)} characters long; a label carries {EXTRA_MAX_CHARS} at most")
            value.encode()  # bytes that are not UTF-8 raise a ValueError of their own
            return value

        return list(_each_distinct(array, column, len(array), check, faults))
    if not pa.types.is_nested(array.type):
        return [_json(value) for value in array.to_pylist()]
    lengths = _least_chars(array)
    array = array.take(pa.array(np.arange(len(array)), mask=lengths > EXTRA_MAX_CHARS))  # null where it is too long
    cells = [_json(value) for value in _nested(array, column, faults)]
    for i, cell in enumerate(cells):
        length = max(int(lengths[i]), len(json.dumps(cell)))
        if length > EXTRA_MAX_CHARS:
            reason = f"{length} characters long as JSON; a label carries {EXTRA_MAX_CHARS} at most"
            faults[i].append((column, "", reason))
    return cells


def _nested(array: pa.Array, column: str, faults: Faults) -> list[Any]:
    with suppress(UnicodeDecodeError):
        return list(array.to_pylist())
    values = []
    for i, cell in enumerate(array):
        try:
            values.append(cell.as_py())
        except UnicodeDecodeError:
            values.append(None)
            faults[i].append((column, "", "holds bytes that are not UTF-8; write text as UTF-8"))
    return values


def _least_chars(array: pa.Array) -> NDArray[np.int64]:
    """What each cell has at least as JSON, in characters: from Arrow's own lengths, so that nothing is unfolded."""
    kind = array.type
    if pa.types.is_struct(kind):
        fields = [_least_chars(pc.struct_field(array, i)) for i in range(kind.num_fields)]
        return sum(fields, start=np.ones(len(array), np.int64))
    if pa.types.is_dictionary(kind):
        of_each = np.append(_least_chars(array.dictionary), 0)  # −1, for null, finds the 0
        return np.asarray(of_each[_numbers(array.indices.cast(pa.int64()), -1)])
    if is_text(kind) and not pa.types.is_null(kind):
        return _numbers(pc.utf8_length(array), 0)
    if pa.types.is_nested(kind):
        counts = _numbers(pc.list_value_length(array), 0)
        sums = np.append(0, np.cumsum(_least_chars(pc.list_flatten(array))))
        ends = np.cumsum(counts)
        return np.asarray(sums[ends] - sums[ends - counts] + counts)
    return np.ones(len(array), np.int64)


def _numbers(array: pa.Array, of_null: int) -> NDArray[np.int64]:
    return np.asarray(pc.fill_null(array, of_null).to_numpy(zero_copy_only=False), np.int64)


def _json(value: Any) -> Json:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_json(each) for each in value]
    if isinstance(value, dict):
        return {name: _json(each) for name, each in value.items()}
    return value


def _each_distinct(
    array: pa.Array | None, column: str, count: int, check: Callable[[str], T], faults: Faults
) -> list[T | None]:
    """``check`` of every cell, called once a distinct text; its ValueError becomes a fault of every row that has it."""
    if array is None or array.null_count == count:
        return [None] * count
    values, codes = _distinct(array)
    checked: list[T | None] = []
    reasons: dict[int, str] = {}
    for code, value in enumerate(values):
        try:
            checked.append(None if value is None else check(value))
        except ValueError as error:
            checked.append(None)
            reasons[code] = str(error)
    if reasons:
        for i, code in enumerate(codes.tolist()):
            if code in reasons:
                faults[i].append((column, values[code] or "", reasons[code]))
    return _spread(checked, codes)


def _distinct(array: pa.Array) -> tuple[list[str | None], NDArray[np.int64]]:
    """The distinct texts, and for each cell the number of its own, −1 for null."""
    if pa.types.is_null(array.type):
        return [], np.full(len(array), -1)
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    codes = pc.fill_null(array.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    return _texts(array.dictionary), codes


def _spread(values: list[T | None], codes: NDArray[np.int64]) -> list[T | None]:
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
