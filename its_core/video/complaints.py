"""What FFmpeg's decoders log while they conceal broken pictures, which they do without raising anything."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import av.logging

_DAMAGE = ("concealing", "error while decoding")


@dataclass(slots=True)
class Complaints:
    """``lines`` are filled when the block of ``decoder_complaints`` ends."""

    lines: list[str] = field(default_factory=list)

    @property
    def damage(self) -> str | None:
        """The first line that says that a picture was broken, None when there is none."""
        return next((line for line in self.lines if any(word in line for word in _DAMAGE)), None)


@contextmanager
def decoder_complaints() -> Iterator[Complaints]:
    """Collects what FFmpeg logs in this thread while the block runs: errors, and pictures that it conceals."""
    complaints = Complaints()
    with _log, av.logging.Capture(local=True) as logged:
        yield complaints
    complaints.lines += [
        text.strip() for severity, _, text in logged if severity <= av.logging.ERROR or "concealing" in text
    ]


class _Log:
    """FFmpeg's log, switched on while any thread reads it. Its level is the process's, its lines are the thread's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readers = 0
        self._before: tuple[int | None, bool] = (None, True)

    def __enter__(self) -> None:
        with self._lock:
            if self._readers == 0:
                self._before = av.logging.get_level(), av.logging.get_skip_repeated()
                av.logging.set_level(av.logging.INFO)
                # The last message about one clip must not suppress the same message about the next.
                av.logging.set_skip_repeated(False)
            self._readers += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._readers -= 1
            if self._readers == 0:
                level, skip_repeated = self._before
                av.logging.set_level(level)
                av.logging.set_skip_repeated(skip_repeated)


_log = _Log()
