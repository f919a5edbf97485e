"""What a run's page in Prefect shows beside its tasks: log lines, progress, tables, pictures, what was published."""

from __future__ import annotations

import base64
import io
import logging
import threading
from collections.abc import Callable
from contextvars import copy_context
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from its_tasks.steps import Steps
from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext

from its_core import storage
from its_core.redaction import without_secrets

if TYPE_CHECKING:
    from PIL.Image import Image

_SEND_EVERY_S = 2.0
_LAST_SEND_LIMIT_S = 10.0  # that a run waits for the server at its end
_LINES_AT_ONCE = 500
_LONGEST_LINE = 10_000
_MOST_PICTURE_PX = (1280, 16_384)  # no JPEG is higher than 65,500 pixels
_PICTURE_QUALITIES = (80, 60, 40)
# Servers store an artifact in one field and send it as one message; proxies and databases refuse those of about 1 MB.
_MOST_PICTURE_BYTES = 256 * 1024


class RunPage:
    """Sends from a thread of its own, so that nothing waits for the server. Does nothing without Prefect.

    Used as a context: an error that ends the block becomes a line of the log, and what is left is sent.

    Lines and texts are sent without passwords, tokens and keys. Keys of artifacts have lower case and dashes.
    """

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._flow_run_id = _flow_run_id()
        self._lines: list[dict[str, Any]] = []
        self._queue: list[Callable[[], Any]] = []
        self._progress: tuple[float, str] | None = None
        self._progress_id: UUID | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=copy_context().run, args=(self._send_all,), daemon=True)
        self._lock = threading.Lock()
        if steps.with_prefect:
            self._thread.start()

    def log(self, line: str, level: int = logging.INFO) -> None:
        """A line of the run's log. ``level`` is one of the standard logging module's."""
        entry = {
            "name": "its",
            "level": level,
            "message": without_secrets(line)[:_LONGEST_LINE],
            "timestamp": datetime.now(UTC).isoformat(),
            "flow_run_id": str(self._flow_run_id),
        }
        if self._steps.with_prefect:
            with self._lock:
                self._lines.append(entry)

    def progress(self, percent: float, description: str) -> None:
        with self._lock:
            self._progress = (percent, description)

    def table(self, rows: list[dict[str, Any]], key: str, description: str) -> None:
        self._enqueue(lambda: create_table_artifact(without_secrets(rows), key, without_secrets(description)))

    def markdown(self, text: str, key: str, description: str) -> None:
        self._enqueue(lambda: create_markdown_artifact(without_secrets(text), key, without_secrets(description)))

    def link(self, url: str, key: str, description: str) -> None:
        self._enqueue(lambda: create_link_artifact(url, key=key, description=description))

    def picture(self, url: str, key: str, description: str) -> None:
        """A stored picture, reduced and within the artifact: no browser shows another machine's files.

        As Markdown, because below an image Prefect writes its whole URL, which here are its bytes.
        """
        if not self._steps.with_prefect:
            return
        try:
            data_url = data_url_of(storage.read_bytes(url))
        except OSError as error:
            self.log(f"{key}: {error}", logging.WARNING)
            return
        shown = f"![{key}]({data_url})"
        self._enqueue(lambda: create_markdown_artifact(shown, key, without_secrets(description)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Sends what is left, within ten seconds."""
        if isinstance(error, Exception):
            self.log(f"{type(error).__name__}: {error}", logging.ERROR)
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join(_LAST_SEND_LIMIT_S)

    def _enqueue(self, send: Callable[[], Any]) -> None:
        with self._lock:
            self._queue.append(send)

    def _send_all(self) -> None:
        while True:
            closed = self._closed.wait(_SEND_EVERY_S)
            if not self._steps.with_prefect:
                return
            with self._lock:
                queue, self._queue = self._queue, []
                lines, self._lines = self._lines, []
                progress, self._progress = self._progress, None
            try:
                self._send_lines(lines)
                if progress is not None:
                    self._send_progress(*progress)
                for send in queue:
                    send()
            except Exception as error:  # httpx's errors, Prefect's own, and what its client makes of them
                self._steps.lose(error)
            if closed:
                return

    def _send_lines(self, lines: list[dict[str, Any]]) -> None:
        if not lines:
            return
        with get_client(sync_client=True) as client:
            for first in range(0, len(lines), _LINES_AT_ONCE):
                client.create_logs(lines[first : first + _LINES_AT_ONCE])

    def _send_progress(self, percent: float, description: str) -> None:
        if self._progress_id is None:
            created = create_progress_artifact(percent, description=description)
            self._progress_id = created if isinstance(created, UUID) else None
        else:
            update_progress_artifact(self._progress_id, percent, description=description)


def _flow_run_id() -> UUID | None:
    context = FlowRunContext.get()
    return context.flow_run.id if context is not None and context.flow_run is not None else None


def data_url_of(picture: bytes) -> str:
    """The picture as a JPEG of at most 1280 × 16,384 pixels and 256 KiB: smaller and coarser until it fits."""
    from PIL import Image as images

    image = images.open(io.BytesIO(picture)).convert("RGB")
    image.thumbnail(_MOST_PICTURE_PX)
    while True:
        for quality in _PICTURE_QUALITIES:
            packed = _as_jpeg(image, quality)
            if len(packed) <= _MOST_PICTURE_BYTES:
                return _data_url(packed)
        image = image.resize((max(1, image.width * 3 // 4), max(1, image.height * 3 // 4)))


def _as_jpeg(image: Image, quality: int) -> bytes:
    packed = io.BytesIO()
    image.save(packed, "JPEG", quality=quality)
    return packed.getvalue()


def _data_url(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()
