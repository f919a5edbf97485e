"""A dataset's definition: the folder with ``dataset.yaml``, and the order in which overrides win."""

from its_core.definition.errors import DefinitionError
from its_core.definition.loading import FILE_NAME, find, is_definition, load, set_from_outside
from its_core.definition.model import (
    DEFAULT_MAX_REJECTED_RATIO,
    Definition,
    EngineChoice,
    Executor,
    MemoryFallback,
    Name,
    too_many_rejected,
)
from its_core.definition.overrides import dotted, nested, parse_override, variable

__all__ = [
    "DEFAULT_MAX_REJECTED_RATIO",
    "FILE_NAME",
    "Definition",
    "DefinitionError",
    "EngineChoice",
    "Executor",
    "MemoryFallback",
    "Name",
    "dotted",
    "find",
    "is_definition",
    "load",
    "nested",
    "parse_override",
    "set_from_outside",
    "too_many_rejected",
    "variable",
]
