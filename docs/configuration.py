"""Writes the pages of keys of dataset.yaml and post_train.yaml from their models' fields; ``make docs`` runs it."""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from its_core.definition import Definition
from its_core.post_training.data.part_models import FolderPart, ManifestPart, PublishedPart
from its_core.post_training.presets import PRESET_NAMES, Recipe, recipe
from its_core.post_training.settings import PostTraining

PAGE = Path(__file__).with_suffix(".md")
POST_TRAINING_PAGE = PAGE.with_name("post_training_keys.md")

_HEAD = """\
# Keys of dataset.yaml

Made from the code by `make docs`. Do not edit.

A value is taken from the first of these that has it: the command line (`--set key=value`), the environment (`ITS_KEY`,
for a nested key `ITS_ENGINE__NAME`), `dataset.yaml`, the default. A relative path in `dataset.yaml` is relative to its
folder. On the command line and in the environment it is relative to the current directory.

| key | value | default | meaning |
|---|---|---|---|
"""


_POST_TRAINING_HEAD = """\
# Keys of post_train.yaml

Made from the code by `make docs`. Do not edit. What they are for: [post-training](post_training.md).

A value is taken from the first of these that has it: the command line (`--set key=value`), the environment
(`ITS_POST_TRAIN_KEY`, for a nested key `ITS_POST_TRAIN_TRAINING__SEED`), `post_train.yaml`, the default. A relative
path in `post_train.yaml` is relative to its folder. On the command line and in the environment it is relative to the
current directory.

"""
_KEYS = "| key | value | default | meaning |\n|---|---|---|---|\n"


def page() -> str:
    """The whole page of dataset.yaml."""
    return _HEAD + _lines(_rows(Definition, ""))


def post_training_page() -> str:
    """The whole page of post_train.yaml."""
    parts = "".join(
        f"A part with `{next(iter(part.model_fields))}`. {' '.join((part.__doc__ or '').split())}\n\n"
        f"{_KEYS}{_lines(_rows(part, ''))}\n"
        for part in (PublishedPart, FolderPart, ManifestPart)
    )
    return (
        f"{_POST_TRAINING_HEAD}{_KEYS}{_lines(_rows(PostTraining, ''))}\n## parts\n\n{parts}"
        f"## training, and overfit_gate.training\n\n"
        f"Numbers of the presets, for the 2B model. The overfit gate trains with the preset `overfit` and the LoRA of "
        f"`training`.\n\n"
        f"| key | value | {' | '.join(f'`{name}`' for name in PRESET_NAMES)} | meaning |\n"
        f"|---|---|{'---|' * len(PRESET_NAMES)}---|\n{_lines(_recipe_rows())}"
    )


def _lines(rows: Iterable[Iterable[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _recipe_rows() -> Iterator[tuple[str, ...]]:
    presets = [recipe(name, "2B", {}) for name in PRESET_NAMES]
    for name, field in Recipe.model_fields.items():
        numbers = (getattr(preset, name) for preset in presets)
        told = (f"{number:.4g}" if isinstance(number, float) else f"`{number}`" for number in numbers)
        yield f"`{name}`", _value(field), *told, field.description or ""


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
    if origin is Annotated:
        return _type(arguments[0])
    if origin is tuple and _model_of(annotation) is None and get_origin(arguments[0]) is Annotated:
        return "list of parts, see below"
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
            case annotated_types.Lt(lt=bound):
                words.append(f"< {bound:,}" if isinstance(bound, int) else f"< {bound:g}")
    return f", {' and '.join(words)}" if words else ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "see right" if "default:" in (field.description or "") else "required"
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
    POST_TRAINING_PAGE.write_text(post_training_page(), encoding="utf-8")
