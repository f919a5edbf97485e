"""Reads a definition.

A key is taken from the first of: the command line (``--set key=value``), the environment (``ITS_KEY``, nested
``ITS_ENGINE__NAME``), ``dataset.yaml``, the default. A relative path in ``dataset.yaml`` counts from its folder, one on
the command line or in the environment from the current directory.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsError

from its_core.definition.errors import DefinitionError
from its_core.definition.model import Definition
from its_core.definition.overrides import dotted, merged, nested
from its_core.definition.paths import located
from its_core.explanation import explain

FILE_NAME = "dataset.yaml"


def is_definition(path: str | Path) -> bool:
    """Whether ``path`` is a definition's folder, or its file."""
    return (Path(path) / FILE_NAME).is_file() or (Path(path).name == FILE_NAME and Path(path).is_file())


def load(folder: str | Path, overrides: Mapping[str, Any] | None = None) -> Definition:
    """Reads ``folder/dataset.yaml`` (``folder`` may name the file itself) under the environment and ``overrides``.

    ``overrides`` maps keys, dotted for nested ones (``engine.name``), to values. Raises DefinitionError.
    """
    file = Path(folder)
    file = file if file.suffix in {".yaml", ".yml"} else file / FILE_NAME
    base = file.parent.resolve()
    defaults = {key: Definition.model_fields[key].default for key in ("manifest", "allowed_inputs")}
    defaults |= {key: Definition.model_fields[key].default for key in ("publish_url", "work_dir")}
    written = located(defaults | _read_yaml(file), base)
    values = merged(written, _from_outside(overrides or {}))
    try:
        return Definition.model_validate(values | {"folder": base})
    except ValidationError as error:
        raise DefinitionError(explain(error, str(file), Definition)) from None


def set_from_outside(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """What the environment (``ITS_KEY``) and a call's ``overrides`` set, as dotted keys, relative paths made absolute:
    as overrides they bring about the same definition in another environment and folder. Raises DefinitionError."""
    return dotted(_from_outside(overrides))


def _from_outside(overrides: Mapping[str, Any]) -> dict[str, Any]:
    here = Path.cwd()
    try:
        environment = EnvSettingsSource(
            cast(type[BaseSettings], Definition), env_prefix="ITS_", env_nested_delimiter="__"
        )()
    except SettingsError as error:
        raise DefinitionError(f"environment: {error}; lists and keys with parts are written as JSON there") from None
    environment.pop("folder", None)
    return merged(located(environment, here), located(nested(overrides), here))


def find(folder: str | Path) -> list[Path]:
    """The folders of all definitions in ``folder``, or ``folder`` itself when it is one, sorted.

    Raises DefinitionError where there is none.
    """
    root = Path(folder)
    is_one = (root / FILE_NAME).is_file()
    folders = [root] if is_one else sorted(path.parent for path in root.glob(f"*/{FILE_NAME}"))
    if not folders:
        raise DefinitionError(f"{root}: no dataset: there is neither {FILE_NAME} nor a folder with one")
    return folders


def _read_yaml(file: Path) -> dict[str, Any]:
    try:
        written = _joined(yaml.safe_load(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise DefinitionError(
            f"{file}: no such file; a dataset is a folder with a {FILE_NAME} (see datasets/quickstart)"
        ) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DefinitionError(f"{file}: cannot be read as YAML: {' '.join(str(error).split())}") from None
    if not isinstance(written, dict):
        raise DefinitionError(f"{file}: must hold keys and values, like 'name: my-dataset'")
    if "folder" in written:
        raise DefinitionError(f"{file}: folder: not a key; the definition's folder is that of the file")
    return written


def _joined(value: Any) -> Any:
    """The same with surrogates joined: PyYAML leaves the pairs of a file that was written as JSON apart. Raises
    UnicodeDecodeError where one has no other half."""
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16")
        case dict():
            return {_joined(key): _joined(each) for key, each in value.items()}
        case list():
            return [_joined(each) for each in value]
    return value
