"""The known columns of a batch as Python values. Each distinct text is checked once, a fault is noted with its row."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from its_core.clip import MAX_PROMPT_CHARS
from its_core.scenarios.manifest.columns import (
    ID_MAX_CHARS,
    MAX_PARTICIPANTS,
    PARTICIPANT_FIELDS,
    PATH_MAX_CHARS,
    WORDS,
)
from its_core.scenarios.manifest.faults import CellError, Fault, Faults
from its_core.scenarios.manifest.participants import Triple
from its_core.scenarios.manifest.plain_arrays import as_text, distinct, is_text, listed, spread
from its_core.scenarios.manifest.suggestions import advice, is_word_for_nothing
from its_core.taxonomy import CameraWord
from its_core.text import refuse_invisible, short

T = TypeVar("T")

_ID = re.compile(rf"[A-Za-z0-9_-][A-Za-z0-9._-]{{0,{ID_MAX_CHARS - 1}}}")
_ID_RULE = f"use 1 to {ID_MAX_CHARS} of the characters A-Z a-z 0-9 . _ - and no full stop in front"
# What text files leave at the ends of a cell: the byte order mark, Windows' line end.
_MARKS = "\ufeff\r\n"
_BLANKS = _MARKS + " \t\u00a0"


def id_fault(value: str) -> str | None:
    """Why ``value`` cannot be an id (it names files and folders of the output); None when it can."""
    if _ID.fullmatch(value):
        return None
    if len(value) > ID_MAX_CHARS:
        return f"{len(value)} characters long; {_ID_RULE}"
    if "/" in value or "\\" in value or ".." in value:
        return f"would lead out of the output folder; {_ID_RULE}"
    wrong = next((c for c in value if not _ID.fullmatch("_" + c)), value[0])
    return f"has the character {wrong!r}; {_ID_RULE}"


def ids(array: pa.Array | None, column: str, count: int, faults: Faults, missing: str = "") -> list[str | None]:
    """Usable ids, None for the others; a null is a fault where ``missing`` says why."""

    def check(value: str) -> str:
        trimmed = value.strip(_BLANKS)
        _refuse_nothing(trimmed)
        if not trimmed:
            raise CellError("value.blank", f"blank; {_ID_RULE}")
        if reason := id_fault(trimmed):
            raise CellError("value.too_long" if len(trimmed) > ID_MAX_CHARS else "value.characters", reason)
        return trimmed

    found = _eachdistinct(array, column, count, check, faults)
    if missing and array is not None and array.null_count:
        for i in np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False)).tolist():
            faults[i].append(Fault("value.missing", column, "", f"missing: {missing}"))
    return found


def words(
    array: pa.Array | None, column: str, vocabulary: type[StrEnum], count: int, faults: Faults
) -> list[StrEnum | None]:
    members = {member.value: member for member in vocabulary}

    def check(value: str) -> StrEnum:
        trimmed = value.strip(_BLANKS)
        if trimmed in members:
            return members[trimmed]
        _refuse_nothing(trimmed)
        if not trimmed:
            raise CellError("value.blank", "blank: leave it null or name a word")
        others = [name for name, kind in WORDS.items() if kind is not vocabulary and trimmed in set(kind)]
        elsewhere = f"; it is a word of {' and '.join(others)}" if others else ""
        raise CellError("value.unknown_word", advice(value, vocabulary, elsewhere))

    return _eachdistinct(array, column, count, check, faults)


def engine_names(
    array: pa.Array | None, column: str, allowed: Collection[str] | None, count: int, faults: Faults
) -> list[str | None]:
    """Names of ``allowed``; None lets every text pass."""

    def check(value: str) -> str:
        trimmed = value.strip(_BLANKS)
        _refuse_nothing(trimmed)
        if not trimmed:
            raise CellError("value.blank", "blank: leave it null or name an engine")
        if allowed is not None and trimmed not in allowed:
            reason = f"{short(value)!r} is no engine that makes frames. Allowed: {', '.join(allowed)}"
            raise CellError("value.unknown_word", reason)
        return trimmed

    return _eachdistinct(array, column, count, check, faults)


def camera_words(array: pa.Array | None, count: int, faults: Faults) -> list[tuple[CameraWord, ...] | None]:
    """Each row's words about its camera, in the vocabulary's order; two that exclude each other are a fault."""

    def check(value: str) -> tuple[CameraWord, ...]:
        _refuse_nothing(value.strip(_BLANKS))
        given = [word for word in re.split(r"[,\s]+", value.strip(_BLANKS)) if word]
        if not given:
            raise CellError("value.blank", "blank: leave it null or name words such as 'near, sharp'")
        for word in given:
            if word not in set(CameraWord):
                raise CellError("value.unknown_word", advice(word, CameraWord))
        found = {CameraWord(word) for word in given}
        for word in sorted(found):
            if word.opposite in found:
                opposites = f"'{word}' and '{word.opposite}' exclude each other; keep one of them"
                raise CellError("row.contradiction", opposites)
        return tuple(word for word in CameraWord if word in found)

    return _eachdistinct(array, "camera", count, check, faults)


def prompts(array: pa.Array | None, column: str, count: int, faults: Faults, *, may_be_blank: bool) -> list[str | None]:
    """Texts with line ends as ``\\n``, whatever system wrote them."""

    def check(value: str) -> str:
        text = value.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
        _refuse_nothing(text.strip(_BLANKS))
        if not text.strip() and not may_be_blank:
            raise CellError("value.blank", "blank: leave it null to have it composed, or say what happens")
        if len(text) > MAX_PROMPT_CHARS:
            longest = f"the text encoder reads about {MAX_PROMPT_CHARS} at most"
            raise CellError("value.too_long", f"{len(text)} characters long; {longest}")
        _refuse_invisible(text)
        return text

    return _eachdistinct(array, column, count, check, faults)


def paths(array: pa.Array | None, column: str, count: int, faults: Faults) -> list[str | None]:
    def check(value: str) -> str:
        path = value.strip(_MARKS)
        _refuse_nothing(path.strip(_BLANKS))
        if not path.strip():
            raise CellError("value.blank", "blank: leave it null or name a file")
        if len(path) > PATH_MAX_CHARS:
            raise CellError("value.too_long", f"{len(path)} characters long; a path has at most {PATH_MAX_CHARS}")
        _refuse_invisible(path, also="\n\t")
        return path

    return _eachdistinct(array, column, count, check, faults)


def numbers(
    array: pa.Array | None, column: str, count: int, faults: Faults, *, low: int, high: int, whole: bool
) -> list[Any]:
    """Numbers from ``low`` to ``high``, None where the row has none. A whole number may come as a float or a decimal,
    as it does from table libraries, and NaN stands for none. Numbers may also be written as text."""
    if array is None or array.null_count == count:
        return [None] * count
    kind = "whole number" if whole else "number"
    rule = f"must be a {kind} from {low:,} to {high:,}"
    if is_text(array.type):
        return _eachdistinct(array, column, count, lambda text: _number(text, low, high, whole, rule), faults)
    if not pa.types.is_integer(array.type):
        array = array.cast(pa.float64())
    missing = array.is_null(nan_is_null=True).to_numpy(zero_copy_only=False)
    values = array.fill_null(low).to_numpy(zero_copy_only=False)
    good = missing | ((values >= low) & (values <= high))
    if whole:
        good &= missing | (np.floor(np.where(good & ~missing, values, low)) == values)
    for i in np.flatnonzero(~good).tolist():
        faults[i].append(Fault("value.range", column, str(values[i]), rule))
    usable = np.where(good & ~missing, values, low).astype(np.int64 if whole else np.float64)
    numbers: list[Any] = usable.tolist()
    for i in np.flatnonzero(missing).tolist():
        numbers[i] = None
    return numbers


def _number(text: str, low: int, high: int, whole: bool, rule: str) -> float | int:
    trimmed = text.strip(_BLANKS)
    _refuse_nothing(trimmed)
    try:
        value = Decimal(trimmed)
    except InvalidOperation:
        raise CellError("value.type", rule) from None
    if not value.is_finite() or not low <= value <= high or (whole and value != value.to_integral_value()):
        raise CellError("value.range", rule)
    return int(value) if whole else float(value)


def participants(array: pa.Array | None, count: int, faults: Faults) -> list[tuple[Triple, ...]]:
    """Each row's (type, colour, role) triples as they are written; none where the list is null, empty or too long."""
    if array is None or array.null_count == count:
        return [()] * count
    array = listed(array)
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
    crowds = lengths > MAX_PARTICIPANTS
    for i in np.flatnonzero(crowds).tolist():
        reason = f"at most {MAX_PARTICIPANTS} participants fit in a scenario"
        faults[i].append(Fault("row.participants", "participants", f"{lengths[i]} of them", reason))
    array = array.take(pa.array(np.arange(count), mask=crowds))
    lengths = np.where(crowds, 0, lengths)
    elements = pc.list_flatten(array)
    names = [field.name for field in elements.type]
    columns: list[list[str | None]] = []
    for field in PARTICIPANT_FIELDS:
        if field in names:
            values, codes = distinct(as_text(pc.struct_field(elements, field)))
            columns.append(spread([None if value is None else value.strip(_BLANKS) for value in values], codes))
        else:
            columns.append([None] * len(elements))
    triples = list(zip(*columns, strict=True))
    ends = np.cumsum(lengths).tolist()
    shared: dict[tuple[Triple, ...], tuple[Triple, ...]] = {}
    found = []
    for start, end in zip([0, *ends], ends, strict=False):
        row = tuple(triples[start:end])
        found.append(shared.setdefault(row, row))
    return found


def _refuse_nothing(value: str) -> None:
    if is_word_for_nothing(value):
        raise CellError("value.null_word", f"{value!r} is a text; where there is no value write a real null")


def _refuse_invisible(value: str, also: str = "") -> None:
    try:
        refuse_invisible(value, also)
    except ValueError as error:
        raise CellError("value.characters", str(error)) from None


def _eachdistinct(
    array: pa.Array | None, column: str, count: int, check: Callable[[str], T], faults: Faults
) -> list[T | None]:
    """``check`` of every cell, called once a distinct text; its CellError becomes a fault of every row that has it."""
    if array is None or array.null_count == count:
        return [None] * count
    values, codes = distinct(as_text(array))
    checked: list[T | None] = []
    refused: dict[int, CellError] = {}
    for code, value in enumerate(values):
        try:
            checked.append(None if value is None else check(value))
        except CellError as error:
            checked.append(None)
            refused[code] = error
    if refused:
        for i, code in enumerate(codes.tolist()):
            if why := refused.get(code):
                faults[i].append(Fault(why.code, column, values[code] or "", str(why)))
    return spread(checked, codes)
