"""What a run's page in Prefect shows beside its tasks: progress, failed clips, where the version is published."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Any
from uuid import UUID

from its_tasks.steps import Steps
from prefect.artifacts import (
    create_link_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

_PROGRESS_EVERY_S = 2.0
_LAST_WORDS_S = 10.0  # that a build waits for the server at its end


class Artifacts:
    """Sends artifacts from a thread of its own, so that nothing waits for the server. Does nothing without Prefect."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._queue: list[Callable[[], Any]] = []
        self._progress: tuple[float, str] | None = None
        self._progress_id: UUID | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=copy_context().run, args=(self._send_all,), daemon=True)
        self._lock = threading.Lock()
        if steps.with_prefect:
            self._thread.start()

    def progress(self, percent: float, description: str) -> None:
        with self._lock:
            self._progress = (percent, description)

    def table(self, rows: list[dict[str, Any]], key: str, description: str) -> None:
        with self._lock:
            self._queue.append(lambda: create_table_artifact(rows, key=key, description=description))

    def link(self, url: str, key: str, description: str) -> None:
        with self._lock:
            self._queue.append(lambda: create_link_artifact(url, key=key, description=description))

    def close(self) -> None:
        """Sends what is left, within ten seconds."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join(_LAST_WORDS_S)

    def _send_all(self) -> None:
        while True:
            closed = self._closed.wait(_PROGRESS_EVERY_S)
            if not self._steps.with_prefect:
                return
            with self._lock:
                queue, self._queue = self._queue, []
                progress, self._progress = self._progress, None
            try:
                if progress is not None:
                    self._send_progress(*progress)
                for send in queue:
                    send()
            except Exception as error:  # httpx's errors, Prefect's own, and what its client makes of them
                self._steps.lose(error)
            if closed:
                return

    def _send_progress(self, percent: float, description: str) -> None:
        if self._progress_id is None:
            created = create_progress_artifact(percent, description=description)
            self._progress_id = created if isinstance(created, UUID) else None
        else:
            update_progress_artifact(self._progress_id, percent, description=description)
