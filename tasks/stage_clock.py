"""How long each stage of a run took."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class StageClock:
    """Sums the seconds in which at least one step of a stage ran. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._running: dict[str, int] = {}
        self._since: dict[str, float] = {}
        self._lock = threading.Lock()

    @property
    def seconds(self) -> dict[str, float]:
        """By stage, in the order in which they began first; of stages that have ended."""
        with self._lock:
            return {stage: seconds for stage, seconds in self._seconds.items() if not self._running[stage]}

    def begin(self, stage: str) -> None:
        with self._lock:
            self._seconds.setdefault(stage, 0.0)
            running = self._running.get(stage, 0)
            if not running:
                self._since[stage] = time.monotonic()
            self._running[stage] = running + 1

    def end(self, stage: str) -> None:
        with self._lock:
            self._running[stage] -= 1
            if not self._running[stage]:
                self._seconds[stage] += time.monotonic() - self._since[stage]

    @contextmanager
    def running(self, stage: str) -> Iterator[None]:
        self.begin(stage)
        try:
            yield
        finally:
            self.end(stage)
