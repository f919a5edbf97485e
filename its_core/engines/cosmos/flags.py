"""The engine's command-line flags: the guide's names, one for each option. Imports no torch."""

from __future__ import annotations

import argparse
from typing import get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from its_core.engines.cosmos.options import CosmosOptions

# What a clip is rather than how it is made: the worker has these flags already.
_WORKERS_OWN = {"resolution", "fps"}
_CHOICES = {"model_size", "num_conditional_frames"}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds a flag for every option except ``--resolution`` and ``--fps``, which the parser must have."""
    group = parser.add_argument_group("how the cosmos engine renders")
    for name, field in CosmosOptions.model_fields.items():
        if name in _WORKERS_OWN:
            continue
        help_text = f"{field.description} ({_default_text(field)})"
        if isinstance(field.default, bool):
            group.add_argument(f"--{name}", action="store_true", default=None, help=help_text)
        elif name in _CHOICES:
            choices = get_args(field.annotation)
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


def options_from_flags(arguments: argparse.Namespace) -> CosmosOptions:
    """The options that the parsed flags ask for. Raises ValueError, one line, that names the flag and the value."""
    given = {
        name: value for name in CosmosOptions.model_fields if (value := getattr(arguments, name, None)) is not None
    }
    try:
        return CosmosOptions.model_validate(given)
    except ValidationError as error:
        problems = []
        for detail in error.errors(include_url=False):
            flag = f"--{detail['loc'][0]} {detail['input']}: " if detail["loc"] else ""
            problems.append(flag + detail["msg"].removeprefix("Value error, "))
        raise ValueError("; ".join(problems)) from None


def flags_of(options: CosmosOptions) -> list[str]:
    """The flags that say what ``options`` says; what is at its default is left out."""
    flags: list[str] = []
    for name in CosmosOptions.model_fields:
        value = getattr(options, name)
        if name in _WORKERS_OWN or value == CosmosOptions.model_fields[name].get_default(call_default_factory=True):
            continue
        flags += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    return flags
