"""How long each clip of a launch has been rendering, by this process's own clock: the ranks' clocks may jump."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from its_core.shards.progress import RankState
from its_core.shards.receipts import utc_now


@dataclass(frozen=True, slots=True)
class Start:
    """When a clip was first seen rendering: ISO 8601 in UTC, and by the monotonic clock."""

    at: str
    monotonic_s: float

    @classmethod
    def now(cls) -> Start:
        return cls(utc_now(), time.monotonic())

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self.monotonic_s


class ClipClock:
    """Times clips from the moment when a rank was first seen rendering them."""

    def __init__(self, limit_s: float) -> None:
        self.launch = Start.now()
        self._limit_s = limit_s
        self._starts: dict[str, Start] = {}

    def update(self, states: Sequence[RankState]) -> list[str]:
        """Notes what the ranks render now, and returns the clips that take longer than the limit."""
        rendering = {state.clip_id for state in states if state.state == "rendering" and state.clip_id is not None}
        for clip_id in rendering - self._starts.keys():
            self._starts[clip_id] = Start.now()
        return sorted(clip_id for clip_id in rendering if self._starts[clip_id].elapsed_s > self._limit_s)

    @property
    def begun(self) -> Collection[str]:
        """The clips that were seen rendering."""
        return self._starts.keys()

    def start_of(self, clip_id: str) -> Start | None:
        """When the clip was first seen rendering, None where it was not."""
        return self._starts.get(clip_id)
