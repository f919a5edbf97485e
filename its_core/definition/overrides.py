"""Keys that are set from outside ``dataset.yaml``: dotted names, nested values, and how one wins over another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from its_core.definition.errors import DefinitionError
from its_core.redaction import without_secrets


def parse_override(text: str) -> tuple[str, Any]:
    """``key=value`` of the command line; the value is read as YAML. Raises DefinitionError."""
    key, separator, value = text.partition("=")
    if not separator or not key.strip():
        raise DefinitionError(f"--set {text!r}: must be key=value, like --set engine.name=cosmos")
    try:
        return key.strip(), yaml.safe_load(value)
    except yaml.YAMLError:
        raise DefinitionError(f"--set {key}: {without_secrets(value, key)!r} cannot be read as a YAML value") from None


def nested(dotted: Mapping[str, Any]) -> dict[str, Any]:
    """``{"engine.name": x}`` as ``{"engine": {"name": x}}``."""
    result: dict[str, Any] = {}
    for key, value in dotted.items():
        *parents, last = key.split(".")
        level = result
        for parent in parents:
            level = level.setdefault(parent, {})
            if not isinstance(level, dict):
                value_shown = without_secrets(level, key)
                raise DefinitionError(
                    f"--set {key}: {parent} is also set to {value_shown!r}; set it or its parts, not both"
                )
        level[last] = value
    return result


def dotted(values: Mapping[str, Any], parents: str = "") -> dict[str, Any]:
    """``{"engine": {"name": x}}`` as ``{"engine.name": x}``, of which ``nested`` makes the same again: what is empty
    or has keys that are no names stays whole."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        has_names = isinstance(value, dict) and value and all(isinstance(k, str) and "." not in k for k in value)
        flat |= dotted(value, f"{parents}{key}.") if has_names else {f"{parents}{key}": value}
    return flat


def merged(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Both, as sources are merged when a definition is loaded: ``above`` wins, key by key within mappings."""
    result = dict(below)
    for key, value in above.items():
        under = below.get(key)
        result[key] = merged(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return result


def variable(key: str) -> str:
    """The environment variable of a dotted key."""
    return "ITS_" + key.upper().replace(".", "__")
