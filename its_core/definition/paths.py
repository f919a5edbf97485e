"""Relative paths of a definition made absolute."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from its_core import storage
from its_core.engines.engine import MODEL_SCHEME, engine_module, engine_names

_PATH_KEYS = ("manifest", "allowed_inputs", "publish_url", "work_dir")
_PATHS_IN_PARTS = (
    ("engine", "script"),
    ("annotate", "detector"),
    ("utility", "test"),
    ("likeness", "against"),
)
# The engine's name may come from another source than its options: what is a path in one engine is a path in all.
_FALLBACKS = "out_of_memory_fallbacks"


def located(values: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """The same values with relative paths made absolute from ``base``, those of the engine's options too; values of a
    wrong type are left to pydantic."""
    result = dict(values)
    for key in _PATH_KEYS:
        match result.get(key):
            case str(path):
                result[key] = storage.resolve(path, base)
            case list(paths) | tuple(paths) if all(isinstance(path, str) for path in paths):
                result[key] = tuple(storage.resolve(path, base) for path in paths)
    for parent, key in _PATHS_IN_PARTS:
        parts = result.get(parent)
        if isinstance(parts, dict) and isinstance(parts.get(key), str):
            result[parent] = parts | {key: storage.resolve(parts[key], base)}
    if isinstance(engine := result.get("engine"), dict):
        result["engine"] = _located_options(engine, base)
    match result.get(_FALLBACKS):
        case list(fallbacks) | tuple(fallbacks):
            result[_FALLBACKS] = [
                _located_options(each, base) if isinstance(each, dict) else each for each in fallbacks
            ]
    return result


def _located_options(parent: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """The same mapping; in its ``options``, those that are paths made absolute."""
    match parent.get("options"):
        case dict(options):
            paths = {
                key: storage.resolve(value, base)
                for key, value in options.items()
                if key in _path_options() and isinstance(value, str) and value and not value.startswith(MODEL_SCHEME)
            }
            return {**parent, "options": {**options, **paths}}
    return dict(parent)


def _path_options() -> frozenset[str]:
    return frozenset[str]().union(*(engine_module(name).TRAITS.path_options for name in engine_names()))
