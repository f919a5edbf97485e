"""Errors that a person can act on: one line that says what, where, which value and what would be right.

Each has a stable ``code`` for programs and tests. The message is for people and may change.
"""

from __future__ import annotations

from typing import ClassVar


class FactoryError(Exception):
    """The base of this project's errors.

    A class has a ``code`` of its own; a raise may name a finer one: ``ManifestError("…", code="manifest.empty")``.
    Codes are lower case, dotted from the general to the particular.
    """

    code: str
    default_code: ClassVar[str] = "error"

    def __init__(self, *arguments: object, code: str | None = None) -> None:
        super().__init__(*arguments)
        self.code = code or self.default_code
