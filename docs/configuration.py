"""Writes docs/configuration.md from the fields of ``Definition``; ``make docs`` runs it."""

from __future__ import annotations

import types
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from its_core.definition import Definition

PAGE = Path(__file__).with_suffix(".md")

_HEAD = """\
# Keys of dataset.yaml

Made from the code by `make docs`. Do not edit.

A value is taken from the first of these that has it: the command line (`--set key=value`), the environment (`ITS_KEY`,
for a nested key `ITS_ENGINE__NAME`), `dataset.yaml`, the default. A relative path in `dataset.yaml` is relative to its
folder. On the command line and in the environment it is relative to the current directory.

| key | value | default | meaning |
|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(f"| {' | '.join(row)} |\n" for row in _rows(Definition, ""))


def _rows(model: type[BaseModel], parents: str) -> Iterator[tuple[str, str, str, str]]:
    for name, field in model.model_fields.items():
        if field.exclude:
            continue
        inner = _model_of(field.annotation)
        if inner is not None and get_origin(field.annotation) is not tuple:
            yield from _rows(inner, f"{parents}{name}.")
        else:
            yield f"`{parents}{name}`", _value(field), _default(field), (field.description or "").replace("|", "\\|")


def _model_of(annotation: Any) -> type[BaseModel] | None:
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _value(field: FieldInfo) -> str:
    return _type(field.annotation) + _bounds(field)


def _type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return " or ".join(_type(each) for each in arguments if each is not type(None))
    if origin is Literal:
        return ", ".join(f"`{each}`" for each in arguments)
    if origin is tuple:
        inner = _model_of(annotation)
        return f"list of {{{', '.join(inner.model_fields)}}}" if inner else f"list of {_type(arguments[0])}"
    if origin is dict:
        return f"map of {_type(arguments[0])} to {_type(arguments[1])}"
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return ", ".join(f"`{member.value}`" for member in annotation)
    return {str: "text", int: "integer", float: "number", bool: "true or false", Any: "any"}.get(annotation, "text")


def _bounds(field: FieldInfo) -> str:
    words = []
    for each in field.metadata:
        match each:
            case annotated_types.Ge(ge=bound):
                words.append(f"≥ {bound:,}" if isinstance(bound, int) else f"≥ {bound:g}")
            case annotated_types.Gt(gt=bound):
                words.append(f"> {bound:g}")
            case annotated_types.Le(le=bound):
                words.append(f"≤ {bound:,}" if isinstance(bound, int) else f"≤ {bound:g}")
    return f", {' and '.join(words)}" if words else ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    match field.get_default(call_default_factory=True):
        case None | "" | ():
            return "none"
        case dict(mapping) if not mapping:
            return "none"
        case dict(mapping):
            return ", ".join(f"{key} {value}" for key, value in mapping.items())
        case tuple(values):
            return ", ".join(f"`{value}`" for value in values)
        case value:
            return f"`{value}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
