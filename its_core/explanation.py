"""A pydantic error of a file that a person wrote, in a line."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from its_core.redaction import without_secrets

_NO_MAPPING = ("dict_type", "model_attributes_type", "model_type")  # pydantic names its classes there


def explain(error: ValidationError, where: str, model: type[BaseModel], hidden: Collection[str] = ()) -> str:
    """A pydantic error of ``model`` as one line: where, which key, which value, what would be right.

    ``hidden`` are keys that nobody is to write.
    """
    problems = []
    for detail in error.errors(include_url=False):
        key = " ".join(".".join(str(part) for part in detail["loc"] if part != "[key]").split()) or "as a whole"
        message = detail["msg"].removeprefix("Value error, ")
        if detail["type"] == "extra_forbidden":
            keys = [key for key in _keys_beside(detail["loc"], model) if key not in hidden]
            message = f"no such key; the keys are {', '.join(keys)}"
        elif detail["type"] in _NO_MAPPING:
            message = f"{without_secrets(detail['input'], key)!r}: must hold keys and values"
        elif detail["type"] != "missing" and detail["loc"]:
            message = f"{without_secrets(detail['input'], key)!r}: {message}"
        problems.append(f"{key}: {message}")
    return f"{where}: " + "; ".join(problems)


def _keys_beside(location: tuple[int | str, ...], model: type[BaseModel]) -> list[str]:
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        inner = _model_in(model.model_fields[part].annotation) if part in model.model_fields else None
        if inner is None:
            break
        model = inner
    return sorted(name for name, field in model.model_fields.items() if not field.exclude)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that a field holds, itself or in a tuple."""
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None
