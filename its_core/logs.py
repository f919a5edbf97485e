"""Log lines through the standard logging module: none by default, JSON, an object a line, with ``ITS_LOG_FORMAT=json``.

Each has ``time``, ``level``, ``name`` and ``message``, and as many of these fields as its writer has: ``build``,
``shard``, ``launch``, ``clip``, ``rank``, ``outcome`` …
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TextIO

from pythonjsonlogger.json import JsonFormatter

FORMAT = "ITS_LOG_FORMAT"  # environment variable: json, or nothing
_ABOUT = "ITS_LOG_ABOUT"  # environment variable: the fields that a worker's lines get from its launcher
_ROOT = logging.getLogger("its_core")

_about: ContextVar[dict[str, object] | None] = ContextVar("fields of the lines", default=None)


def as_json() -> bool:
    return os.environ.get(FORMAT, "").lower() == "json"


def configure(stream: TextIO, text: str | None = None, **fields: object) -> None:
    """From now on lines go to ``stream``: as JSON on request, else in the style of ``text``; without it, not at all.

    ``fields`` are those of every line of this process.
    """
    if not as_json() and text is None:
        return
    handler = logging.StreamHandler(stream)
    handler.addFilter(_Fields({**json.loads(os.environ.get(_ABOUT, "{}")), **fields}))
    if as_json():
        style = "%(levelname)s %(name)s %(message)s"
        handler.setFormatter(JsonFormatter(style, rename_fields={"levelname": "level"}, timestamp="time"))
    else:
        handler.setFormatter(logging.Formatter(text))
    _ROOT.handlers = [handler]
    _ROOT.setLevel(logging.INFO)
    _ROOT.propagate = False  # the root's handlers are Prefect's, and would repeat it


@contextmanager
def about(**fields: object) -> Iterator[None]:
    """Lines written inside, by this thread and tasks that it starts, have ``fields``."""
    token = _about.set({**(_about.get() or {}), **fields})
    try:
        yield
    finally:
        _about.reset(token)


def environment() -> dict[str, str]:
    """The variables by which a worker's lines get the fields of this process's lines."""
    return {_ABOUT: json.dumps(_about.get() or {})}


class _Fields(logging.Filter):
    """Drops nothing: adds fields to each record that does not have them itself."""

    def __init__(self, of_all: dict[str, object]) -> None:
        super().__init__()
        self._of_all = of_all

    def filter(self, record: logging.LogRecord) -> bool:
        for key, value in {**self._of_all, **(_about.get() or {})}.items():
            if not hasattr(record, key):
                setattr(record, key, value)
        return True
