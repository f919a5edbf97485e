"""What is wrong with a row: noted with a code, column and value, so that a row can have several faults."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """``code`` is stable (docs/manifest.md lists all), ``reason`` is for people. ``column`` is empty where the row as
    a whole is at fault."""

    code: str
    column: str
    value: str
    reason: str


Faults = defaultdict[int, list[Fault]]  # position in the batch → what is wrong there, in column order


class CellError(Exception):
    """Why a cell's value cannot be used; it becomes a Fault of every row that has the value."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
