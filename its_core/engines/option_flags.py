"""An engine's options as command-line flags: the names of its options model, one flag each."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo


def add_flags(
    parser: argparse.ArgumentParser, model: type[BaseModel], title: str, *, without: Collection[str] = ()
) -> None:
    """Adds a flag for every option of ``model`` but those of ``without``, in a group with the given title."""
    group = parser.add_argument_group(title)
    for name, field in model.model_fields.items():
        if name in without:
            continue
        help_text = f"{field.description} ({_default_text(field)})"
        choices = get_args(field.annotation)
        if isinstance(field.default, bool):
            group.add_argument(f"--{name}", action="store_true", default=None, help=help_text)
        elif choices and all(isinstance(choice, (str, int)) for choice in choices):
            group.add_argument(f"--{name}", choices=choices, type=type(choices[0]), help=help_text)
        else:
            group.add_argument(f"--{name}", metavar="X", help=help_text)


def _default_text(field: FieldInfo) -> str:
    match field.get_default(call_default_factory=True):
        case bool():
            return "off by default" if field.default is False else "on by default"
        case "" | None:
            return "empty by default"
        case value:
            return f"default {value}"


def options_of_flags(arguments: argparse.Namespace, model: type[BaseModel]) -> dict[str, Any]:
    """The options of ``model`` that were given as flags."""
    return {name: value for name in model.model_fields if (value := getattr(arguments, name, None)) is not None}


def flags_of(options: BaseModel, *, without: Collection[str] = ()) -> list[str]:
    """The flags that say what ``options`` says; what has its default value is left out."""
    flags: list[str] = []
    for name, field in type(options).model_fields.items():
        value = getattr(options, name)
        if name in without or value == field.get_default(call_default_factory=True):
            continue
        flags += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    return flags


def explain(error: ValidationError) -> str:
    """A model's ValidationError in a line, each problem with the flag and the value."""
    problems = []
    for detail in error.errors(include_url=False):
        flag = f"--{detail['loc'][0]} {detail['input']}: " if detail["loc"] else ""
        problems.append(flag + detail["msg"].removeprefix("Value error, "))
    return "; ".join(problems)
