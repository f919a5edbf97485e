"""The page's charts: clips by what they show, what was not made and why, brightness, and seconds a clip."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from its_core.dataset.finished_clip import FailedClip, FinishedClip

_MOST_BARS = 12
_LUMA_STEP = 32
_SECONDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


class Charts:
    """Counts of all clips of a version."""

    def __init__(self) -> None:
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def add(self, clip: FinishedClip) -> None:
        scene, record = clip.planned.request.scene, clip.receipt.record
        self._counts["Incidents"][scene.incident_type or "not specified"] += 1
        self._counts["Splits"][clip.planned.split.value] += 1
        for title, name in (("Weather", "weather"), ("Light", "light"), ("Road layout", "road_layout")):
            self._counts[title][str(record.get(name) or getattr(scene, name) or "not known")] += 1
        self._counts["Outcomes"][clip.receipt.outcome.value] += 1
        if clip.measures.mean_luma is not None:
            low = int(clip.measures.mean_luma) // _LUMA_STEP * _LUMA_STEP
            self._counts["Mean brightness, 0 to 255"][f"{low:3} to {low + _LUMA_STEP - 1}"] += 1
        self._add_seconds(sum(attempt.duration_s for attempt in clip.receipt.attempts))

    def add_failed(self, clip: FailedClip) -> None:
        self._counts["Outcomes"][clip.receipt.outcome.value] += 1
        self._add_seconds(sum(attempt.duration_s for attempt in clip.receipt.attempts))

    def _add_seconds(self, seconds: float) -> None:
        below = next((limit for limit in _SECONDS if seconds < limit), None)
        name = f"below {below:4} s" if below is not None else f"{_SECONDS[-1]} s and more"
        self._counts["Making a clip, all attempts"][name] += 1

    def as_bars(self, missing: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Each chart's title and bars, the largest first; ranges in their order."""
        for each in missing:
            self._counts["Not made, by reason"][str(each["column"] or each["outcome"])] += 1
        return [
            {"title": title, "bars": _bars(counts, by_name="brightness" in title or "Making" in title)}
            for title, counts in self._counts.items()
        ]


def _bars(counts: Counter[str], *, by_name: bool) -> list[list[Any]]:
    bars = sorted(counts.items()) if by_name else counts.most_common(_MOST_BARS)
    return [[name, value] for name, value in bars]
