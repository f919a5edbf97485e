"""The manifest's other columns, copied to the labels unchanged under their names."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import pyarrow as pa

# The Hugging Face builder makes a column "video" of the clip and takes columns whose names end like these for files.
_RESERVED = {"video"}
_FILE_ENDINGS = ("file_name", "file_names")
_LARGEST_INT = 2**63 - 1


class PassthroughColumns:
    """Call ``learn`` with every clip's values first. Then ``fields`` has names and types, ``values`` a row's values."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = {*taken, *_RESERVED}
        self._kinds: dict[str, set[type]] = {}

    def learn(self, extra: Mapping[str, Any]) -> None:
        for name, value in extra.items():
            kinds = self._kinds.setdefault(name, set())
            if value is not None:
                fits = not isinstance(value, int) or abs(value) <= _LARGEST_INT
                kinds.add(type(value) if fits else str)

    @cached_property
    def fields(self) -> dict[str, pa.Field]:
        """Keyed by the manifest's name. Where a label has that name, the column is called ``manifest_…``."""
        taken, fields = set(self._taken), {}
        for name, kinds in sorted(self._kinds.items()):
            column = name + "_text" if name.endswith(_FILE_ENDINGS) else name
            while column in taken:
                column = f"manifest_{column}"
            taken.add(column)
            fields[name] = pa.field(column, _type(kinds), metadata={"description": f"the manifest's column {name!r}"})
        return fields

    def values(self, extra: Mapping[str, Any]) -> dict[str, Any]:
        fields = ((self.fields[name], value) for name, value in extra.items())
        return {field.name: _as_text(value) if field.type == pa.string() else value for field, value in fields}


def _type(kinds: set[type]) -> pa.DataType:
    if kinds == {bool}:
        return pa.bool_()
    if kinds == {int}:
        return pa.int64()
    if kinds in ({float}, {float, int}):
        return pa.float64()
    return pa.string()


def _as_text(value: Any) -> str | None:
    """Text unchanged; other values, in a column of mixed or nested values, as JSON."""
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
