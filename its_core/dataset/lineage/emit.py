"""Sends OpenLineage events: always to a file of the build, and to a server where the environment names one."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import RunEvent

from its_core.dataset.lineage import FOLDER, events
from its_core.text import one_line

EVENTS_FILE = "events.jsonl"
# The official client reads these; without any of them nothing is sent.
_VARIABLES = ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG", "OPENLINEAGE__TRANSPORT__TYPE")
_log = logging.getLogger(__name__)


def emit(event: RunEvent, work: Path) -> None:
    """Appends the event to ``<work>/lineage/events.jsonl`` and sends it.

    A failure is a warning: the events are a report of the build, and a build must not fail because of its report.
    """
    try:
        _append(event, work / FOLDER / EVENTS_FILE)
    except OSError as error:
        _log.warning("the event was not written to the work folder: %s", error)
    if any(os.environ.get(name) for name in _VARIABLES):
        try:
            OpenLineageClient().emit(event)
        except Exception as error:  # whatever the transport raises
            _log.warning("the OpenLineage server did not take the event: %s", one_line(str(error)))


def _append(event: RunEvent, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(orjson.dumps(events.as_dict(event), option=orjson.OPT_APPEND_NEWLINE))


@contextmanager
def reported(run_id: str, dataset: str, work: Path) -> Iterator[None]:
    """Emits START, and FAIL when the block raises. COMPLETE is emitted by whoever publishes."""
    emit(events.start(run_id, dataset), work)
    try:
        yield
    except BaseException as error:
        message = str(error).partition("\n")[0] or type(error).__name__
        emit(events.fail(run_id, dataset, message), work)
        raise
