"""What is wrong with a definition."""

from __future__ import annotations

from its_core.errors import FactoryError


class DefinitionError(FactoryError, ValueError):
    """A definition that cannot be used; the message names the file, the key, the value and what would be right."""

    default_code = "definition"
