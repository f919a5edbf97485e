"""Log lines through the standard logging module: none by default, JSON, an object a line, with ``ITS_LOG_FORMAT=json``.

Each has ``time``, ``level``, ``name`` and ``message``, and says what it is about, as far as that is known where it is
written: ``build``, ``shard``, ``launch``, ``clip``, ``rank``, ``outcome`` …
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
_ABOUT = "ITS_LOG_ABOUT"  # environment variable: what a worker's lines are about, as its launcher knows it
_ROOT = logging.getLogger("its_core")

_about: ContextVar[dict[str, object] | None] = ContextVar("what the lines are about", default=None)


def as_json() -> bool:
    return os.environ.get(FORMAT, "").lower() == "json"


def configure(stream: TextIO, text: str | None = None, **known: object) -> None:
    """From now on lines go to ``stream``: as JSON on request, else in the style of ``text``; without one, not at all.

    ``known`` is what every line of this process is about.
    """
    if not as_json() and text is None:
        return
    handler = logging.StreamHandler(stream)
    handler.addFilter(_Known({**json.loads(os.environ.get(_ABOUT, "{}")), **known}))
    if as_json():
        style = "%(levelname)s %(name)s %(message)s"
        handler.setFormatter(JsonFormatter(style, rename_fields={"levelname": "level"}, timestamp="time"))
    else:
        handler.setFormatter(logging.Formatter(text))
    _ROOT.handlers = [handler]
    _ROOT.setLevel(logging.INFO)
    _ROOT.propagate = False  # the root's handlers are Prefect's, and would say it again


@contextmanager
def about(**known: object) -> Iterator[None]:
    """Lines written inside, by this thread and tasks that it starts, bear ``known``."""
    token = _about.set({**(_about.get() or {}), **known})
    try:
        yield
    finally:
        _about.reset(token)


def environment() -> dict[str, str]:
    """What a worker must find in its environment for its lines to say what they are about."""
    return {_ABOUT: json.dumps(_about.get() or {})}


class _Known(logging.Filter):
    """Drops nothing: adds what is known to each record that does not say it itself."""

    def __init__(self, of_all: dict[str, object]) -> None:
        super().__init__()
        self._of_all = of_all

    def filter(self, record: logging.LogRecord) -> bool:
        for key, value in {**self._of_all, **(_about.get() or {})}.items():
            if not hasattr(record, key):
                setattr(record, key, value)
        return True
